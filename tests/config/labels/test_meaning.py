"""Labels as edits."""

import pytest

from sepkit.config.edits import Edit
from sepkit.config.labels import edits_from
from sepkit.errors import ConfigError
from tests.config.labels.files import AUDACITY, CSV, read


def test_rows_that_follow_each_other_and_ask_for_the_same_are_one_edit(tmp_path):
    assert edits_from(read(tmp_path, CSV)) == (
        Edit(prompt="dog bark", mode="remove", windows=((0, 4), (8, 10.5))),
        Edit(prompt="speech, female", mode="keep", windows=((90, 120),), fade_ms=20, strength=0.5),
        Edit(prompt="hiss", mode="remove"),
    )


def test_the_order_stays_where_rows_alternate(tmp_path):
    labels = read(tmp_path, "0\t1\ta\n2\t3\tb\n4\t5\ta\n")
    assert [(edit.prompt, edit.windows) for edit in edits_from(labels, mode="keep")] == [
        ("a", ((0.0, 1.0),)),
        ("b", ((2.0, 3.0),)),
        ("a", ((4.0, 5.0),)),
    ]


def test_a_row_for_the_whole_file_takes_no_windows_of_others(tmp_path):
    labels = read(tmp_path, "prompt,start_s,end_s\na,0,1\na,,\na,,\na,2,3\n")
    windows = [edit.windows for edit in edits_from(labels, mode="keep")]
    assert windows == [((0.0, 1.0),), (), (), ((2.0, 3.0),)]


def test_a_prompt_that_is_given_takes_the_windows_alone(tmp_path):
    assert edits_from(read(tmp_path, AUDACITY), prompt="siren", mode="remove", fade_ms=5, strength=0.25) == (
        Edit(prompt="siren", mode="remove", windows=((0, 4), (8, 10.5)), fade_ms=5, strength=0.25),
    )


def test_what_is_given_holds_over_the_file(tmp_path):
    found = edits_from(read(tmp_path, CSV), mode="keep", fade_ms=1)
    assert [(edit.mode, edit.fade_ms) for edit in found] == [("keep", 1)] * 3


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        (AUDACITY, {"mode": "keep"}, r"line 4 \(row 3\): its label is empty; .* or give --prompt"),
        (AUDACITY, {"prompt": "a"}, r"line 1 \(row 1\): whether to keep or to remove is not said"),
        (AUDACITY, {"prompt": "", "mode": "keep"}, "prompt: is empty"),
        ("prompt,mode\na,mute", {}, r"line 2 \(row 1\): mode: Input should be 'keep' or 'remove', found 'mute'"),
        ("prompt,mode,fade_ms\na,keep,-1", {}, r"line 2 \(row 1\): fade_ms: Input should be greater than or equal"),
        ("prompt,mode,strength\na,keep,2", {}, r"line 2 \(row 1\): strength: Input should be less than or equal"),
        ("0\t4\t" + "x" * 1001, {"mode": "keep"}, r"line 1 \(row 1\): prompt: has 1001 characters"),
        ("0\t4\ta\x07", {"mode": "keep"}, r"line 1 \(row 1\): prompt: holds the control character U\+0007"),
        ("path,prompt,mode\na.wav,a,keep", {}, r"line 2 \(row 1\): names a file, 'a\.wav', as a batch has it"),
    ],
)
def test_an_edit_that_cannot_be_made_names_its_line(tmp_path, text, given, expected):
    with pytest.raises(ConfigError, match=expected):
        edits_from(read(tmp_path, text), **given)
