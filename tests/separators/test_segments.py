"""Segments in batches: the same estimate whatever their size, memory that runs out, growth while it pays."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from fractions import Fraction
from functools import partial

import numpy as np
import pytest
import torch
from demucs.hdemucs import HDemucs
from demucs.htdemucs import HTDemucs

from sepkit.separators import _batches, _precision, _segments
from sepkit.separators._batches import Batches
from sepkit.separators._segments import Expert, Run, estimate
from sepkit.separators.base import Place
from sepkit.separators.demucs.network import keep_stem

RATE = 44100
STEMS = ["drums", "bass", "other", "vocals"]
OVERLAP = 0.25


def transformer(seed: int) -> HTDemucs:
    torch.manual_seed(seed)
    return HTDemucs(STEMS, channels=8, t_layers=2, t_heads=2, segment=Fraction(1), t_sin_random_shift=0).eval()


def expert(index: int, weight: float) -> Expert:
    network = transformer(index)
    return Expert(index, weight, 3, network, RATE, network.valid_length)


@pytest.fixture(scope="module")
def runs() -> list[Run]:
    """Two experts, three shifts between them."""
    experts = [expert(index, weight) for index, weight in enumerate((1.0, 0.5))]
    return [Run(experts[0], 0, 0.4), Run(experts[0], -7000, 0.4), Run(experts[1], -21000, 0.2)]


@pytest.fixture(scope="module")
def mix() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(0).standard_normal((2, 3 * RATE)).astype(np.float32))


def run_in(batch: int, mix: torch.Tensor, runs: list[Run], forward: Callable[..., torch.Tensor]) -> torch.Tensor:
    batches = Batches("cpu", grows=False)
    batches.size = batch
    experts = {run.expert.index: run.expert for run in runs}
    experts = {index: replace(e, network=partial(forward, e.network)) for index, e in experts.items()}
    with torch.inference_mode():
        return estimate(mix, [run._replace(expert=experts[run.expert.index]) for run in runs], OVERLAP, batches)


def plain(network: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
    return network(batch)


def difference_db(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float(10 * torch.log10((found - expected).square().sum() / expected.square().sum() + 1e-30))


def test_batches_of_any_size_give_the_same(mix, runs):
    """Experts are never mixed in a batch; the estimate is that of one segment at a time."""
    seen = []

    def forward(network: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
        seen.append(len(batch))
        return network(batch)

    expected = run_in(1, mix, runs, plain)
    found = run_in(4, mix, runs, forward)
    assert difference_db(found, expected) < -110
    assert max(seen) == 4
    assert sum(seen) == sum(1 for run in runs for _ in _segments.segments(run, mix.shape[-1], OVERLAP))


def test_segments_that_nothing_is_used_of_are_not_run(mix, runs):
    whole, calls = run_in(1, mix, runs, plain), []

    def forward(network: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
        calls.append(len(batch))
        return network(batch)

    experts = [run._replace(expert=replace(run.expert, network=partial(forward, run.expert.network))) for run in runs]
    used = 80_000, 90_000
    with torch.inference_mode():
        part = estimate(mix, experts, OVERLAP, Batches("cpu", grows=False), Place(0, used))
    np.testing.assert_array_equal(part[:, slice(*used)], whole[:, slice(*used)])
    # Segments are 44100 long and begin each 33075: at 66150 alone; at 59150 alone; at 45150 and 78225.
    assert sum(calls) == 4


def test_a_segment_that_two_stretches_meet_is_run_once(mix, runs):
    """Two runs alike among them: both must be counted. Witness: the whole mix, run by itself."""
    runs = [*runs, runs[-1]]
    whole, calls, kept = run_in(1, mix, runs, plain), [], _segments.Kept()

    def forward(network: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
        calls.append(len(batch))
        return network(batch)

    counted = [run._replace(expert=replace(run.expert, network=partial(forward, run.expert.network))) for run in runs]
    stride = round((1 - OVERLAP) * RATE)
    places = [Place(0, (0, 60_000), again=30_000), Place(stride, (0, 99_225), again=0)]  # the second ends with the mix
    batches = Batches("cpu", grows=False)
    with torch.inference_mode():
        parts = [
            estimate(mix[:, :110_000], counted, OVERLAP, batches, places[0], kept),
            estimate(mix[:, stride:], counted, OVERLAP, batches, places[1], kept),
        ]
    assert difference_db(parts[0][:, :60_000], whole[:, :60_000]) < -110
    assert difference_db(parts[1][:, RATE:], whole[:, stride + RATE :]) < -110  # what lies before has no context here
    assert sum(calls) < 2 * len(_segments.queued(counted, 110_000, OVERLAP, Place(0, (0, 110_000))))
    everything = _segments.queued(counted, mix.shape[-1], OVERLAP, Place(0, (0, mix.shape[-1])))
    assert sum(calls) == len(everything)


def test_memory_that_runs_out_halves_the_batch(mix, runs):
    sizes = []

    def forward(network: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
        sizes.append(len(batch))
        if len(batch) > 2:
            raise torch.OutOfMemoryError("injected")
        return network(batch)

    found = run_in(6, mix, runs, forward)
    assert difference_db(found, run_in(1, mix, runs, plain)) < -110
    assert sizes[:2] == [6, 3] or sizes[:3] == [4, 2, 2]
    assert max(sizes[2:]) <= 2


def test_memory_for_not_even_one_segment_is_an_error(mix, runs):
    def forward(network: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("injected")

    with pytest.raises(torch.OutOfMemoryError):
        run_in(2, mix, runs, forward)


def test_threads_fill_batches_together(mix, runs):
    """The first segment is held up until both threads wait; each gets what it gets alone."""
    mixes = [mix, mix.flip(1)]
    alone = [run_in(1, each, runs, plain) for each in mixes]
    batches, sizes = Batches("cpu", grows=False), []
    batches.size = 8
    queued = sum(1 for run in runs for _ in _segments.segments(run, mix.shape[-1], OVERLAP))

    def forward(network: torch.nn.Module, batch: torch.Tensor) -> torch.Tensor:
        while not sizes and len(batches._waiting) < 2 * queued - len(batch):
            time.sleep(0.001)
        sizes.append(len(batch))
        return network(batch)

    shared = {run.expert.index: replace(run.expert, network=partial(forward, run.expert.network)) for run in runs}
    counted = [run._replace(expert=shared[run.expert.index]) for run in runs]

    def render(each: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            return estimate(each, counted, OVERLAP, batches)

    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(render, mixes))
    for one, other in zip(found, alone, strict=True):
        assert difference_db(one, other) < -110
    assert sum(sizes) == 2 * queued
    # 9 segments a thread for the first expert and 5 for the second: 18 and 10, of which a lone thread fills 8, 1 and 5.
    assert sorted(sizes[1:], reverse=True)[:2] == [8, 8]


def test_an_error_reaches_those_in_its_batch_and_nobody_else(mix, runs):
    batches, begun = Batches("cpu", grows=False), threading.Event()

    def forward(batch: torch.Tensor) -> torch.Tensor:
        begun.set()
        while len(batches._waiting) < 1 and batch.isnan().any():
            time.sleep(0.001)
        if batch.isnan().any():
            raise ZeroDivisionError
        return torch.zeros(len(batch), 4, 2, batch.shape[-1])

    only = [Run(replace(expert(0, 1.0), network=forward), 0, 1.0)]
    with ThreadPoolExecutor(2) as pool:
        bad = pool.submit(estimate, torch.full((2, 100), torch.nan), only, OVERLAP, batches)
        begun.wait()
        good = pool.submit(estimate, mix, only, OVERLAP, batches)
        assert good.result().shape == mix.shape
        with pytest.raises(ZeroDivisionError):
            bad.result()
    assert batches._waiting == []


@pytest.mark.parametrize(("fixed_s", "each_s", "best"), [(1.0, 0.01, 64), (0.0, 1.0, 1), (1.0, 0.6, 16)])
def test_batches_grow_while_that_pays(monkeypatch, mix, fixed_s, each_s, best):
    """A batch of n moves the clock by fixed + n · each: 2n pays while fixed / 2n + each ≤ 0.95 (fixed / n + each)."""
    now = [0.0]
    monkeypatch.setattr(_batches.time, "perf_counter", lambda: now[0])

    def forward(batch: torch.Tensor) -> torch.Tensor:
        now[0] += fixed_s + len(batch) * each_s
        return torch.zeros(len(batch), 4, 2, batch.shape[-1])

    runs = [Run(replace(expert(0, 1.0), network=forward), 0, 1.0)]
    batches = Batches("cpu", grows=True)
    for _ in range(3):
        estimate(mix, runs * 40, OVERLAP, batches)
    assert batches.size == best


@pytest.mark.parametrize("kind", ["transformer", "hybrid", "hybrid without waveform"])
def test_a_network_of_one_stem_gives_the_same_stem(kind):
    """Against the whole network's own output; and less is computed: the last layers are a quarter."""
    torch.manual_seed(1)
    network = (
        transformer(1)
        if kind == "transformer"
        else HDemucs(STEMS, channels=8, hybrid=kind == "hybrid", segment=1).eval()
    )
    mix = torch.randn(1, 2, RATE)
    with torch.inference_mode():
        expected = network(mix)[:, 2]
        weights = network.decoder[-1].conv_tr.weight.shape[1]
        assert keep_stem(network, 2) == 0
        found = network(mix)[:, 0]
    assert network.decoder[-1].conv_tr.weight.shape[1] == weights // 4
    assert difference_db(found, expected) < -110


