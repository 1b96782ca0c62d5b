"""The time and disk that a batch will take, and what the figure for the time rests on."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from sepkit import audio_io
from sepkit.audio_io import SAMPLE_BITS, SourceInfo
from sepkit.audio_write import output_format
from sepkit.batch.journal import Record
from sepkit.batch.plan import Identity, Plan, Task, written
from sepkit.batch.render import Renderer
from sepkit.config import Config
from sepkit.errors import SepkitError

CALIBRATION_S = 5.0
"""Length of the noise that is rendered where no earlier run tells how fast this machine is."""
WARM_UP_S = 1.0
"""Rendered before it, so that the importing of libraries is not counted."""


@dataclass(frozen=True)
class Estimate:
    """seconds: on the clock, with the models loaded. basis: where the speed was taken from."""

    audio_s: float
    seconds: float
    basis: str
    disk_bytes: int
    free_bytes: int

    def text(self) -> str:
        """One line for the terminal."""
        return (
            f"{self.audio_s:.1f} s of audio: about {self.seconds:.0f} s ({self.basis}) and at most "
            f"{self.disk_bytes / 1e6:.1f} MB of disk ({self.free_bytes / 1e6:.0f} MB free)"
        )


def estimate(plan: Plan, records: list[Record], identity: Identity, config: Config, out: Path) -> Estimate:
    """Add up the tasks. Nothing is written under `out`."""
    audio_s, disk_bytes = 0.0, 0
    for task in plan.tasks:
        info = audio_io.probe(task.source)
        audio_s += info.duration_s
        disk_bytes += _output_bytes(info, config) * len(written(task.outputs))
    seconds_per_s, basis = _speed(plan, records, identity, config)
    existing = next(folder for folder in (out, *out.absolute().parents) if folder.exists())
    return Estimate(audio_s, audio_s * seconds_per_s, basis, disk_bytes, shutil.disk_usage(existing).free)


def _output_bytes(info: SourceInfo, config: Config) -> int:
    """frames × channels × bytes a sample; FLAC stays below."""
    _, _, subtype = output_format(info, config.output.format, config.output.bit_depth)
    return info.frames * info.channels * SAMPLE_BITS[subtype] // 8


def _speed(plan: Plan, records: list[Record], identity: Identity, config: Config) -> tuple[float, str]:
    """Seconds on the clock per second of audio, and where that comes from."""
    if not plan.tasks:
        return 0.0, "nothing to render"
    same = [record for record in records if record.config_sha256 == identity.config_sha256]
    known_s = sum(record.duration_s for record in same)
    if known_s > 0:
        spent_s = sum(record.seconds / record.workers for record in same)
        return spent_s / known_s, f"as {len(same)} files of the journal took"
    return _calibrate(plan.tasks[0], config), f"as {CALIBRATION_S:g} s of noise took just now"


def _calibrate(first: Task, config: Config) -> float:
    """Render and measure noise in the rate and channels of the first source, once loaded and warm."""
    info = audio_io.probe(first.source)
    with tempfile.TemporaryDirectory(prefix="sepkit-") as name:
        folder = Path(name)
        renderer = Renderer(config, folder)
        renderer.load()
        for duration_s in (WARM_UP_S, CALIBRATION_S):
            source = folder / f"{duration_s:g}.wav"
            frames = round(duration_s * info.sample_rate)
            noise = np.random.default_rng(config.seed).normal(0, 0.1, (frames, info.channels))
            soundfile.write(source, noise, info.sample_rate)
            task = Task(source.name, source, renderer.pipeline.outputs(source, folder), "")
            outcome = renderer.render(task, lambda *_: None)
            if outcome.error:
                raise SepkitError(f"the speed of this machine could not be measured: {outcome.error}")
    return outcome.seconds / CALIBRATION_S
