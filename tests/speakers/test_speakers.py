"""The task speakers with a member that knows the voices and shuffles them in each window.

Witness: the true voices, correlated with the stems a tenth of a second at a time, by numpy.
"""

from __future__ import annotations

import csv
import io

import numpy as np
import pyloudnorm
import pytest
import soundfile

from scripts.bench.speakers import wrong
from sepkit.audio.read import read_audio
from sepkit.audio.resample import resample
from sepkit.config import load_config
from sepkit.config.labels import read_labels
from sepkit.errors import ConfigError
from sepkit.render.pipeline import Pipeline
from sepkit.render.speakers import Task
from tests.dropped import dropped_in
from tests.speakers.conversation import ORACLE, RATE, lay, owners, sepkit, truth

LONG = [
    *((0, 0.5, 4), (1, 5, 6), (0, 10, 9), (1, 17, 3), (0, 50, 3), (1, 54, 5)),
    *((1, 90, 4), (0, 92, 5), (1, 130, 8), (0, 170, 2), (0, 173, 5), (1, 175, 6)),
]
"""Turns that overlap, and pauses of 30 s and more."""
SHORT = LONG[:4]


@pytest.fixture(autouse=True)
def oracle():
    with dropped_in(ORACLE, "separators"):
        yield


def rendered(config, mix, **speakers):
    loaded = load_config(config)
    section = loaded.speakers.model_copy(update=speakers)
    return Pipeline(loaded.model_copy(update={"speakers": section})).run(mix)


def stems(found, *names):
    return np.stack([found.stems[name].samples[0] for name in names])


def test_no_voice_changes_its_stem_over_pauses_longer_than_the_overlap(tmp_path):
    voices = truth(LONG, 190)
    mix, config = lay(tmp_path, voices)
    found = stems(rendered(config, mix), "speaker_1", "speaker_2")
    assert owners(voices, found) == [{0}, {1}]
    np.testing.assert_allclose(found, voices, atol=1e-3)  # the level in the mix, everywhere


def test_without_the_order_the_same_windows_are_swapped(tmp_path, monkeypatch):
    """So that the test before this one can fail."""
    monkeypatch.setattr("sepkit.render.voice_order.VoiceOrder._follow", lambda *_: None)
    monkeypatch.setattr("sepkit.render.voice_order.VoiceOrder._learn", lambda *_: None)
    voices = truth(LONG, 190)
    mix, config = lay(tmp_path, voices)
    assert owners(voices, stems(rendered(config, mix), "speaker_1", "speaker_2")) != [{0}, {1}]


@pytest.mark.parametrize("believed", [False, True])
def test_a_member_that_changes_the_order_within_a_window_is_put_in_order(tmp_path, monkeypatch, believed):
    """Both speak, then nobody, in turn: much of the speech is wrong where the windows are believed to be in order."""
    require = Task.require

    def believing(self, members):
        require(self, members)
        self._exact = True

    if believed:
        monkeypatch.setattr(Task, "require", believing)
    voices = truth([(person, start + 0.2 * person, 3) for start in np.arange(0.5, 56, 4) for person in (0, 1)], 60)
    mix, config = lay(tmp_path, voices)
    config.write_text(config.read_text().replace("options: {", "options: {steady: false, "))
    wrong_s, speech_s = wrong(voices, list(stems(rendered(config, mix), "speaker_1", "speaker_2")))
    assert (wrong_s > 0.2 * speech_s) if believed else (wrong_s < 0.1 * speech_s), (wrong_s, speech_s)


def test_one_voice_gives_one_loud_stem_and_a_silent_one(tmp_path):
    voices = truth([turn for turn in LONG if turn[0] == 0], 190)
    mix, config = lay(tmp_path, voices)
    found = rendered(config, mix)
    assert not found.speaker_2.samples.any()
    np.testing.assert_allclose(found.speaker_1.samples[0], voices[0], atol=1e-3)
    (told,) = [note for note in found.report.notes if note.startswith("1 person speaks: speaker_1")]
    assert told.endswith("; nobody is heard in speaker_2")


