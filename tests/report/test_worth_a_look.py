"""Which files of a large batch get a page. Witness: a plain table of numbers, sorted by numpy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepkit.report.worth_a_look import worth_a_look

FILES = 400


def score(before: float | None, after: float | None, better: str = "higher", basis: str = "independent") -> dict:
    return {"before": before, "after": after, "better": better, "basis": basis}


def row(index: int, verdict: str = "passed", **metrics: dict) -> dict:
    name = f"{index:04d}.wav"
    return {"path": name, "outputs": [f"out/{name}"], "verdict": verdict, "metrics": metrics}


def paths(indices) -> set[str]:
    return {f"{index:04d}.wav" for index in indices}


@pytest.fixture(scope="module")
def table() -> dict[str, np.ndarray]:
    """Values of every file, drawn once; clipping is zero but for three files."""
    drawn = np.random.default_rng(5).normal(size=(4, FILES))
    clipped = np.zeros(FILES)
    clipped[[17, 18, 390]] = 1, 2, 3
    names = ("stoi_before", "stoi_after", "residual_before", "residual_after")
    return dict(zip(names, drawn, strict=True)) | {"clipped": clipped}


@pytest.fixture(scope="module")
def rows(table) -> list[dict]:
    return [
        row(
            index,
            stoi=score(table["stoi_before"][index], table["stoi_after"][index]),
            residual=score(table["residual_before"][index], table["residual_after"][index], "lower"),
            clipping=score(0.0, table["clipped"][index], "lower"),
            loudness=score(-30.0, float(-index), "neither"),
        )
        for index in range(FILES)
    ]


def test_a_batch_that_is_small_enough_has_every_page(rows):
    for pages in ("all", FILES, FILES + 1):
        assert worth_a_look(rows, pages, 0) == paths(range(FILES))
    failed = {**rows[0], "outputs": [], "metrics": {}}
    assert worth_a_look([failed, *rows[1:]], FILES - 1, 0) == paths(range(1, FILES))
    assert worth_a_look(rows, 0, 0) == set()


def test_the_worst_of_each_metric_by_result_and_by_change(rows, table):
    """20 pages: 2 by lot, 18 by five rankings in turn. Three files clip; all other turns are of the four rankings."""
    found = worth_a_look(rows, 20, 0)
    rankings = [
        np.argsort(table["stoi_after"]),
        np.argsort(table["stoi_after"] - table["stoi_before"]),
        np.argsort(-table["residual_after"]),
        np.argsort(table["residual_before"] - table["residual_after"]),
    ]
    assert len(found) == 20 and paths([17, 18, 390]) <= found
    for ranking in rankings:
        assert paths(ranking[:3]) <= found
    of_the_first = set().union(*(paths(ranking[:8]) for ranking in rankings)) | paths([17, 18, 390])
    assert len(found - of_the_first) <= 2  # those by lot


def test_what_is_in_quarantine_comes_first_and_of_too_many_its_worst(rows, table):
    few = [{**each, "verdict": "quarantined"} if index in (3, 200) else each for index, each in enumerate(rows)]
    assert paths([3, 200]) <= worth_a_look(few, 10, 0)
    bare = {**rows[5], "verdict": "quarantined", "metrics": {}}  # nothing of it was measured
    assert paths([5]) <= worth_a_look([*rows[:5], bare, *rows[6:]], 10, 0)
    many = [{**each, "verdict": "quarantined"} if index < 300 else each for index, each in enumerate(rows)]
    found = worth_a_look(many, 100, 0)
    worst = int(np.argmin(table["stoi_after"][:300]))
    assert len(found) == 100 and paths([worst]) <= found
    assert len(found & paths(range(300, FILES))) <= 10  # at most those by lot


def test_what_says_nothing_without_speech_is_no_worst(rows):
    silent = {**rows[7], "metrics": {"residual": score(50.0, 99.0, "lower", "no speech")}}
    others = [{**each, "metrics": {"residual": each["metrics"]["residual"]}} for each in rows]
    seeds = range(20)
    found = [worth_a_look([*others[:7], silent, *others[8:]], 10, seed) for seed in seeds]
    assert sum("0007.wav" in each for each in found) <= 3  # by lot alone, one page in 391
    loud = {**silent, "metrics": {"residual": score(50.0, 99.0, "lower")}}
    assert all("0007.wav" in worth_a_look([*others[:7], loud, *others[8:]], 10, seed) for seed in seeds)


def test_without_a_metric_that_has_a_better_side_all_is_by_lot_and_even(rows):
    """4,000 draws of a tenth: each file is drawn 400 times, ±5 standard deviations of the binomial."""
    plain = [row(index, loudness=each["metrics"]["loudness"]) for index, each in enumerate(rows)]
    counts = dict.fromkeys(paths(range(FILES)), 0)
    for seed in range(4000):
        for path in worth_a_look(plain, FILES // 10, seed):
            counts[path] += 1
    spread = 5 * np.sqrt(4000 * 0.1 * 0.9)
    assert sum(counts.values()) == 4000 * FILES // 10
    assert 400 - spread < min(counts.values()) < max(counts.values()) < 400 + spread


def test_the_same_batch_gives_the_same_files_in_any_order_and_one_more_moves_few(rows):
    found = worth_a_look(rows, 40, 3)
    assert worth_a_look(rows[::-1], 40, 3) == found != worth_a_look(rows, 40, 4)
    assert len(worth_a_look([*rows, row(FILES)], 40, 3) ^ found) <= 2


VALUES = st.none() | st.floats(-1e6, 1e6)
SCORES = st.builds(score, VALUES, VALUES, st.sampled_from(["higher", "lower", "neither"]))
ANY_ROWS = st.lists(
    st.tuples(st.dictionaries(st.sampled_from("abc"), SCORES), st.booleans(), st.sampled_from(["", "quarantined"])),
    max_size=30,
)


@given(ANY_ROWS, st.integers(0, 40), st.integers(0, 9))
def test_as_many_as_asked_for_of_those_that_can_have_one(drawn, pages, seed):
    rows = [
        {**row(index, verdict, **metrics), **({} if done else {"outputs": []})}
        for index, (metrics, done, verdict) in enumerate(drawn)
    ]
    finished = {each["path"] for each in rows if each["outputs"]}
    found = worth_a_look(rows, pages, seed)
    assert found <= finished and len(found) == min(pages, len(finished))
    held = {each["path"] for each in rows if each["outputs"] and each["verdict"] == "quarantined"}
    if len(held) <= pages - pages // 10:
        assert held <= found
