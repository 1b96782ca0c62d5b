"""Finding, splitting and decoding recordings: against files written here."""

import numpy as np
import pytest
import soundfile

from sepkit.errors import ConfigError
from sepkit.training import corpus
from sepkit.training.config import CorpusConfig

RATE_HZ = corpus.SAMPLE_RATE


def tone(path, hz=440.0, seconds=0.5, sample_rate=RATE_HZ, channels=1):
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    soundfile.write(path, np.tile(0.4 * np.sin(2 * np.pi * hz * time)[:, None], channels), sample_rate)


@pytest.fixture
def folders(tmp_path):
    for speaker in ("anna", "ben", "cleo"):
        for take in range(2):
            tone(tmp_path / "speech" / "studio" / speaker / f"{take}.wav")
    for piece in ("bach__1", "bach__2", "satie__1"):
        tone(tmp_path / "music" / "piano" / f"{piece}.flac")
    (tmp_path / "music" / "piano" / "notes.txt").write_text("no audio")
    return tmp_path


def test_groups_come_from_folders_or_from_what_stands_before_two_underscores(folders):
    groups = {each.name: each.group for each in corpus.find(folders, CorpusConfig())}
    assert groups["speech/studio/anna/0.wav"] == groups["speech/studio/anna/1.wav"] == "studio/anna"
    assert groups["music/piano/bach__1.flac"] == groups["music/piano/bach__2.flac"] == "bach"
    assert "music/piano/notes.txt" not in groups


def test_a_manifest_has_the_last_word_on_groups(folders):
    (folders / "manifest.csv").write_text("file,group\nspeech/studio/anna/0.wav,A\nspeech/studio/ben/0.wav,A\n")
    groups = {each.name: each.group for each in corpus.find(folders, CorpusConfig())}
    assert groups["speech/studio/anna/0.wav"] == groups["speech/studio/ben/0.wav"] == "A"
    assert groups["speech/studio/anna/1.wav"] == "studio/anna"


def test_a_kind_may_have_several_folders_and_a_source_is_a_files_folder(tmp_path):
    for name in ("speech/studio/a__1.wav", "speech_many/b__1.wav", "music/c__1.wav", "music/piano/late/d.wav"):
        tone(tmp_path / name)
    tone(tmp_path / "speeches" / "e.wav")  # no kind
    found = {each.name: (each.kind, each.source, each.group) for each in corpus.find(tmp_path, CorpusConfig())}
    assert found == {
        "speech/studio/a__1.wav": ("speech", "speech/studio", "a"),
        "speech_many/b__1.wav": ("speech", "speech_many", "b"),
        "music/c__1.wav": ("music", "music", "c"),
        "music/piano/late/d.wav": ("music", "music/piano", "piano/late"),
    }


def test_a_manifest_without_its_columns_is_an_error(folders):
    (folders / "manifest.csv").write_text("path,who\nx,y\n")
    with pytest.raises(ConfigError, match="needs the columns 'file' and 'group'"):
        corpus.find(folders, CorpusConfig())


def test_one_name_in_validation_takes_its_whole_group_along(folders):
    config = CorpusConfig(validation=("music/piano/bach__1*", "studio/ben"))
    sides = corpus.split(corpus.find(folders, config), config)
    aside = {each.name for each in sides["validation"]}
    assert aside == {
        "music/piano/bach__1.flac",
        "music/piano/bach__2.flac",
        "speech/studio/ben/0.wav",
        "speech/studio/ben/1.wav",
    }
    assert not {each.group for each in sides["train"]} & {each.group for each in sides["validation"]}


def test_what_is_set_aside_for_judging_is_on_neither_side_with_all_of_its_group(folders):
    config = CorpusConfig(test=("music/piano/bach__1*",), validation=("music/piano/bach__2*",))
    found = corpus.find(folders, config)
    sides = corpus.split(found, config)
    judged = {each.name for each in corpus.tested(found, config)}
    assert judged == {"music/piano/bach__1.flac", "music/piano/bach__2.flac"}
    assert {each.name for side in sides.values() for each in side} == {each.name for each in found} - judged
    assert sides["validation"] == []