@pytest.mark.parametrize("steady", ["true", "false"])
@pytest.mark.parametrize("first", [0, 1])
def test_the_first_speaker_is_who_speaks_first(tmp_path, first, steady):
    voices = truth([(first, 0.5, 3), (1 - first, 4, 6), (first, 12, 5)], 20)
    mix, config = lay(tmp_path, voices)
    config.write_text(config.read_text().replace("options: {", f"options: {{steady: {steady}, "))
    assert owners(voices, stems(rendered(config, mix), "speaker_1", "speaker_2")) == [{first}, {1 - first}]


@pytest.mark.parametrize("count", [2, "auto"])
@pytest.mark.parametrize("seconds", [0.3, 20])
def test_silence_and_the_shortest_file_are_silent_and_said(tmp_path, seconds, count):
    mix, config = lay(tmp_path, np.zeros((2, round(seconds * RATE)), np.float32))
    found = rendered(config, mix, count=count)
    assert not any(stem.samples.any() for stem in found.stems.values())
    assert found.speaker_1.samples.shape == (1, round(seconds * RATE))
    assert "nobody was heard speaking" in found.report.notes


def test_a_third_of_a_second_of_speech_is_somebodys(tmp_path):
    voices = truth([(0, 0, 0.3)], 0.3)
    mix, config = lay(tmp_path, voices)
    found = stems(rendered(config, mix), "speaker_1", "speaker_2")
    np.testing.assert_allclose(found.sum(axis=0), voices[0], atol=1e-3)
    assert sorted(np.abs(found).max(axis=1))[0] == 0


def test_music_alone_and_clipped_speech_keep_all_of_the_mix(tmp_path):
    music = read_audio(ORACLE.parents[2] / "data" / "pilot" / "music.wav", longest_s=12)
    mono = resample(music.samples.mean(axis=0, keepdims=True), music.sample_rate, RATE)[0]
    mix, config = lay(tmp_path / "music", np.stack([mono, 0 * mono]))
    found = rendered(config, mix)
    assert "nobody was heard speaking" in found.report.notes
    np.testing.assert_allclose(stems(found, "speaker_1", "speaker_2").sum(axis=0), mono, atol=1e-3)
    voices = np.clip(20 * truth([(0, 0.5, 6), (1, 3, 6)], 10), -1, 1)
    mix, config = lay(tmp_path / "clipped", voices, subtype="FLOAT")
    found = rendered(config, mix)
    np.testing.assert_allclose(stems(found, "speaker_1", "speaker_2").sum(axis=0), voices.sum(axis=0), atol=1e-4)
    assert any(note.startswith("2 people speak") for note in found.report.notes)


def test_three_people_with_two_outputs_lose_nothing_and_each_has_a_stem_where_so_many_are_asked_for(tmp_path):
    turns = [(0, 0.5, 6), (1, 5.5, 6), (2, 14, 6), (0, 19, 5), (2, 60, 4), (1, 62, 6), (0, 100, 5)]
    voices = truth(turns, 110, people=3)
    mix, config = lay(tmp_path, voices)
    found = rendered(config, mix, rest=True)
    np.testing.assert_allclose(
        stems(found, "speaker_1", "speaker_2", "rest").sum(axis=0), voices.sum(axis=0), atol=1e-3
    )
    for count in ("auto", 3):
        found = rendered(config, mix, count=count)
        heard = [name for name, stem in found.stems.items() if name != "rest" and stem.samples.any()]
        assert heard == ["speaker_1", "speaker_2", "speaker_3"]
        assert owners(voices, stems(found, *heard)) == [{0}, {1}, {2}]
        told = "2 voices at a time are told apart: where 3 people speak at once, some share a stem"
        assert (told in found.report.notes) == (count == 3)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_voices_and_rest_sum_to_the_mix_to_within_a_step(tmp_path, subtype):
    generator = np.random.default_rng(0)
    voices = truth(SHORT, 24)
    mix, config = lay(tmp_path, voices, subtype=subtype)
    noisy = voices.sum(axis=0) + 0.01 * generator.standard_normal(voices.shape[1])
    soundfile.write(mix, noisy, RATE, subtype=subtype)
    config.write_text(config.read_text() + "speakers: {rest: true}\n")
    assert sepkit("speakers", mix, "-o", tmp_path / "out", "--config", config).returncode == 0
    names = ("speaker_1", "speaker_2", "rest")
    whole = sum(soundfile.read(tmp_path / f"out/talk__{name}.wav", dtype="float64")[0] for name in names)
    step = {"PCM_16": 2.0**-15, "PCM_24": 2.0**-23, "FLOAT": 2.0**-24}[subtype]
    assert np.abs(whole - soundfile.read(mix, dtype="float64")[0]).max() <= 1.001 * step


