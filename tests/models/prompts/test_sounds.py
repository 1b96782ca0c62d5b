"""The list of known sounds: its order, and that no phrase asks for two."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from scripts.prompts import score
from sepkit.models.prompts import SOUNDS
from sepkit.models.prompts.sounds import KNOWN, OTHERS

HERE = Path(__file__).parent
TUNING = Path("scripts/prompts/tuning.csv").absolute()


def test_sounds_stand_in_the_order_of_esc50():
    # The first of each of ESC-50's five groups and its last, from the targets in https://github.com/karolpiczak/ESC-50.
    targets = {0: "dog", 10: "rain", 20: "crying baby", 30: "door wood knock", 40: "helicopter", 49: "hand saw"}
    assert {number: SOUNDS[number] for number in targets} == targets
    assert SOUNDS[50:] == ("speech", "singing", "music")
    assert len(set(SOUNDS)) == 53


def test_no_phrase_is_said_of_two():
    said = [score.bare(phrase) for name, sound in KNOWN.items() for phrase in {name, *sound.said}]
    said += [score.bare(phrase) for phrase in OTHERS]
    assert [phrase for phrase, times in Counter(said).items() if times > 1] == []


def test_what_is_held_out_was_not_told():
    prompts = {score.bare(row.prompt) for row in score.read(HERE / "held_out.csv")}
    tuning = {score.bare(row.prompt) for row in score.read(TUNING)}
    assert prompts & (score.told() | tuning) == set()