def test_the_part_set_aside_by_hash_stays_when_more_is_added(folders):
    config = CorpusConfig(validation_part=0.5)
    before = {each.name for each in corpus.split(corpus.find(folders, config), config)["validation"]}
    for number in range(30):
        tone(folders / "speech" / "street" / f"person{number}" / "0.wav")
    sides = corpus.split(corpus.find(folders, config), config)
    after = {each.name for each in sides["validation"]}
    assert before <= after
    assert not after - before & {each.name for each in sides["train"]}
    assert 5 <= sum(name.startswith("speech/street") for name in after) <= 25  # 15 of 30, give or take 3.6 σ


def test_what_is_excluded_is_on_neither_side(folders):
    config = CorpusConfig(exclude=("*anna*",))
    assert not any("anna" in each.name for each in corpus.find(folders, config))


def test_decoded_sound_is_that_of_the_file_and_is_decoded_once(folders, tmp_path):
    tone(folders / "noise" / "hum" / "hum.wav", hz=1000, seconds=1.0, sample_rate=48000, channels=2)
    found = corpus.decode(corpus.find(folders, CorpusConfig()), tmp_path / "cache")
    stores = sorted((tmp_path / "cache").iterdir())
    made = corpus.Corpus([each for each in found if each.kind == "noise"], tmp_path / "cache", {})
    (path,) = made.draw_group("noise", np.random.default_rng(0))
    samples = made.read(path, 0, RATE_HZ)
    expected = 0.4 * np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ)
    assert samples.size == RATE_HZ
    np.testing.assert_allclose(samples[500:-500], expected[500:-500], atol=2e-4)
    times = [store.stat().st_mtime_ns for store in stores]
    corpus.decode(corpus.find(folders, CorpusConfig()), tmp_path / "cache")
    assert times == [store.stat().st_mtime_ns for store in sorted((tmp_path / "cache").iterdir())]


def test_silent_short_and_damaged_files_are_left_out_and_damage_is_said(folders, tmp_path):
    soundfile.write(folders / "music" / "piano" / "silent.wav", np.zeros(RATE_HZ), RATE_HZ)
    tone(folders / "music" / "piano" / "blip.wav", seconds=0.1)
    (folders / "music" / "piano" / "broken.flac").write_bytes(b"fLaC and no more")
    found = corpus.find(folders, CorpusConfig())
    kept = {each.name for each in corpus.decode(found, tmp_path / "cache")}
    assert {each.name for each in found} - kept == {
        "music/piano/silent.wav",
        "music/piano/blip.wav",
        "music/piano/broken.flac",
    }


def test_groups_are_drawn_alike_and_sources_by_share(folders, tmp_path):
    for number in range(8):
        tone(folders / "speech" / "street" / f"person{number}" / "0.wav", hz=300 + number)
    found = corpus.decode(corpus.find(folders, CorpusConfig()), tmp_path / "cache")
    made = corpus.Corpus(found, tmp_path / "cache", {"speech/studio": 3.0})
    rng = np.random.default_rng(0)
    street = {path for group in made.groups["speech"]["speech/street"].values() for path in group}
    drawn = sum(made.draw_group("speech", rng)[0] in street for _ in range(2000))
    assert abs(drawn - 500) < 80  # a quarter of 2000, 4 σ


@pytest.mark.parametrize("missing", ["speech", "music"])
def test_a_folder_without_speech_or_background_is_an_error(folders, missing):
    import shutil

    shutil.rmtree(folders / missing)
    with pytest.raises(ConfigError, match=r"--data: .* holds no"):
        corpus.find(folders, CorpusConfig())


def test_no_folder_is_an_error(tmp_path):
    with pytest.raises(ConfigError, match="is no folder"):
        corpus.find(tmp_path / "nowhere", CorpusConfig())
