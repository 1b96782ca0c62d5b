"""How fast this machine is and how much memory it needs, measured once on noise and kept.

    a process of its own:  stages alone on a short and a longer noise ─ denoiser ─ load ─ each member on a second

The rates hold for one configuration, rate and channel count of the source, device and number of threads; they are kept
in the cache folder and measured anew where any of these differs. Memory is the most that a process held, which Linux
alone tells for a part of its life; elsewhere it is not known.
"""

from __future__ import annotations

import gc
import hashlib
import importlib.metadata
import json
import multiprocessing
import os
import platform
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import soundfile
from pydantic import ValidationError

from sepkit import __version__
from sepkit.audio.samples import Samples
from sepkit.clock import Clock
from sepkit.config import Config, Options
from sepkit.config.edits import Edit
from sepkit.errors import SepkitError
from sepkit.files.whole_file import whole_file
from sepkit.models.device import cores
from sepkit.models.weights import cache_home
from sepkit.render.ensemble import Member
from sepkit.render.pipeline import Pipeline
from sepkit.render.statistics import Statistics
from sepkit.separators.base import BaseSeparator, Estimates, Mix, Place

SHORT_S, LONG_S = 3.0, 12.0
"""Noise for the stages alone; what the longer one takes more is their rate."""
DENOISER_S = 24.0
"""More than any denoiser takes at once (DNS64: 20 s)."""
MEMBER_S = 1.0
"""Noise for a member: one segment a run. One that takes less than `BRIEF_S`, or sees no more than the noise at once and
so holds little of what it does for a minute, is measured again on `LONG_S`."""
BRIEF_S = 0.5


class LearningRate(Options):
    """For each second that a member learns from; busy_bytes: with the sound itself."""

    seconds: float
    busy_bytes: float | None


class MemberRate(Options):
    """seconds: for each second that its networks are given. busy_bytes: held for each second they are given at once.

    learning: of a member that learns from a source first.
    """

    seconds: float
    busy_bytes: float | None
    learning: LearningRate | None


class Rates(Options):
    """What a source costs. stage_*: for each second rendered, denoiser apart; bytes: None where not known."""

    measured: str
    load_s: float
    stage_s: float
    denoiser_s: float
    members: tuple[MemberRate, ...]
    loading_bytes: float | None
    loaded_bytes: float | None
    stage_bytes: float | None
    denoiser_bytes: float | None


def rates(config: Config, sample_rate: int, channels: int, again: bool = False) -> tuple[Rates, bool]:
    """Those kept for this configuration and kind of source, or new ones; whether they were measured just now."""
    config = _throughout(config)
    path = cache_home() / "sepkit" / "rates" / f"{_key(config, sample_rate, channels)}.json"
    if not again and path.is_file():
        try:
            return Rates.model_validate_json(path.read_text(encoding="utf-8")), False
        except (ValidationError, OSError):
            path.unlink(missing_ok=True)
    measured = _in_a_process(config, sample_rate, channels)
    with whole_file(path) as part:
        part.write_text(measured.model_dump_json(indent=1), encoding="utf-8")
    return measured, True


def _throughout(config: Config) -> Config:
    """With one edit of all of the source in place of the edits it has: where they lie is the work's, no rate's."""
    if not isinstance(config.edits, tuple) or not config.edits:
        return config
    return config.model_copy(update={"edits": (Edit(prompt=config.edits[0].prompt, mode="remove"),)})


def _key(config: Config, sample_rate: int, channels: int) -> str:
    threads = os.environ.get("OMP_NUM_THREADS", ""), cores()
    machine = platform.node(), platform.machine(), platform.processor(), threads, importlib.metadata.version("torch")
    shaping = config.model_copy(update={"edits": ()}).fingerprint(), config.device, sample_rate, channels, __version__
    return hashlib.sha256(json.dumps([machine, shaping]).encode()).hexdigest()[:24]


def _in_a_process(config: Config, sample_rate: int, channels: int) -> Rates:
    """Measure where nothing has been loaded or held before."""
    with ProcessPoolExecutor(max_workers=1, mp_context=multiprocessing.get_context("spawn")) as pool:
        try:
            return pool.submit(_measure, config, sample_rate, channels).result()
        except BrokenProcessPool as error:
            raise SepkitError(
                "the speed of this machine could not be measured: the process that measures ended, often for lack of "
                "memory; free some, or take a configuration with smaller models"
            ) from error