@pytest.mark.parametrize("depth", ["same", "32f"])
def test_what_a_file_of_a_voice_cannot_hold_is_said(tmp_path, depth):
    """Two voices that cancel each other to a mix below full scale."""
    voices = truth([(0, 0.5, 6)], 10)
    voices[0] *= 1.5 / voices[0].max()
    voices[1] = -0.5 * voices[0]
    mix, config = lay(tmp_path, voices)
    config.write_text(config.read_text() + f"output: {{bit_depth: {depth}}}\n")
    done = sepkit("speakers", mix, "-o", tmp_path / "out", "--config", config)
    found = soundfile.read(tmp_path / "out/talk__speaker_1.wav")[0]
    count = np.count_nonzero(np.abs(voices[0]) > 1)
    assert count > 5 and found.max() == pytest.approx(1 if depth == "same" else 1.5, abs=1e-3)
    told = f"speaker_1: {count} samples lie beyond full scale and are clipped; output: {{bit_depth: 32f}} keeps them"
    assert (told in done.stderr.decode()) == (depth == "same")
    assert "speaker_2: " not in done.stderr.decode()


def test_who_speaks_when_is_written_as_rttm_and_as_a_table(tmp_path):
    voices = truth(SHORT, 24)
    mix, config = lay(tmp_path, voices)
    done = sepkit("speakers", mix, "-o", tmp_path / "out", "--config", config)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        f"talk__speaker{end}" for end in ("_1.wav", "_2.wav", "s.csv", "s.rttm")
    )
    rows = read_labels(tmp_path / "out/talk__speakers.rttm").rows
    table = list(csv.DictReader((tmp_path / "out/talk__speakers.csv").open(newline="")))
    written = [(row["speaker"], float(row["start_s"]), float(row["end_s"])) for row in table]
    read = [(row.text, row.start_s, row.end_s) for row in rows]
    assert [each[0] for each in read] == [each[0] for each in written]
    np.testing.assert_allclose([each[1:] for each in read], [each[1:] for each in written], atol=2e-3)
    step = RATE // 100
    for person in range(2):
        said = np.zeros(voices.shape[1] // step, bool)
        for speaker, start_s, end_s in written:
            if speaker == f"speaker_{person + 1}":
                said[round(start_s * 100) : round(end_s * 100)] = True
        inside = np.zeros_like(said)
        for who, start_s, length_s in SHORT:
            inside[round(start_s * 100) : round((start_s + length_s) * 100)] |= who == person
        assert np.mean(said[inside]) > 0.7 and np.mean(said[~inside]) < 0.03  # the reader pauses for longer than 0.3 s


def test_a_batch_knows_texts_and_stems_that_are_not_there(tmp_path):
    mix, config = lay(tmp_path, truth(SHORT, 24))
    measured = "evaluate: {batch_metrics: [{metric: loudness}]}\n"
    config.write_text(config.read_text() + "speakers: {count: auto}\n" + measured)
    arguments = ["batch", mix.parent, tmp_path / "out", "--config", config]
    first = sepkit(*arguments)
    assert first.stdout.decode().splitlines()[-1] == "1 files: 1 done", first.stderr
    names = sorted(path.name for path in (tmp_path / "out").glob("talk__*"))
    assert names == [f"talk__speaker{end}" for end in ("_1.wav", "_2.wav", "s.csv", "s.rttm")]
    assert sepkit(*arguments).stdout.decode().splitlines()[-1] == "1 files: 1 already done"
    (tmp_path / "out/talk__speakers.rttm").unlink()
    assert sepkit(*arguments).stdout.decode().splitlines()[-1] == "1 files: 1 done"
    row = next(csv.DictReader((tmp_path / "out/report.csv").open(newline="")))
    assert (row["speaker_2"], row["rttm"]) == ("talk__speaker_2.wav", "talk__speakers.rttm")
    for number, column in enumerate(("loudness_after", "speaker_2 loudness_after")):
        voice = truth(SHORT, 24)[number]
        expected = pyloudnorm.Meter(RATE).integrated_loudness(voice)
        assert float(row[column]) == pytest.approx(expected, abs=0.1)
    assert not any(column.startswith("speaker_3 ") for column in row)


def test_a_pipe_gets_the_stem_that_is_named(tmp_path):
    voices = truth(SHORT, 24)
    mix, config = lay(tmp_path, voices)
    given = mix.read_bytes()
    done = sepkit("speakers", "-", "-o", "-", "--stem", "speaker_2", "--config", config, given=given)
    assert done.returncode == 0, done.stderr
    np.testing.assert_allclose(soundfile.read(io.BytesIO(done.stdout))[0], voices[1], atol=1e-3)
    auto = ["--speakers", "auto", "--stem", "speaker_5"]
    none = sepkit("speakers", "-", "-o", "-", *auto, "--config", config, given=given)
    assert none.returncode == 1 and b"--stem speaker_5: nothing is heard in it" in none.stderr
    rest = sepkit("speakers", "-", "-o", "-", "--stem", "rest", "--config", config, given=given)
    assert b"--stem rest: is written only with speakers: {rest: true} in the configuration; choose" in rest.stderr


def test_a_call_with_a_party_a_channel_is_said_and_can_be_split(tmp_path):
    call = truth([(0, 0.5, 4), (1, 5, 6), (0, 10.5, 6), (1, 17, 3)], 24)
    channels = np.stack([np.stack([call[0], 0 * call[0]]), np.stack([0 * call[1], call[1]])])
    mix, config = lay(tmp_path, channels)
    assert any(note.startswith("each channel seems to hold one speaker") for note in rendered(config, mix).report.notes)
    split = rendered(config, mix, count="channels")
    for name, voice in (("speaker_1", channels[0]), ("speaker_2", channels[1])):
        np.testing.assert_allclose(split.stems[name].samples, voice, atol=2.0**-15)
    room = np.stack([np.stack([voice, 0.8 * voice]) for voice in call])  # both in both channels
    mix, config = lay(tmp_path / "room", room)
    assert not any("each channel" in note for note in rendered(config, mix).report.notes)


def test_what_cannot_be_is_one_line(tmp_path):
    mix, config = lay(tmp_path, truth(SHORT, 24))
    with pytest.raises(ConfigError, match=r"speakers\.count: channels needs 2 to 8 channels .* the source has 1 at"):
        rendered(config, mix, count="channels")
    config.write_text("task: speech\nspeakers: {count: 3}\nmembers: [{separator: passthrough}]\n")
    with pytest.raises(ConfigError, match="speakers: the task 'speech' has none; leave it out, or set task: speakers"):
        load_config(config)
    config.write_text("task: speakers\nmembers: [{separator: passthrough}]\n")
    with pytest.raises(
        ConfigError, match=r"'passthrough' tells no voices apart, and speakers\.count: 2 needs .*; run another"
    ):
        Pipeline(load_config(config))
    config.write_text("task: speakers\nmembers: [{separator: sepformer-libri3mix}]\n")
    with pytest.raises(
        ConfigError, match=r"'sepformer' tells 3 voices apart, .* needs one that tells 2; give --speakers 3"
    ):
        Pipeline(load_config(config))
