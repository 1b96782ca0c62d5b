"""Which recordings have which label, and which folds are set aside; the layouts are laid by hand."""

import csv
from pathlib import Path

import pytest
import soundfile

from sepkit.errors import ConfigError
from sepkit.training import corpus, labelled
from sepkit.training.config import CorpusConfig
from sepkit.training.text_config import load_text_config
from tests.training.labelled_sounds import RATE, TONES_HZ, esc50, tone

SHIPPED = [Path("config/train/text.yaml"), Path("config/train/text_unet.yaml")]


def found(folder, **fields):
    return labelled.find(folder, CorpusConfig(**fields))


def lay(path, hz=440):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, tone(hz), RATE)


def test_esc50_as_it_is_published(tmp_path):
    recordings = found(esc50(tmp_path))
    assert len(recordings) == 5 * 4 * 2
    assert {each.kind for each in recordings} == {"dog", "rain", "siren", "clock tick"}
    for each in recordings:
        fold, number, *_ = each.path.stem.split("-")
        assert each.group == f"esc50 fold {fold}"
        assert each.kind == list(TONES_HZ)[int(number)].replace("_", " ")


def test_a_part_of_esc50_and_folders_beside_it(tmp_path):
    for name in ("1-1-A-0.wav", "5-1-A-10.wav"):
        lay(tmp_path / "noise" / "esc50" / name)
    lay(tmp_path / "speech" / "read" / "anna" / "one.wav")
    lay(tmp_path / "music_many" / "composer__piece.wav")
    with (tmp_path / "noise" / "esc50.csv").open("w", newline="") as file:
        csv.writer(file).writerows(
            [
                ("file", "fold", "class_number", "class_name"),
                ("1-1-A-0.wav", 1, 0, "dog"),
                ("5-1-A-10.wav", 5, 10, "rain"),
                ("5-2-A-10.wav", 5, 10, "rain"),  # of which there is no file
            ]
        )
    assert [(each.kind, each.group, each.name) for each in found(tmp_path)] == [
        ("dog", "esc50 fold 1", "noise/esc50/1-1-A-0.wav"),
        ("rain", "esc50 fold 5", "noise/esc50/5-1-A-10.wav"),
        ("speech", "read/anna", "speech/read/anna/one.wav"),
        ("music", "composer", "music_many/composer__piece.wav"),
    ]


def test_any_folder_of_labels(tmp_path):
    for name in ("dog/street/anna/1.wav", "dog_bark/y__1.wav", "dog_bark/y__2.wav", "tea_kettle/x__1.wav"):
        lay(tmp_path / name)
    (tmp_path / "tea_kettle" / "note.txt").write_text("no sound")
    assert [(each.kind, each.group, each.path.name) for each in found(tmp_path)] == [
        ("dog", "street/anna", "1.wav"),
        ("dog bark", "y", "y__1.wav"),
        ("dog bark", "y", "y__2.wav"),
        ("tea kettle", "x", "x__1.wav"),
    ]


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_the_shipped_configurations_keep_fold_5_for_validation(tmp_path, path):
    recordings = found(esc50(tmp_path))
    sides = corpus.split(recordings, load_text_config(path).corpus)
    assert {each.path.name[0] for each in sides["train"]} == set("1234")
    assert {each.path.name[0] for each in sides["validation"]} == {"5"}
    assert len(sides["train"]) == 4 * 8 and len(sides["validation"]) == 8


def test_other_folds_are_set_aside_where_the_configuration_says_so(tmp_path):
    recordings = found(esc50(tmp_path), exclude=("*-A-*",))
    sides = corpus.split(recordings, CorpusConfig(validation=("esc50 fold [12]",)))
    assert sorted({each.group[-1] for each in sides["validation"]}) == ["1", "2"]
    assert sorted({each.group[-1] for each in sides["train"]}) == ["3", "4", "5"]
    assert all("-B-" in each.name for each in recordings) and len(recordings) == 20


def test_what_cannot_be_trained_on_is_one_line(tmp_path):
    with pytest.raises(ConfigError, match=r"--data: .*nowhere is no folder; give ESC-50's, or one with a folder a lab"):
        found(tmp_path / "nowhere")
    lay(tmp_path / "one" / "dog" / "1.wav")
    with pytest.raises(ConfigError, match=r"--data: .*one holds fewer than two labels; give ESC-50's folder"):
        found(tmp_path / "one")
    (tmp_path / "csv" / "meta").mkdir(parents=True)
    (tmp_path / "csv" / "meta" / "esc50.csv").write_text("filename,category\n1-1-A-0.wav,dog\n")
    with pytest.raises(
        ConfigError, match=r"esc50\.csv: needs the columns filename, fold and category, found category, filename"
    ):
        found(tmp_path / "csv")
    (tmp_path / "csv" / "meta" / "esc50.csv").write_text("")
    with pytest.raises(ConfigError, match=r"esc50\.csv: needs the columns filename, fold and category, found nothing"):
        found(tmp_path / "csv")