def _measure(config: Config, sample_rate: int, channels: int) -> Rates:
    """Everything, the light before the heavy, so that what is held grows."""
    rng = np.random.default_rng(config.seed)

    def noise(seconds: float, rate: int = sample_rate) -> Samples:
        return rng.normal(0, 0.1, (channels, round(seconds * rate))).astype(np.float32)

    short, long = _stages(config, [noise(SHORT_S), noise(LONG_S)], sample_rate)
    pipeline, before = Pipeline(config), _status_bytes("VmRSS")
    loading = _spent(pipeline.load)
    loaded = _status_bytes("VmRSS")

    calming = Spent(0.0, 0)
    if pipeline.task.denoiser:
        sound = noise(DENOISER_S, pipeline.task.denoiser.sample_rate)
        with pipeline.task.blamed():
            pipeline.task.denoiser.denoise(sound[:, : pipeline.task.denoiser.sample_rate], 0.1)
            calming = _spent(pipeline.task.denoiser.denoise, sound, 0.1)
    pipeline.ensemble.begin(sample_rate)
    known = long.held is not None and short.held is not None
    return Rates(
        measured=date.today().isoformat(),
        load_s=loading.seconds,
        stage_s=max(0.0, long.seconds - short.seconds) / (LONG_S - SHORT_S),
        denoiser_s=calming.seconds / DENOISER_S,
        members=tuple(_member_rate(member, noise, sample_rate) for member in pipeline.ensemble.members),
        loading_bytes=None if before is None or loading.held is None else before + loading.held,
        loaded_bytes=loaded,
        stage_bytes=max(0, (long.held or 0) - (short.held or 0)) / (LONG_S - SHORT_S) if known else None,
        denoiser_bytes=calming.held,
    )


def _stages(config: Config, sounds: Sequence[Samples], sample_rate: int) -> list[Spent]:
    """Render each sound from file to file, with everything but members and denoiser."""
    changes = {"denoise": None, "skip_silence": None, "device": "cpu"}
    pipeline, spent = Pipeline(config.model_copy(update=changes)), []
    member, *_ = members = pipeline.ensemble.members
    sources = (name for each in members for name in each.separator.sources)
    member.separator = _Free(member.separator.options, tuple(sources))
    pipeline.ensemble.members = [member]
    with tempfile.TemporaryDirectory(prefix="sepkit-") as name:
        for samples in (sounds[0], *sounds):  # the first, again, for the imports
            source = Path(name) / "noise.wav"
            soundfile.write(source, samples.T, sample_rate)
            spent.append(_spent(pipeline.render, source, pipeline.outputs(source, Path(name))))
    return spent[1:]


class _Free(BaseSeparator):
    """A member that costs nothing: the mix itself for every sound that the task asks it for."""

    def __init__(self, options: Options, sources: tuple[str, ...]) -> None:
        super().__init__(options)
        self.sources = sources

    def separate(self, mix: Mix) -> Estimates:
        """Nothing is separated."""
        return Estimates(mix.samples, None, dict.fromkeys(self.sources, mix.samples))


def _member_rate(member: Member, noise: Callable[[float], Samples], sample_rate: int) -> MemberRate:
    native_hz, learns_s = member.separator.sample_rate or sample_rate, member.separator.learns_s
    learning = _learning_rate(member, noise, sample_rate) if learns_s else None
    for seconds in (MEMBER_S, LONG_S):
        stretch = noise(seconds) if learns_s else noise(seconds)[:2]
        spent = _spent(member.estimate, stretch, sample_rate, Statistics(0.0, 0.1), Clock())
        frames = stretch.shape[1]
        passes = member.passes(frames, stretch.shape[0], sample_rate, Place(0, (0, frames)))
        if spent.seconds >= BRIEF_S and max(passes.values()) / native_hz > seconds:
            break
    busy = None if spent.held is None else spent.held / (max(passes.values()) / native_hz)
    seen_s = sum(passes.values()) / native_hz
    return MemberRate(seconds=spent.seconds / seen_s, busy_bytes=busy, learning=learning)


def _learning_rate(member: Member, noise: Callable[[float], Samples], sample_rate: int) -> LearningRate:
    spent = _spent(lambda: member.learn(noise(LONG_S), sample_rate))
    return LearningRate(seconds=spent.seconds / LONG_S, busy_bytes=None if spent.held is None else spent.held / LONG_S)


class Spent(NamedTuple):
    """Seconds on the clock, and bytes held at most over those held before."""

    seconds: float
    held: int | None


def _spent(run: Callable[..., Any], *arguments: Any) -> Spent:
    """Call it, and measure."""
    gc.collect()  # what was let go before must not be let go meanwhile
    before, forgotten = _status_bytes("VmRSS"), _forget_peak()
    begin_s = time.perf_counter()
    run(*arguments)
    seconds = time.perf_counter() - begin_s
    highest = _status_bytes("VmHWM") if forgotten else None
    return Spent(seconds, None if before is None or highest is None else max(0, highest - before))


def _forget_peak() -> bool:
    """Let the peak begin anew from what is held now; whether this system can."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    except OSError:
        return False
    return True


def _status_bytes(name: str) -> int | None:
    """A line of /proc/self/status, which Linux has; else None."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), None)
