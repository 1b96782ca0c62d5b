"""How much `python -m scripts.bench` measures: in full, and with --quick."""

from __future__ import annotations

from typing import NamedTuple


class Sizes(NamedTuple):
    """How much is measured: the minutes of the memory bench, and counts of what their names say."""

    minutes: tuple[float, float, float]
    overhead_minutes: float
    overhead_rounds: int
    clips: int
    paged_clips: int
    few_clips: int
    many_clips: int
    clip_rounds: int
    batch_rounds: int
    startup_pairs: int
    ensemble_s: float
    ensemble_pairs: int
    ensemble_clips: int
    ensemble_minutes: tuple[float, float]
    gpu_s: float
    edit_minutes: tuple[float, float]
    edit_true_size: bool
    film_minutes: float
    film_rounds: int


FULL = Sizes(
    (1, 10, 60),
    overhead_minutes=3,
    overhead_rounds=5,
    clips=200,
    paged_clips=300,
    few_clips=5,
    many_clips=40,
    clip_rounds=5,
    batch_rounds=2,
    startup_pairs=20,
    ensemble_s=60,
    ensemble_pairs=5,
    ensemble_clips=100,
    ensemble_minutes=(5, 60),
    gpu_s=600,
    edit_minutes=(5, 60),
    edit_true_size=True,
    film_minutes=10,
    film_rounds=2,
)
QUICK = Sizes(
    (0.5, 1, 2),
    overhead_minutes=1,
    overhead_rounds=1,
    clips=6,
    paged_clips=6,
    few_clips=1,
    many_clips=4,
    clip_rounds=1,
    batch_rounds=2,
    startup_pairs=3,
    ensemble_s=8,
    ensemble_pairs=5,
    ensemble_clips=8,
    ensemble_minutes=(5, 10),
    gpu_s=60,
    edit_minutes=(4, 5),
    edit_true_size=False,
    film_minutes=0.5,
    film_rounds=1,
)
