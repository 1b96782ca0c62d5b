"""A set of three scenes: levels as its manifest says, voices apart from each other, nothing that is trained on."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from scripts.mixes.make import main
from scripts.mixes.scenes import HEARD, LEVELS_DB, VOICES, Planned, Saying, plan_scenes, recordings_of, render, say
from sepkit.compare.pairs import read_set
from sepkit.errors import ConfigError
from sepkit.training.config import CorpusConfig, load_train_config
from sepkit.training.corpus import Recording, matches

RATE = 16000
SPEAKERS = 10
CONFIG = "corpus: {validation: ['*aside*'], validation_part: 0}\n"
flite = pytest.mark.skipif(shutil.which("flite") is None, reason="flite is not installed")


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    """Tones that never pause, each speaker's of its own pitch; and one speaker who is trained on."""
    root = tmp_path_factory.mktemp("data")
    hums = {f"speech/read/aside{number}__a": 200 + 40 * number for number in range(SPEAKERS)}
    hums |= {"speech/read/trained__a": 150, "music/aside__a": 2000, "noise/esc50/aside__a": 5000}
    for name, hz in hums.items():
        path = root / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.1 * np.sin(2 * np.pi * hz * np.arange(9 * RATE) / RATE), RATE)
    (root / "train.yaml").write_text(Path("config/train/speech.yaml").read_text().split("corpus:")[0] + CONFIG)
    return root


def made(data: Path, out: Path, each: int) -> str:
    asked = ["--scenes", str(data), "--out", str(out), "--each", str(each), "--config", str(data / "train.yaml")]
    done = CliRunner().invoke(main, [*asked, "--seed", "1"])
    assert done.exit_code == 0, done.output
    return done.output


def power_db(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
    """Between two frequencies, by Parseval's theorem."""
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(samples.size, 1 / RATE)
    return float(10 * np.log10(spectrum[(hz >= low_hz) & (hz < high_hz)].sum()))


def test_levels_are_what_the_manifest_says_and_the_mix_is_the_sum(data, tmp_path):
    made(data, tmp_path, each=2)
    for pair in read_set(tmp_path):
        mix, speech, background = (
            soundfile.read(tmp_path / part / f"{pair.name}.flac", dtype="float64")[0]
            for part in ("mix", "speech", "background")
        )
        np.testing.assert_array_equal(mix, speech + background)
        if pair.condition == "music":  # elsewhere a room, or voices of other pitches, change a tone's power
            assert power_db(mix, 100, 700) - power_db(mix, 1900, 2100) == pytest.approx(0, abs=0.05)
        if pair.condition == "simple":
            assert power_db(speech, 4900, 5100) < power_db(background, 4900, 5100) - 60
    with (tmp_path / "manifest.csv").open(newline="") as file:
        assert not any("trained" in row["speech"] + row["background"] for row in csv.DictReader(file))


def test_a_crowd_is_of_three_to_eight_others_and_as_loud_as_each_other(data):
    found = recordings_of(data, CorpusConfig(validation=("*aside*",), validation_part=0))
    crowds = [row for row in plan_scenes(found, 3, 30, said=False) if row.condition == "crowd"]
    assert {len(row.background) for row in crowds} == set(range(3, 9))
    for row in crowds:
        voices = [row.voice.recording, *(each.recording for each in row.background)]
        assert len(set(voices)) == len(voices)
    row, paths = crowds[0], {each.name: each.path for each in found["speech"]}
    mix = render(row, paths)["background"]
    pitches = [200 + 40 * int(Path(each.recording).name[5]) for each in row.background]
    powers = [power_db(mix, hz - 15, hz + 15) for hz in pitches]
    assert max(powers) - min(powers) < 0.1


def test_a_room_is_the_voices_own_and_the_same_by_its_seed(data):
    found = recordings_of(data, CorpusConfig(validation=("*aside*",), validation_part=0))
    paths = {each.name: each.path for kind in found.values() for each in kind}
    row = plan_scenes(found, 1, 1, said=False)[0]
    assert row.condition == "simple" and row.level_db == LEVELS_DB["simple"]
    one, again = render(row, paths), render(row, paths)
    np.testing.assert_array_equal(one["mix"], again["mix"])
    dry = render(row._replace(room=None), paths)
    assert not np.allclose(one["speech"], dry["speech"], atol=1e-3)


@flite
def test_words_are_what_the_voice_says(data, tmp_path):
    from sepkit.metrics.wer import _pocketsphinx, wer_percent

    made(data, tmp_path, each=1)
    pairs = read_set(tmp_path)
    assert {pair.condition for pair in pairs if pair.words} == {f"{scene}_said" for scene in LEVELS_DB}
    pair = next(pair for pair in pairs if pair.condition == "music_said")
    spoken, (speech, _) = pair.words["speech"].read_text(), soundfile.read(pair.truths["speech"], dtype="float32")
    recognise = _pocketsphinx()
    assert wer_percent(spoken, recognise(speech)) < 60 < wer_percent(spoken, recognise(0 * speech + 1e-3))


@flite
def test_all_voices_speak(tmp_path):
    for voice in VOICES:
        assert say(Saying(voice, "Rice is often served in round bowls.")).size > RATE


def test_without_flite_a_line_says_that_there_are_no_words(data, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "no words: flite is not installed; on Debian: apt-get install flite" in made(data, tmp_path / "set", each=1)
    assert not (tmp_path / "set/words").exists()


def test_too_few_speakers_are_refused(data):
    with pytest.raises(ConfigError, match=r"of speech, groups that are set aside .*: 1, and at least 9 are needed"):
        recordings_of(data, CorpusConfig(validation=("*aside0*",), validation_part=0))


def test_what_an_earlier_training_heard_is_not_used():
    """Each glob names groups that the default configuration sets aside: else it would say nothing."""
    aside = load_train_config(Path("config/train/deepfilternet.yaml")).corpus.validation
    heard = Recording("music", "music", "HoliznaCC0 hz_1", "music/hz_1.opus", Path())
    noise = Recording("noise", "noise/other", "blanket", "noise/other/blanket__storm.ogg", Path())
    assert all(matches(each, aside) and matches(each, HEARD) for each in (heard, noise))


def test_a_row_says_all_that_the_mix_is_made_of():
    saying = Planned("simple_said_00", "simple_said", Saying("rms", "Rice."), (), 7)
    assert saying.cells() == ("simple_said_00", "simple_said", "10", "flite rms", "", "", "", "7")
