"""The demucs member beside upstream's code, same weights and offsets, in pairs: `python -m scripts.bench ensemble`.

Weights are random, in the true architectures and file formats: speed and agreement do not depend on what was learned.
Each row is the median of its pairs' ratios; which of a pair goes first alternates.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from sepkit.separators import demucs
from sepkit.separators._demucs_bags import published_bags, read_bag, read_network
from sepkit.separators._demucs_network import attention_in_one_piece, keep_stem
from sepkit.separators.base import Mix

STEMS = ["drums", "bass", "other", "vocals"]
SEED = 0

Stem = NDArray[np.float32]
"""An estimate (2, frames) at 44.1 kHz."""


class Row(NamedTuple):
    """What was compared. ratio: upstream's time in ours; agreement_db: of the samples."""

    what: str
    against: str
    goal: str
    ratio: float
    agreement_db: float


class Offsets:
    """Stands in for the module `random` inside `demucs.apply`, so that upstream draws the offsets that we draw."""

    def __init__(self, experts: int, shifts: int) -> None:
        places = itertools.product(range(experts), range(shifts))
        self._offsets = itertools.cycle([demucs.shift_offset(SEED, *place) for place in places])

    def randint(self, low: int, high: int) -> int:
        """The next one."""
        assert (low, high) == (0, demucs.MAX_SHIFT_FRAMES)
        return next(self._offsets)


def write_bag(folder: Path, bag: str) -> bool:
    """A published bag's recipe with random networks of its architecture; returns whether they are quantised."""
    import torch
    import yaml
    from demucs.hdemucs import HDemucs
    from demucs.htdemucs import HTDemucs
    from demucs.states import save_with_checksum, serialize_model
    from omegaconf import OmegaConf

    assert bag in published_bags()
    recipe, quantised = read_bag(bag, None), False
    for number, signature in enumerate(recipe.models):
        torch.manual_seed(number)
        if bag.startswith("htdemucs"):
            network: Any = HTDemucs(STEMS, bottom_channels=512, segment=Fraction(39, 5))
            quantiser = None
        else:
            network = HDemucs(STEMS)
            quantiser, quantised = _quantiser(network)
        package = serialize_model(network, OmegaConf.create({}), quantiser)  # type: ignore[no-untyped-call]
        save_with_checksum(package, folder / f"{signature}.th")  # type: ignore[no-untyped-call]
    stored = {name: value for name, value in recipe.model_dump(mode="json").items() if value is not None}
    (folder / f"{bag}.yaml").write_text(yaml.safe_dump(stored), encoding="utf-8")
    return quantised


def _quantiser(network: Any) -> tuple[Any, bool]:
    """DiffQ's for a network, as mdx_extra_q is stored; none where the package is not installed."""
    try:
        from diffq import DiffQuantizer
    except ImportError:
        return None, False
    return DiffQuantizer(network, group_size=8, min_size=0.2), True


def song(seconds: float) -> Stem:
    """Noise with tones, at 44.1 kHz."""
    rng = np.random.default_rng(SEED)
    time_s = np.arange(round(seconds * demucs.SAMPLE_RATE)) / demucs.SAMPLE_RATE
    tones = sum(np.sin(2 * np.pi * hz * time_s) for hz in (110, 440, 1760))
    return np.asarray(0.05 * tones + 0.1 * rng.standard_normal((2, time_s.size)), np.float32)


def agreement_db(found: Stem, expected: Stem) -> float:
    """Energy of what is expected against that of the difference."""
    error = float(np.sum((found.astype(np.float64) - expected) ** 2))
    return float(10 * np.log10(np.sum(expected.astype(np.float64) ** 2) / max(error, 1e-300)))


def compare(ours: Callable[[], Stem], upstream: Callable[[], Stem], pairs: int) -> tuple[float, float]:
    """(median of the pairs' ratios of time, agreement in dB); each runs once before, unmeasured."""
    agreement = agreement_db(ours(), upstream())
    ratios = []
    for turn in range(pairs):
        seconds = {}
        for run in (ours, upstream) if turn % 2 else (upstream, ours):
            begin_s = time.perf_counter()
            run()
            seconds[run] = time.perf_counter() - begin_s
        ratios.append(seconds[upstream] / seconds[ours])
    return median(ratios), agreement


def whole_bag(folder: Path, bag: str, shifts: int, samples: Stem, pairs: int) -> tuple[float, float]:
    """A bag on a piece of sound: the member's `separate` against `demucs.api.Separator`."""
    import torch
    from demucs import apply
    from demucs.api import Separator as Upstream

    member = demucs.Separator(demucs.Options(bag=bag, folder=str(folder), shifts=shifts))
    member.load("cpu")
    upstream = Upstream(bag, folder, device="cpu", shifts=shifts)
    mono = samples.mean(0)
    mix = Mix(samples, float(mono.mean()), float(mono.std(ddof=1)), SEED)

    def run_upstream() -> Stem:
        offsets = Offsets(len(read_bag(bag, str(folder)).models), shifts)
        with mock.patch.object(apply, "random", offsets):
            return np.asarray(upstream.separate_tensor(torch.from_numpy(samples))[1]["vocals"])

    return compare(lambda: member.separate(mix).wanted, run_upstream, pairs)


def one_pass(folder: Path, samples: Stem, pairs: int) -> tuple[float, float]:
    """One expert over one segment: what the member calls against the network as it was loaded."""
    import torch

    files = demucs.Separator(demucs.Options(bag="htdemucs_ft", folder=str(folder))).weights()
    stock, ours = read_network(files[-1]).eval(), read_network(files[-1]).eval()
    vocals = STEMS.index("vocals")
    stem = keep_stem(ours, vocals)
    mix = torch.from_numpy(samples)[None]

    def run_ours() -> Stem:
        with torch.inference_mode(), attention_in_one_piece():
            return np.asarray(ours(mix)[0, stem])

    def run_stock() -> Stem:
        with torch.no_grad():
            return np.asarray(stock(mix)[0, vocals])

    return compare(run_ours, run_stock, pairs)


def rows(folder: Path, seconds: float, pairs: int) -> list[Row]:
    """Every comparison."""
    write_bag(folder, "htdemucs_ft")
    quantised = write_bag(folder, "mdx_extra_q")
    samples, segment = song(seconds), song(7.8)
    api = "demucs.api.Separator, same weights and offsets"
    kind = "four DiffQ members" if quantised else "four members, not quantised: diffq is not installed"
    return [
        Row(
            f"HTDemucs-FT, 4 shifts, {seconds:g} s",
            api,
            "≥ 5 ×, ≥ 100 dB",
            *whole_bag(folder, "htdemucs_ft", 4, samples, pairs),
        ),
        Row("one expert, one pass", "its stock forward", "≥ 1.15 ×, ≥ 110 dB", *one_pass(folder, segment, pairs)),
        Row(
            f"MDX-Extra-Q ({kind}), {seconds:g} s",
            api,
            "≥ 1.2 ×, ≥ 90 dB",
            *whole_bag(folder, "mdx_extra_q", 0, samples, pairs),
        ),
    ]
