"""The validation set: levels by their definition, the same set from its manifest, and nothing that is trained on."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from scripts.mixes.excerpts import cut, is_heard
from scripts.mixes.levels import quantised
from scripts.mixes.make import main, make
from scripts.mixes.manifest import CONDITIONS, Planned, read_manifest, write_manifest
from sepkit.errors import ConfigError
from sepkit.training.config import CorpusConfig

RATE = 16000
ASIDE = CorpusConfig(validation=("*aside*",))


def hum(path: Path, hz: float, duration_s: float = 9.0) -> None:
    """A steady tone of its own pitch, so that a file can be told by its spectrum."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time_s = np.arange(round(duration_s * RATE)) / RATE
    soundfile.write(path, 0.1 * np.sin(2 * np.pi * hz * time_s), RATE, subtype="PCM_16")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Tones for every source that a set draws from, most of them set aside."""
    root = tmp_path / "data"
    for group in range(3):
        hum(root / f"speech/read/aside{group}__a.wav", 200 + group)
        hum(root / f"speech_many/aside{group + 3}__a.wav", 300 + group)
        hum(root / f"music/aside{group}__a.wav", 1000 + group)
        hum(root / f"noise/other/aside{group}__a.wav", 3000 + group, duration_s=4.0)
    hum(root / "singing/aside__a.wav", 2000)
    hum(root / "speech/read/trained__a.wav", 250)
    return root


def tone_power(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
    """Power between two frequencies, by Parseval's theorem."""
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    hz = np.fft.rfftfreq(samples.size, 1 / RATE)
    return float(2 * spectrum[(hz >= low_hz) & (hz < high_hz)].sum() / samples.size**2)


def test_levels_are_what_the_manifest_says_and_the_mix_is_the_sum(data, tmp_path):
    planned = make(data, tmp_path / "set", ASIDE, tmp_path / "manifest.csv", seed=1, each=1, new=False)
    assert [(row.condition, row.level_db) for row in planned] == list(CONDITIONS)
    for row in planned:
        mix, speech, background = (
            soundfile.read(tmp_path / "set" / part / f"{row.name}.flac", dtype="float64")[0]
            for part in ("mix", "speech", "background")
        )
        np.testing.assert_array_equal(mix, speech + background)
        voice, rest = tone_power(mix, 150, 400), tone_power(mix, 900, 4000)
        if row.condition == "clean":
            assert rest < 1e-6 * voice and not background.any()
        elif row.condition == "music_alone":
            assert voice < 1e-6 * rest and not speech.any()
        else:
            assert 10 * np.log10(voice / rest) == pytest.approx(row.level_db, abs=0.15)  # fades cost some hundredths
        if row.condition == "both":
            music, noise = tone_power(mix, 900, 1100), tone_power(mix, 2900, 3100)
            assert music == pytest.approx(noise, rel=0.05)


def test_every_level_of_music_takes_the_same_pairs(data, tmp_path):
    planned = make(data, tmp_path / "set", ASIDE, tmp_path / "manifest.csv", seed=1, each=2, new=False)
    music = [row for row in planned if row.condition == "music"]
    pairs = {level: [(r.speech, r.background) for r in music if r.level_db == level] for level in (-5, 0, 5, 10)}
    assert pairs[-5] == pairs[0] == pairs[5] == pairs[10]
    assert pairs[0][0] != pairs[0][1]


def test_two_thirds_are_read_and_each_speaker_comes_once_before_any_comes_again(data, tmp_path):
    planned = make(data, tmp_path / "set", ASIDE, tmp_path / "manifest.csv", seed=3, each=3, new=False)
    drawn = [row.speech.recording for row in planned if row.speech and row.level_db not in (0, 5, 10)]
    assert len(drawn) == 6  # music at −5 dB, and clean
    singing = [row.speech.recording for row in planned if row.condition == "singing"]
    in_turn = [*drawn[:3], *singing]
    assert [name.rsplit("/", 1)[0] for name in in_turn] == ["speech/read", "speech/read", "speech_many"] * 2
    assert len({name for name in in_turn if "many" in name}) == 2
    assert len({name for name in in_turn[:4] if "read" in name}) == 3  # all three, before the first comes again
    assert not any("trained" in name for name in in_turn)


