"""Witness for lengths: the file system itself, which takes a name of 255 bytes and refuses one of 256."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepkit.files.naming import NAME_MAX_BYTES, fitted_name, shown

SUFFIX = "__speech_only.wav"


def test_short_names_stay_as_they_are():
    assert fitted_name("talk", SUFFIX) == "talk__speech_only.wav"
    longest = "x" * (NAME_MAX_BYTES - len(SUFFIX))
    assert fitted_name(longest, SUFFIX) == longest + SUFFIX


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=("Cs",)), min_size=1, max_size=255))
def test_names_fit_and_keep_the_suffix(stem):
    name = fitted_name(stem, SUFFIX)
    assert len(os.fsencode(name)) <= NAME_MAX_BYTES
    assert name.endswith(SUFFIX)
    assert fitted_name(stem, SUFFIX) == name


@pytest.mark.parametrize("letter", ["a", "ä", "🎙", "\udcff"])
def test_longest_names_of_the_file_system_give_names_that_it_takes(tmp_path, letter):
    size = len(os.fsencode(letter))
    stem = letter * ((NAME_MAX_BYTES - 4) // size)
    (tmp_path / f"{stem}.wav").touch()
    (tmp_path / fitted_name(stem, SUFFIX)).touch()
    with pytest.raises(OSError, match="too long"):
        (tmp_path / ("a" * (NAME_MAX_BYTES + 1))).touch()


def test_long_names_that_begin_alike_stay_apart():
    stem = "x" * 250
    assert fitted_name(stem + "1", SUFFIX) != fitted_name(stem + "2", SUFFIX)


@given(st.text())
def test_shown_names_are_one_printable_line(text):
    assert shown(text).isprintable()


def test_shown_names_keep_what_can_be_printed():
    assert shown("Käse 🎙.wav") == "Käse 🎙.wav"
    assert shown("a\nb\x1b[2J\udcff") == r"a\nb\x1b[2J\udcff"
