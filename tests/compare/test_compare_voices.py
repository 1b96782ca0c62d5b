"""A comparison of voices, from the set to the tables: figures recomputed with numpy from what is rendered again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import jiwer
import numpy as np
import pytest
import soundfile

from sepkit.audio.samples import Audio
from sepkit.compare import CompareJob, run_compare
from sepkit.compare.method import ORACLE, UNPROCESSED
from sepkit.config import load_config
from sepkit.errors import ConfigError
from sepkit.metrics import wer
from sepkit.render.pipeline import Pipeline
from tests.compare.sets import lines, table
from tests.dropped import dropped_in
from tests.separators.speakers.test_separator import write
from tests.speakers.conversation import ORACLE as ORACLE_MEMBER
from tests.speakers.conversation import RATE, lay, truth

TURNS = {"both": [(0, 0, 4), (1, 0, 4)], "alone": [(1, 0, 4)]}
"""Alone, the voice is the second one, and so stands in speaker_2."""


class Room(NamedTuple):
    folder: Path
    voices: dict[str, np.ndarray]

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def figure(self, mix: str, method: str, row: str, part: str = "after") -> float | None:
        (line,) = (each for each in lines(self.out) if (each["mix"], each["method"]) == (mix, method))
        value: float | None = line["metrics"][row][part]
        return value

    def rendered(self, mix: str) -> np.ndarray:
        """What the configuration makes of it, (2, frames)."""
        whole = Audio(self.voices[mix].sum(axis=0)[None], RATE)
        found = Pipeline(load_config(self.folder / "random.yaml"), threads=1).run(whole)
        return np.stack([found.stems[f"speaker_{number}"].samples[0] for number in (1, 2)])


def lay_set(folder: Path, voices: dict[str, np.ndarray]) -> None:
    for name, each in voices.items():
        for part, samples in (("mix", each.sum(axis=0)), ("speaker_1", each[0]), ("speaker_2", each[1])):
            (folder / part).mkdir(parents=True, exist_ok=True)
            soundfile.write(folder / part / f"{name}.wav", samples, RATE, subtype="FLOAT")


@pytest.fixture(scope="module")
def compared(tmp_path_factory) -> Iterator[Room]:
    """Two mixes of 4 s, parted by a network of random weights."""
    folder = tmp_path_factory.mktemp("voices")
    voices = {name: truth(turns, 4) for name, turns in TURNS.items()}
    lay_set(folder / "set", voices)
    weights = write(folder / "random.safetensors")
    member = f"{{separator: speakers, options: {{weights: {weights}}}}}"
    (folder / "random.yaml").write_text(f"task: speakers\nmembers: [{member}]\n")
    run_compare(CompareJob((folder / "random.yaml",), folder / "set", folder / "out"))
    yield Room(folder, voices)


SAID = (
    "The first boat leaves at seven, and the last of the fog is gone",
    "On a clear day you can see the lighthouse from the hill behind the",
)
"""About what the pilot's readers say in 4 s (data/pilot/words.txt)."""
WORDS = {"both": SAID, "alone": (None, SAID[1])}


@pytest.fixture(scope="module")
def worded(compared) -> Room:
    """The same set with words."""
    folder = compared.folder / "worded"
    lay_set(folder / "set", compared.voices)
    for name, texts in WORDS.items():
        for number, text in enumerate(texts, 1):
            (folder / f"set/words/speaker_{number}").mkdir(parents=True, exist_ok=True)
            if text:
                (folder / f"set/words/speaker_{number}/{name}.txt").write_text(text)
    run_compare(CompareJob((compared.folder / "random.yaml",), folder / "set", folder / "out"))
    return Room(folder, compared.voices)


def si_sdr(s: np.ndarray, y: np.ndarray) -> float:
    s, y = s.astype(float), y.astype(float)
    scaled = (s @ y) / (s @ s) * s
    return float(10 * np.log10((scaled @ scaled) / ((y - scaled) @ (y - scaled))))


def test_a_row_is_the_mean_of_the_voices_by_the_best_permutation(compared):
    truths, stems = compared.voices["both"], compared.rendered("both")
    means = {
        order: np.mean([si_sdr(truths[voice], stems[file]) for voice, file in enumerate(order)])
        for order in permutations(range(2))
    }
    best = max(means, key=lambda order: means[order])
    assert compared.figure("both", "random", "si_sdr") == pytest.approx(means[best], abs=0.01)
    (line,) = (each for each in lines(compared.out) if (each["mix"], each["method"]) == ("both", "random"))
    assert line["permutation"] == [file + 1 for file in best]
    mix = truths.sum(axis=0)
    before = np.mean([si_sdr(voice, mix) for voice in truths])
    assert compared.figure("both", "random", "si_sdri") == pytest.approx(means[best] - before, abs=0.01)
    assert compared.figure("both", UNPROCESSED, "si_sdri") == 0