def test_magnitude_masks_need_all_stems():
    network = HDemucs(STEMS, channels=8, cac=False, segment=1).eval()
    assert keep_stem(network, 2) == 2
    assert network.sources == STEMS


def test_half_precision_is_taken_where_it_is_faithful(monkeypatch):
    """bfloat16 keeps 8 bits, each worth 6 dB: a product is about 45 dB from exact, and a network's estimate not far."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(44100, 64)

    def network(mix: torch.Tensor) -> torch.Tensor:
        return layer(mix)[:, None]

    monkeypatch.setattr(_precision, "FAITHFUL_DB", 30.0)
    half = _precision.half_if_faithful(network, "cpu", torch.bfloat16, "x")
    mix = torch.randn(1, 2, 44100)
    assert half is not network
    assert -60 < difference_db(half(mix), network(mix)) < -30
    assert half(mix).dtype == torch.float32


@pytest.mark.parametrize("gain", [1.01, float("nan")])
def test_half_precision_that_is_not_faithful_is_refused_with_a_warning(gain):
    """A network that is 1.01 times as loud in half precision lies 40 dB away; NaN is no agreement either."""

    def network(mix: torch.Tensor) -> torch.Tensor:
        return mix[:, None] * (gain if torch.is_autocast_enabled("cpu") else 1.0)

    with pytest.warns(UserWarning, match="x: half precision would lie .* from full precision.*it runs in full"):
        assert _precision.half_if_faithful(network, "cpu", torch.bfloat16, "x") is network


def test_on_a_processor_a_network_stays_as_it_is():
    network = torch.nn.Identity()
    assert _precision.fastest(network, "cpu", "x") is network
