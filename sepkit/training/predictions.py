"""What the network makes of a few validation mixes, to be heard and seen after each check.

OUT/predictions/mix_00.flac, mix_00__speaker_1.flac (the estimate), mix_00__target_1.flac, mix_00.png: 16 kHz, 24 bit.
"""

from __future__ import annotations

import io
import shutil
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import nn

from sepkit.files.whole_file import whole_file
from sepkit.training.corpus import SAMPLE_RATE
from sepkit.training.loop import Maker
from sepkit.training.speakers import SpeakersTask

EXAMPLES = (0, 1, 2, 7)
"""Three of all voices, and one of one voice alone; see `voice_mixes`."""
RANGE_DB = 70.0
FFT_FRAMES, HOP_FRAMES = 512, 128


class Predictions:
    """Writes the folder anew at each check; see the module's docstring."""

    def __init__(self, task: SpeakersTask, maker: Maker, count: int, folder: Path) -> None:
        self.task, self.maker, self.folder = task, maker, folder
        self.examples = [index for index in EXAMPLES if index < count]

    def __call__(self, network: nn.Module, device: str) -> None:
        """network: in evaluation mode, on the device."""
        unfinished = self.folder.with_name(f"{self.folder.name}.partial")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        for index in self.examples:
            batch = tuple(torch.from_numpy(each)[None].to(device) for each in self.maker.example(index))
            with torch.inference_mode():
                estimates = self.task.judged(network, batch)[0]
            mix, targets = (each[0].cpu().numpy() for each in batch)
            rows = {"": mix}
            for number, (estimate, target) in enumerate(zip(estimates[0].cpu().numpy(), targets, strict=True), 1):
                rows |= {f"__speaker_{number}": estimate, f"__target_{number}": target}
            for name, samples in rows.items():
                soundfile.write(unfinished / f"mix_{index:02d}{name}.flac", samples, SAMPLE_RATE, "PCM_24")
            _picture(rows, unfinished / f"mix_{index:02d}.png")
        shutil.rmtree(self.folder, ignore_errors=True)
        unfinished.rename(self.folder)


def _picture(rows: dict[str, NDArray[np.float32]], path: Path) -> None:
    """The spectrograms below each other, on one scale."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    levels_db = {name: _level_db(samples) for name, samples in rows.items()}
    loudest_db = float(levels_db[""].max())
    figure = Figure(figsize=(9, 1.7 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (name, level_db) in zip(figure.subplots(len(rows), 1, sharex=True), levels_db.items(), strict=True):
        extent = (0, rows[name].size / SAMPLE_RATE, 0, SAMPLE_RATE / 2000)
        axes.imshow(
            level_db,
            origin="lower",
            aspect="auto",
            extent=extent,
            vmin=loudest_db - RANGE_DB,
            vmax=loudest_db,
            cmap="magma",
        )
        axes.set_ylabel("kHz")
        axes.set_title(name.strip("_").replace("_", " ") or "mix", loc="left", fontsize=9)
    axes.set_xlabel("seconds")
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", dpi=80)
    with whole_file(path) as part:
        part.write_bytes(drawn.getvalue())


def _level_db(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """(bins, columns) in dB."""
    views = np.lib.stride_tricks.sliding_window_view(np.pad(samples, FFT_FRAMES // 2), FFT_FRAMES)[::HOP_FRAMES]
    magnitudes = np.abs(np.fft.rfft(views * np.hanning(FFT_FRAMES), axis=1)).T
    return np.asarray(20 * np.log10(np.maximum(magnitudes, 1e-7)), np.float32)