def test_of_one_voice_alone_the_ratio_is_that_voices_and_the_level_the_other_stems(compared):
    voice, stems = compared.voices["alone"][1], compared.rendered("alone")
    held = int(np.argmax(stems @ voice))  # the stem that lies nearest to it
    assert compared.figure("alone", "random", "si_sdr") == pytest.approx(si_sdr(voice, stems[held]), abs=0.01)
    level_db = 10 * np.log10(np.sum(stems[1 - held].astype(float) ** 2) / np.sum(voice.astype(float) ** 2))
    assert compared.figure("alone", "random", "silent_level") == pytest.approx(level_db, abs=0.01)
    assert compared.figure("alone", UNPROCESSED, "silent_level") == 0
    assert compared.figure("both", "random", "silent_level") is None


def wer_percent(sound: np.ndarray, text: str) -> float:
    """By jiwer, of what PocketSphinx hears."""
    said = wer._pocketsphinx()(sound.astype(np.float32))
    return float(100 * jiwer.wer(wer.normalise(text), wer.normalise(said)))


def test_words_are_counted_of_each_voice_in_the_stem_that_holds_it(compared, worded):
    (line,) = (each for each in lines(worded.out) if (each["mix"], each["method"]) == ("both", "random"))
    stems = compared.rendered("both")
    found = [wer_percent(stems[file - 1], text) for file, text in zip(line["permutation"], WORDS["both"], strict=True)]
    assert worded.figure("both", "random", "wer_pocketsphinx") == pytest.approx(np.mean(found), abs=0.01)
    swapped = [
        wer_percent(stems[2 - file], text) for file, text in zip(line["permutation"], WORDS["both"], strict=True)
    ]
    assert abs(np.mean(found) - np.mean(swapped)) > 1  # so that the order can be told from the figures
    mix = compared.voices["both"].sum(axis=0)
    before = np.mean([wer_percent(mix, text) for text in WORDS["both"]])
    assert worded.figure("both", "random", "wer_pocketsphinx", "before") == pytest.approx(before, abs=0.01)


def test_of_one_voice_alone_the_words_are_that_voices(compared, worded):
    expected = wer_percent(compared.voices["alone"].sum(axis=0), SAID[1])
    assert expected < 30 < worded.figure("both", UNPROCESSED, "wer_pocketsphinx")
    assert worded.figure("alone", UNPROCESSED, "wer_pocketsphinx") == pytest.approx(expected, abs=0.01)
    assert worded.figure("alone", "random", "si_sdr") == compared.figure("alone", "random", "si_sdr")


def test_without_words_there_is_no_row_of_them_and_words_of_nobody_are_refused(compared, worded):
    assert "wer_pocketsphinx" not in lines(compared.out)[0]["metrics"]
    (worded.folder / "set/words/both.txt").write_text("somebody's words")
    with pytest.raises(ConfigError, match=r"words/both\.txt: whose words they are is not said; put them into words/"):
        run_compare(CompareJob((compared.folder / "random.yaml",), worded.folder / "set", worded.out))


def test_the_oracle_masks_stand_beside_it_and_the_overview_shows_where_every_voice_speaks(compared):
    rows = table(compared.out)
    assert compared.figure("both", ORACLE, "si_sdri") > 8
    assert compared.figure("alone", ORACLE, "silent_level") == -120
    assert rows["si_sdri", "every voice speaks", ORACLE]["of"] == "1"
    assert "every voice speaks: 1 mix" in (compared.out / "comparison.md").read_text()
    assert compared.figure("both", UNPROCESSED, "wrong_stem") is None  # both stems are the mix


def test_a_member_that_shuffles_true_voices_is_put_in_order(tmp_path):
    with dropped_in(ORACLE_MEMBER, "separators"):
        voices = truth([(0, 0, 10), (1, 2, 10)], 12)
        _, config = lay(tmp_path, voices)
        lay_set(tmp_path / "set", {"talk": voices[::-1]})
        run_compare(CompareJob((config,), tmp_path / "set", tmp_path / "out"))
    found = Room(tmp_path, {})
    assert found.figure("talk", "speakers", "si_sdr") > 40
    assert found.figure("talk", "speakers", "wrong_stem") == 0


def test_a_number_of_voices_that_is_not_known_is_refused(compared, tmp_path):
    config = tmp_path / "auto.yaml"
    config.write_text((compared.folder / "random.yaml").read_text() + "speakers: {count: auto}\n")
    with pytest.raises(ConfigError, match=r"auto\.yaml: speakers\.count: give 2 or 3, the voices of each mix"):
        run_compare(CompareJob((config,), compared.folder / "set", tmp_path / "out"))
