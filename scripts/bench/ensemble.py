"""The full ensemble beside upstream's code and beside its own networks; `ensemble_rows.py` says which rows.

Weights are random, in the true architectures and file formats: speed and agreement do not depend on what was learned.
Times are medians of pairs' ratios; which of a pair goes first alternates.
"""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
import soundfile

from scripts.bench.measuring import sepkit, spend
from scripts.bench.random_bags import SEED, STEMS, Stem, song, write_bag
from sepkit import Audio, Pipeline
from sepkit.audio.read import probe
from sepkit.config import Config, dump_config, load_config
from sepkit.denoisers import dns64
from sepkit.models import memory
from sepkit.plan.forecast import forecast
from sepkit.separators.base import Mix, Place
from sepkit.separators.demucs import separator as demucs
from sepkit.separators.demucs.bags import read_bag, read_network


class Offsets:
    """Stands in for the module `random` inside `demucs.apply`, so that upstream draws the offsets that we draw."""

    def __init__(self, experts: int, shifts: int) -> None:
        places = itertools.product(range(experts), range(shifts))
        self._offsets = itertools.cycle([demucs.shift_offset(SEED, *place) for place in places])

    def randint(self, low: int, high: int) -> int:
        """The next one."""
        assert (low, high) == (0, demucs.MAX_SHIFT_FRAMES)
        return next(self._offsets)


def agreement_db(found: Stem, expected: Stem) -> float:
    """Energy of what is expected against that of the difference."""
    error = float(np.sum((found.astype(np.float64) - expected) ** 2))
    return float(10 * np.log10(np.sum(expected.astype(np.float64) ** 2) / max(error, 1e-300)))


def clocked(run: Callable[..., Any], *arguments: Any) -> tuple[float, Any]:
    """(seconds on the clock, what it returned)."""
    begin_s = time.perf_counter()
    returned = run(*arguments)
    return time.perf_counter() - begin_s, returned


class Compared(NamedTuple):
    """The median of the pairs' ratios of time, the agreement of the last pair, and our own seconds in it."""

    ratio: float
    agreement_db: float
    seconds: float


def compare(ours: Callable[[], Stem], upstream: Callable[[], Stem], pairs: int) -> Compared:
    """Run both in turn."""
    ratios = []
    for turn in range(pairs):
        seconds, stems = {}, {}
        for run in (ours, upstream) if turn % 2 else (upstream, ours):
            seconds[run], stems[run] = clocked(run)
        ratios.append(seconds[upstream] / seconds[ours])
    return Compared(median(ratios), agreement_db(stems[ours], stems[upstream]), seconds[ours])


def whole_bag(folder: Path, bag: str, shifts: int, samples: Stem, pairs: int, device: str = "cpu") -> Compared:
    """A bag on a piece of sound: the member's `separate` against `demucs.api.Separator`."""
    import torch
    from demucs import apply
    from demucs.api import Separator as Upstream

    member = demucs.Separator(demucs.Options(bag=bag, folder=str(folder), shifts=shifts))
    member.load(device)
    upstream = Upstream(bag, folder, device=device, shifts=shifts)
    mono = samples.mean(0)
    mix = Mix(samples, float(mono.mean()), float(mono.std(ddof=1)), seed=SEED)

    def run_upstream() -> Stem:
        offsets = Offsets(len(read_bag(bag, str(folder)).models), shifts)
        with mock.patch.object(apply, "random", offsets):
            return np.asarray(upstream.separate_tensor(torch.from_numpy(samples))[1]["vocals"])

    return compare(lambda: member.separate(mix).wanted, run_upstream, pairs)


def arithmetic_s(folder: Path, seconds: float, shifts: int, device: str) -> float:
    """What the products of HTDemucs-FT's vocals expert would take at the speed of a large matrix product."""
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    member = demucs.Separator(demucs.Options(bag="htdemucs_ft", folder=str(folder), shifts=shifts))
    member.load(device)
    frames = round(seconds * demucs.SAMPLE_RATE)
    passes = member.passes(frames, Place(0, (0, frames)))
    # Attention spelled out, since of the fused kernels not all are counted.
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter, torch.inference_mode():
        member._experts[0].network(torch.zeros(1, 2, next(iter(passes.values())), device=device))
    side = 8192 if device.startswith("cuda") else 1024
    matrix = torch.randn(side, side, device=device, dtype=torch.float16 if device.startswith("cuda") else torch.float32)

    def product() -> float:
        return float((matrix @ matrix)[0, 0])  # reading a number waits for the device

    product()
    fastest_s = min(clocked(product)[0] for _ in range(10))
    return float(counter.get_total_flops() * len(passes) * fastest_s / (2 * side**3))


def one_pass(folder: Path, samples: Stem, pairs: int) -> Compared:
    """One expert over one segment: what the member calls against the network as it was loaded."""
    import torch

    member = demucs.Separator(demucs.Options(bag="htdemucs_ft", folder=str(folder)))
    member.load("cpu")
    expert, vocals = member._experts[0], STEMS.index("vocals")
    stock = read_network(member.weights()[-1]).eval()
    mix = torch.from_numpy(samples)[None]

    def run_ours() -> Stem:
        with memory.kept(), torch.inference_mode():
            return np.asarray(expert.network(mix)[0, expert.stem])

    def run_stock() -> Stem:
        with torch.no_grad():
            return np.asarray(stock(mix)[0, vocals])

    return compare(run_ours, run_stock, pairs)


