"""The rows of `python -m scripts.bench ensemble`: what each compares, by `ensemble.py`, with which goal."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from scripts.bench.ensemble import (
    Compared,
    arithmetic_s,
    foreseen,
    growth,
    many_clips,
    one_pass,
    whole_bag,
    whole_pipeline,
)
from scripts.bench.random_bags import song, write_bag
from scripts.bench.sizes import Sizes


class Row(NamedTuple):
    """What was compared with what, what was found, and the goal."""

    what: str
    against: str
    found: str
    goal: str


def _compared(what: str, against: str, found: Compared, goal: str) -> Row:
    return Row(what, against, f"{found.ratio:.2f} × faster, {found.agreement_db:.0f} dB", goal)


def _one_pass(folder: Path, sizes: Sizes) -> Iterator[Row]:
    write_bag(folder, "htdemucs_ft")
    found = one_pass(folder, song(7.8), max(sizes.ensemble_pairs, 5))
    yield _compared("one expert, one pass", "its stock forward", found, "≥ 1.15 ×, ≥ 110 dB")


def _extra(folder: Path, sizes: Sizes) -> Iterator[Row]:
    quantised = write_bag(folder, "mdx_extra_q")
    kind = "four DiffQ members" if quantised else "four members, not quantised: diffq is not installed"
    found = whole_bag(folder, "mdx_extra_q", 0, song(sizes.ensemble_s), sizes.ensemble_pairs)
    yield _compared(f"MDX-Extra-Q ({kind}), {sizes.ensemble_s:g} s", UPSTREAM, found, "≥ 1.2 ×, ≥ 90 dB")


def _tuned(folder: Path, sizes: Sizes) -> Iterator[Row]:
    write_bag(folder, "htdemucs_ft")
    found = whole_bag(folder, "htdemucs_ft", 4, song(sizes.ensemble_s), sizes.ensemble_pairs)
    yield _compared(f"HTDemucs-FT, 4 shifts, {sizes.ensemble_s:g} s", UPSTREAM, found, "≥ 5 ×, ≥ 100 dB")


def _pipeline(folder: Path, sizes: Sizes) -> Iterator[Row]:
    _write_both(folder)
    overhead, ratio = whole_pipeline(folder, song(sizes.ensemble_s), sizes.ensemble_pairs)
    yield Row(f"{BEST}, {sizes.ensemble_s:g} s", "its networks' forwards", f"{overhead:.3f}", "≤ 1.05")
    yield Row(f"{BEST}, {sizes.ensemble_s:g} s", "config/fast_pipeline.yaml", f"{ratio:.1f} × the time", "–")


def _plan(folder: Path, sizes: Sizes) -> Iterator[Row]:
    _write_both(folder)
    time_ratio, memory_ratio = foreseen(folder, song(sizes.ensemble_s))
    found = f"{time_ratio:.2f} of the time, {memory_ratio:.2f} of the memory"
    yield Row(f"`sepkit plan`, {BEST} without DNS64", "what it then took", found, "0.75 … 1.25")


def _clips(folder: Path, sizes: Sizes) -> Iterator[Row]:
    _write_both(folder)
    what = f"{sizes.ensemble_clips} clips of 3 s in a batch, both bags"
    yield Row(what, "demucs's command line", f"{many_clips(folder, sizes.ensemble_clips):.2f} × faster", "≥ 5 ×")


def _memory(folder: Path, sizes: Sizes) -> Iterator[Row]:
    shorter, longer = sizes.ensemble_minutes
    what = f"peak memory at {longer:g} min, one shift, networks of 8 channels"
    yield Row(what, f"at {shorter:g} min", f"{growth(folder, sizes.ensemble_minutes):.3f}", "≤ 1.05")


def _gpu(folder: Path, sizes: Sizes) -> Iterator[Row]:
    import torch

    goal, what = "≥ 8 ×, ≥ 60 dB", f"HTDemucs-FT, 4 shifts, on a GPU, {sizes.gpu_s:g} s"
    if not torch.cuda.is_available():
        yield Row(what, "demucs on it", "not measured here", goal)
        return
    write_bag(folder, "htdemucs_ft")
    found = whole_bag(folder, "htdemucs_ft", 4, song(sizes.gpu_s), sizes.ensemble_pairs, "cuda:0")
    yield _compared(f"{what} ({torch.cuda.get_device_name()})", "demucs on it", found, goal)
    floor_s = arithmetic_s(folder, sizes.gpu_s, 4, "cuda:0")
    yield Row("seconds of audio a second there", "the clock", f"{sizes.gpu_s / found.seconds:.0f}", "–")
    yield Row("its time there", "its products at a matrix product's speed", f"{found.seconds / floor_s:.1f} ×", "–")


BEST = "config/best_pipeline.yaml"
UPSTREAM = "demucs.api.Separator, same weights and offsets"
ROWS: dict[str, Callable[[Path, Sizes], Iterator[Row]]] = {
    "one-pass": _one_pass,
    "mdx": _extra,
    "shifts": _tuned,
    "pipeline": _pipeline,
    "plan": _plan,
    "clips": _clips,
    "memory": _memory,
    "gpu": _gpu,
}


def rows(folder: Path, sizes: Sizes, names: Sequence[str]) -> Iterator[Row]:
    """The comparisons of these names, one after the other; of none, all."""
    for name in names or ROWS:
        scratch = folder / name
        scratch.mkdir()
        yield from ROWS[name](scratch, sizes)


def _write_both(folder: Path) -> None:
    write_bag(folder, "htdemucs_ft")
    write_bag(folder, "mdx_extra_q")
