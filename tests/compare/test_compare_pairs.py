"""A set's layout: matched by name, and everything that does not fit together is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from sepkit.compare.pairs import EVERY, SetPair, read_set
from sepkit.errors import ConfigError, SourceError
from sepkit.judge.words import read_words


def lay(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    return folder


def test_files_meet_by_name_whatever_their_format(tmp_path):
    folder = lay(tmp_path, "mix/b.c.mp3", "mix/a.wav", "speech/a.flac", "speech/b.c.wav", "background/a.wav")
    lay(folder, "words/b.c.txt", "mix/.DS_Store")
    mix, speech = folder / "mix", folder / "speech"
    assert read_set(folder) == [
        SetPair("a", EVERY, None, mix / "a.wav", {"speech": speech / "a.flac"}, folder / "background/a.wav"),
        SetPair(
            "b.c",
            EVERY,
            None,
            mix / "b.c.mp3",
            {"speech": speech / "b.c.wav"},
            None,
            {"speech": folder / "words/b.c.txt"},
        ),
    ]


def test_the_manifest_gives_order_condition_and_level_and_may_hold_more(tmp_path):
    folder = lay(tmp_path, "mix/a.wav", "mix/b.wav", "speech/a.wav", "speech/b.wav")
    (folder / "manifest.csv").write_text("frames,level_db,condition,name\n8,-2.5,street_noise,b\n8,,clean,a\n")
    assert [(pair.name, pair.level_db, pair.column) for pair in read_set(folder)] == [
        ("b", -2.5, "street noise −2.5 dB"),
        ("a", None, "clean"),
    ]


@pytest.mark.parametrize(
    ("files", "manifest", "said"),
    [
        (("speech/a.wav",), None, "holds no folder 'mix'"),
        (("mix/a.wav", "speech/b.wav"), None, "b.wav: there is no 'b' in mix"),
        (("mix/a.wav", "mix/b.wav", "speech/b.wav"), None, "speech holds no file for 'a'"),
        (("mix/a.wav", "mix/a.flac", "speech/a.wav"), None, "a.wav: so is a.flac named"),
        (("mix/a.wav", "speech/a.wav", "words/o.txt"), None, "o.txt: there is no 'o' in mix"),
        (("mix/a.wav", "speech/a.wav"), "name,condition\na,x\nz,x\n", "mix holds no file for 'z'"),
        (("mix/a.wav", "mix/b.wav", "speech/a.wav"), "name,condition\na,x\n", "there is no 'b' in manifest.csv"),
        (("mix/a.wav", "speech/a.wav"), "name,condition\na,x\na,y\n", "'a' stands twice"),
        (("mix/a.wav", "speech/a.wav"), "name,condition,level_db\na,x,loud\n", "line 2: level_db: .*found 'loud'"),
        (("mix/a.wav", "speech/a.wav"), "file,group\n", "needs the columns name and condition"),
        (("mix/a.wav", "speech/a.wav"), "name,condition\n", "names no mixes"),
        (("mix/.hidden", "speech/.hidden"), None, "is empty"),
    ],
)
def test_what_does_not_fit_together_is_named(tmp_path, files, manifest, said):
    folder = lay(tmp_path, *files)
    if manifest:
        (folder / "manifest.csv").write_text(manifest)
    with pytest.raises(ConfigError, match=said) as caught:
        read_set(folder)
    assert "\n" not in str(caught.value)


def test_words_are_read_as_utf_8(tmp_path):
    (tmp_path / "a.txt").write_bytes("größer".encode())
    (tmp_path / "b.txt").write_bytes("größer".encode("latin-1"))
    assert read_words(tmp_path / "a.txt") == "größer"
    assert read_words(None) is None
    with pytest.raises(SourceError, match=r"b\.txt: cannot be read as UTF-8"):
        read_words(tmp_path / "b.txt")