def test_the_same_seed_and_the_manifest_give_the_same_bytes_again(data, tmp_path):
    manifest = tmp_path / "manifest.csv"
    make(data, tmp_path / "first", ASIDE, manifest, seed=5, each=1, new=True)
    drawn = manifest.read_bytes()
    hum(data / "speech/read/aside9__later.wav", 222)  # what comes later changes nothing in a set that is drawn
    make(data, tmp_path / "second", ASIDE, manifest, seed=99, each=7, new=False)
    assert manifest.read_bytes() == drawn == (tmp_path / "second/manifest.csv").read_bytes()
    first, second = (sorted((tmp_path / folder / "mix").iterdir()) for folder in ("first", "second"))
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    make(data, tmp_path / "third", ASIDE, manifest, seed=6, each=1, new=True)
    assert manifest.read_bytes() != drawn


def test_a_recording_that_is_gone_or_trained_on_is_named(data, tmp_path):
    manifest = tmp_path / "manifest.csv"
    planned = make(data, tmp_path / "set", ASIDE, manifest, seed=5, each=1, new=True)
    needed = planned[0].speech.recording
    with pytest.raises(ConfigError, match=f"{needed}.*trains on"):
        make(data, tmp_path / "set", CorpusConfig(), manifest, seed=5, each=1, new=False)
    (data / needed).unlink()
    with pytest.raises(ConfigError, match=f"music_-5dB_00 needs '{needed}', which is not in"):
        make(data, tmp_path / "set", ASIDE, manifest, seed=5, each=1, new=False)


def test_a_kind_with_nothing_set_aside_is_named(data, tmp_path):
    (data / "singing/aside__a.wav").unlink()
    with pytest.raises(ConfigError, match="nothing of singing is"):
        make(data, tmp_path / "set", ASIDE, tmp_path / "manifest.csv", seed=0, each=1, new=True)


def test_a_short_recording_begins_again_and_its_ends_are_faded():
    piece = cut(np.ones(RATE, np.float32), start_s=0.5, frames=RATE)
    half = RATE // 2
    np.testing.assert_array_equal(piece[:half], piece[half:])
    ramp = (np.arange(160) + 0.5) / 160
    np.testing.assert_allclose(piece[:160], ramp, rtol=1e-6)
    np.testing.assert_allclose(piece[half - 160 : half], ramp[::-1], rtol=1e-6)
    assert (piece[160 : half - 160] == 1).all()
    with pytest.raises(ConfigError, match="begins at 2 s"):
        cut(np.ones(RATE, np.float32), start_s=2.0)