def shipped(name: str, folder: Path, denoiser: bool = False) -> Config:
    """A shipped configuration that reads its bags from a folder; DNS64 only where it can be loaded unverified."""
    settings = load_config(Path(__file__).parents[2] / "config" / name).model_dump()
    for member in settings["members"]:
        member["options"]["folder"] = str(folder)
    if not denoiser:
        settings["denoise"] = None
    return Config.model_validate(settings)


def whole_pipeline(folder: Path, samples: Stem, runs: int) -> tuple[float, float]:
    """The best configuration's time, DNS64 included, in that of its networks' forwards and in that of the fast one."""
    import torch
    from denoiser.demucs import Demucs
    from denoiser.pretrained import DNS_64_URL

    checkpoints = folder / "torch" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True, exist_ok=True)
    torch.save(Demucs(hidden=64, sample_rate=16_000).state_dict(), checkpoints / Path(DNS_64_URL).name)
    changes = {"TORCH_HOME": str(folder / "torch")}
    with mock.patch.dict(os.environ, changes), mock.patch.object(dns64, "verify"):  # random weights have another digest
        best = Pipeline(shipped("best_pipeline.yaml", folder, denoiser=True))
        fast = Pipeline(shipped("fast_pipeline.yaml", folder))
        best.load()
        fast.load()
    forwards_s = _timed_forwards(best)
    overheads, ratios = [], []
    audio = Audio(samples, demucs.SAMPLE_RATE)
    for _ in range(runs):
        forwards_s[0] = 0.0
        best_s, fast_s = (clocked(pipeline.run, audio)[0] for pipeline in (best, fast))
        overheads.append(best_s / forwards_s[0])
        ratios.append(best_s / fast_s)
    return median(overheads), median(ratios)


def _timed_forwards(pipeline: Pipeline) -> list[float]:
    """Make each network of a loaded pipeline add the seconds of its forwards to the one number that is returned."""
    spent = [0.0]

    def timed(network: Callable[..., Any]) -> Callable[..., Any]:
        def forward(*arguments: Any) -> Any:
            seconds, returned = clocked(network, *arguments)
            spent[0] += seconds
            return returned

        return forward

    for member in pipeline.ensemble.members:
        separator = member.separator
        assert isinstance(separator, demucs.Separator)
        separator._experts = [replace(expert, network=timed(expert.network)) for expert in separator._experts]
    assert isinstance(pipeline.task.denoiser, dns64.Denoiser)
    network = pipeline.task.denoiser._network
    network.forward = timed(network.forward)
    return spent


def foreseen(folder: Path, samples: Stem) -> tuple[float, float]:
    """What `sepkit plan` says of the best configuration without DNS64, in what it then takes: (time, peak memory)."""
    source, config = folder / "song.wav", folder / "best.yaml"
    soundfile.write(source, samples.T, demucs.SAMPLE_RATE)
    settings = shipped("best_pipeline.yaml", folder)
    config.write_text(dump_config(settings), encoding="utf-8")
    said = forecast(Pipeline(settings), [probe(source)], again=True)
    spent = sepkit("run", source, "-o", folder / "out", "--config", config)
    assert said.peak_bytes is not None
    return said.seconds / spent.wall_s, said.peak_bytes / 2**20 / spent.peak_mib


def growth(folder: Path, minutes: tuple[float, float]) -> float:
    """Peak memory on the longer file in that on the shorter: best configuration, one shift, networks of 8 channels."""
    folder = folder / "small"
    folder.mkdir()
    write_bag(folder, "htdemucs_ft", channels=8)
    write_bag(folder, "mdx_extra_q", channels=8)
    config, settings = folder / "small.yaml", shipped("best_pipeline.yaml", folder).model_dump()
    settings["members"][0]["options"]["shifts"] = 1
    config.write_text(dump_config(Config.model_validate(settings)), encoding="utf-8")
    peaks = []
    for length in minutes:
        source = folder / "long.wav"
        with soundfile.SoundFile(source, "w", demucs.SAMPLE_RATE, 2, "PCM_16") as file:
            for _ in range(round(length * 6)):
                file.write(song(10.0).T)
        peaks.append(sepkit("run", source, "-o", folder / "out", "--config", config).peak_mib)
    return peaks[1] / peaks[0]


def many_clips(folder: Path, clips: int) -> float:
    """One batch of clips of 3 s through both bags, against upstream's command line, once with each bag."""
    inputs = folder / "clips"
    inputs.mkdir()
    names = [inputs / f"{number}.wav" for number in range(clips)]
    for name in names:
        soundfile.write(name, song(3.0).T, demucs.SAMPLE_RATE)
    config = folder / "best.yaml"
    config.write_text(dump_config(shipped("best_pipeline.yaml", folder)), encoding="utf-8")
    ours = sepkit("batch", inputs, folder / "batch", "--config", config).wall_s
    theirs = 0.0
    for bag, shifts in (("htdemucs_ft", "4"), ("mdx_extra_q", "0")):
        how = ["-n", bag, "--shifts", shifts, "--two-stems", "vocals", "-d", "cpu"]
        theirs += spend("-m", "demucs", *how, "--repo", folder, "-o", folder / "theirs", *names).wall_s
    return theirs / ours
