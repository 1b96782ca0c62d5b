"""One picture: the spectrogram before above the one after, on the same axes and the same colour scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.samples import Audio
from sepkit.files.whole_file import whole_file

WINDOW_FRAMES = 2048
COLUMNS = 1600
"""About the picture's width in pixels; of a long file each column shows one window and skips the rest."""
RANGE_DB = 80.0
TOP_HZ = 20_000


def picture(mix: Audio, clean: Audio, path: Path) -> Path:
    """Draw mix and clean into a PNG at `path`."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    levels_db = [level_db(mix), level_db(clean)]
    loudest_db = max(float(level.max()) for level in levels_db)
    figure = Figure(figsize=(12, 7), layout="constrained")
    FigureCanvasAgg(figure)
    upper, lower = figure.subplots(2, 1, sharex=True, sharey=True)
    for axes, audio, level, title in (
        (upper, mix, levels_db[0], "before"),
        (lower, clean, levels_db[1], "after"),
    ):
        image = axes.imshow(
            level,
            origin="lower",
            aspect="auto",
            extent=(0, audio.duration_s, 0, audio.sample_rate / 2000),
            vmin=loudest_db - RANGE_DB,
            vmax=loudest_db,
            cmap="magma",
        )
        axes.set_title(title, loc="left")
        axes.set_ylabel("kHz")
    lower.set_ylim(0, min(TOP_HZ, mix.sample_rate / 2) / 1000)
    lower.set_xlabel("seconds")
    figure.colorbar(image, ax=[upper, lower], label="dB of full scale")
    with whole_file(path) as part:
        figure.savefig(part, format="png", dpi=130)
    return path


def level_db(audio: Audio) -> NDArray[np.float32]:
    """Magnitudes of the channels' mean in dB, a full-scale sine at 0; (bins, columns), from 0 Hz up."""
    window = np.hanning(WINDOW_FRAMES + 1)[:-1].astype(np.float32)
    padded = np.pad(audio.mono()[0], WINDOW_FRAMES // 2)
    hop_frames = max(WINDOW_FRAMES // 4, audio.frames // COLUMNS)
    views = np.lib.stride_tricks.sliding_window_view(padded, WINDOW_FRAMES)[::hop_frames]
    magnitudes = np.abs(np.fft.rfft(views * window, axis=1)).T / (window.sum() / 2)
    level: NDArray[np.float32] = 20 * np.log10(np.maximum(magnitudes, 1e-10)).astype(np.float32)
    return level