def test_what_is_mostly_pause_or_far_too_soft_is_not_drawn():
    tone = np.sin(np.arange(RATE) / 5).astype(np.float32)
    third = np.concatenate([tone[: RATE // 3], np.zeros(2 * RATE // 3, np.float32)])
    assert is_heard(tone, tone)
    assert not is_heard(third, tone)
    assert is_heard(0.15 * tone, tone)  # −16.5 dB
    assert not is_heard(0.05 * tone, tone)  # −26 dB
    assert not is_heard(np.zeros(RATE, np.float32), tone)


def test_whole_24_bit_steps_add_up_exactly():
    draws = np.random.default_rng(0).uniform(-0.45, 0.45, (2, 1000))
    one, other = (quantised(signal) for signal in draws)
    np.testing.assert_array_equal(np.float64(one) + np.float64(other), np.float64(one + other))
    np.testing.assert_allclose(one, draws[0], atol=2.0**-24)


def test_a_manifest_reads_back_what_was_written_and_says_what_is_wrong(tmp_path):
    path = tmp_path / "manifest.csv"
    planned = [Planned("clean_00", "clean", None, ("speech/a/b.flac", 1.25), (), 8)]
    write_manifest(path, [row._replace(speech=None) for row in planned])
    assert read_manifest(path) == [planned[0]._replace(speech=None)]
    rows = list(csv.reader(path.open(newline="")))
    rows[1][0] = "../outside"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    with pytest.raises(ConfigError, match=r"row '\.\./outside'"):
        read_manifest(path)
    path.write_text("file,group\n")
    with pytest.raises(ConfigError, match=r"expected the columns name, condition.*found \['file', 'group'\]"):
        read_manifest(path)
    with pytest.raises(ConfigError, match=r"scripts\.make_mixes"):
        read_manifest(tmp_path / "absent.csv")


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Three speakers of two files each, music at another rate without folders, and what is no sound."""
    for speaker in range(3):
        for take in range(2):
            hum(tmp_path / f"in/voices/s{speaker}/deep/{take}.wav", 200 + 10 * speaker + take, duration_s=2.5)
    for piece in range(2):
        tone = 0.1 * np.sin(2 * np.pi * (1000 + piece) * np.arange(3 * 44100) / 44100)
        path = tmp_path / f"in/songs/piece{piece}__take.flac"
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, np.stack([tone, tone], 1), 44100)
    (tmp_path / "in/voices/README.txt").write_text("no sound")
    hum(tmp_path / "in/voices/short/a.wav", 300, duration_s=1.5)
    return {"speech": tmp_path / "in/voices", "music": tmp_path / "in/songs"}


def test_any_folders_make_a_set_at_the_levels_asked_for(folders, tmp_path):
    words = ["--speech", str(folders["speech"]), "--music", str(folders["music"]), "--snr", "-3", "--snr", "6"]
    words += ["--seed", "4", "--each", "3", "--excerpt-s", "2", "--out", str(tmp_path / "set")]
    made = CliRunner().invoke(main, words)
    assert made.exit_code == 0, made.output
    rows = read_manifest(tmp_path / "set/manifest.csv")
    assert [(row.condition, row.level_db) for row in rows] == [("music", -3)] * 3 + [("music", 6)] * 3 + [
        ("clean", None)
    ] * 3
    for row in rows:
        mix, rate = soundfile.read(tmp_path / f"set/mix/{row.name}.flac")
        assert rate == RATE and mix.size == 2 * RATE
        if row.level_db is not None:
            voice, rest = tone_power(mix, 150, 400), tone_power(mix, 900, 4000)
            assert 10 * np.log10(voice / rest) == pytest.approx(row.level_db, abs=0.3)  # fades of 10 ms in 2 s
    pairs = [(row.speech, row.background) for row in rows]
    assert pairs[:3] == pairs[3:6]
    for drawn in (rows[:3], rows[6:]):  # each speaker before any comes again
        assert {row.speech.recording.split("/")[1] for row in drawn} == {"s0", "s1", "s2"}
    first = {path.name: path.read_bytes() for path in (tmp_path / "set/mix").iterdir()}
    assert CliRunner().invoke(main, [*words[:-1], str(tmp_path / "again")]).exit_code == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "again/mix").iterdir()} == first


def test_folders_that_hold_too_little_and_half_a_command_are_named(folders, tmp_path):
    words = ["--speech", str(folders["speech"]), "--out", str(tmp_path / "set")]
    assert "give --speech with --music or --noise" in CliRunner().invoke(main, words).output
    long = CliRunner().invoke(main, [*words, "--music", str(folders["music"])])
    assert long.exit_code == 1 and "holds no recording of at least 8 s" in long.output
    absent = CliRunner().invoke(main, [*words, "--noise", str(tmp_path / "nowhere"), "--excerpt-s", "2"])
    assert absent.exit_code == 1 and "--noise" in absent.output and "is no folder" in absent.output
