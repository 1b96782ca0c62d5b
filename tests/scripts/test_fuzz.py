"""The fuzzing: sound seeds are rendered, the same seed damages alike, and every offence that is planted is found."""

from __future__ import annotations

import operator
import os
import random
import signal
import sys
import time
from pathlib import Path

import pytest
import soundfile

import sepkit.cli
from scripts.fuzz import child, mutate
from scripts.fuzz.cases import KINDS, lay
from scripts.fuzz.outcome import BAD, judge, keep
from scripts.fuzz.seeds import Seeds, make_seeds


@pytest.fixture(scope="module")
def seeds(tmp_path_factory) -> Seeds:
    child.warm()
    return make_seeds(tmp_path_factory.mktemp("seeds"))


@pytest.mark.parametrize("kind", KINDS)
def test_undamaged_every_seed_is_rendered(seeds, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(mutate, "data", lambda chance, whole, others: whole)
    monkeypatch.setattr(mutate, "text", lambda chance, whole: whole)
    monkeypatch.setattr("scripts.fuzz.cases.NAMES", ("a.wav", "sub/a.wav", "b.wav"))
    tried = len(seeds.media) if kind == "media" else 6
    for number in range(tried):
        chance = random.Random(number)
        if kind == "media":
            monkeypatch.setattr(chance, "choice", operator.itemgetter(number))
        case = lay(kind, chance, seeds, tmp_path / str(number))
        ended = child.run(case)
        assert judge(case, ended) == "rendered", (case.arguments, ended.said)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_damages_alike_and_another_does_not(seeds, tmp_path, kind):
    def laid(name: str, seed: int) -> list[bytes]:
        cases = [lay(kind, random.Random(seed + each), seeds, tmp_path / f"{name}{each}") for each in range(3)]
        files = [path for case in cases for path in sorted(case.folder.rglob("*")) if path.is_file()]
        return [path.read_bytes() for path in files]

    first = laid("a", 1)
    assert first == laid("b", 1)
    assert first != laid("c", 7)


def says(*lines: str, code: int) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    raise SystemExit(code)


def half(frames: int) -> None:
    soundfile.write("out.wav", [0.0] * frames, 8000)
    Path("out").mkdir()
    Path("out/a__speech_only.wav").write_bytes(Path("out.wav").read_bytes()[:60])


PLANTED = {
    "refused": lambda: says("sepkit: a.wav: is empty", code=1),
    "rendered": lambda: says(code=0),
    "unclear": lambda: says(code=1),
    "traceback": lambda: 1 / 0,
    "crash": lambda: os.kill(os.getpid(), signal.SIGTRAP),
    "hang": lambda: time.sleep(60),
    "partial output": lambda: half(1000),
    "changed input": lambda: Path("config.yaml").write_text("members: []"),
}


@pytest.mark.parametrize("outcome", PLANTED)
def test_each_outcome_is_told_from_the_others(seeds, tmp_path, monkeypatch, outcome):
    def planted(arguments, prog_name):
        PLANTED[outcome]()
        raise SystemExit(0)

    monkeypatch.setattr(child, "WALL_S", 1)
    monkeypatch.setattr(sepkit.cli, "main", planted)
    case = lay("media", random.Random(0), seeds, tmp_path / "case")
    ended = child.run(case)
    assert judge(case, ended) == outcome, ended
    assert (outcome in BAD) == (outcome not in ("refused", "rendered"))
    kept = keep(case, ended, outcome, tmp_path / "kept")
    assert "sepkit run" in (kept / "outcome.txt").read_text()
    assert (kept / "config.yaml").read_text() != "members: []"


def test_an_error_that_only_a_programmer_understands_is_unclear(seeds, tmp_path, monkeypatch):
    def planted(arguments, prog_name):
        says("failed: a.wav: ValueError: embedded null byte", "1 files: 1 failed", code=1)

    monkeypatch.setattr(sepkit.cli, "main", planted)
    case = lay("zip", random.Random(0), seeds, tmp_path / "case")
    assert judge(case, child.run(case)) == "unclear"


def test_memory_beyond_the_limit_is_an_error_in_the_child_alone(seeds, tmp_path, monkeypatch):
    monkeypatch.setattr(child, "MEMORY_BYTES", 1 << 28)
    monkeypatch.setattr(sepkit.cli, "main", lambda arguments, prog_name: bytearray(1 << 30))
    case = lay("media", random.Random(0), seeds, tmp_path / "case")
    ended = child.run(case)
    assert judge(case, ended) == "traceback" and "MemoryError" in ended.said
