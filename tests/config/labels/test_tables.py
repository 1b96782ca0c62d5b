"""sepkit's own CSV and JSON."""

import pytest

from sepkit.config.labels import Label
from sepkit.errors import ConfigError
from tests.config.labels.files import CSV, JSON, read, told


def test_rows_of_csv_say_all_of_an_edit(tmp_path):
    labels = read(tmp_path, CSV, "edits.csv")
    assert (labels.format, labels.notes) == ("sepkit's CSV", ())
    assert labels.rows == (
        Label(0.0, 4.0, "dog bark", "remove", row=1, line=2),
        Label(8.0, 10.5, "dog bark", "remove", row=2, line=3),
        Label(90.0, 120.0, "speech, female", "keep", 20.0, 0.5, row=3, line=6),
        Label(None, None, "hiss", "remove", row=4, line=7),
    )


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_other_delimiters_go_with_decimal_commas(tmp_path, delimiter):
    text = "End_s;START_S;prompt\n2,5;1,25;a, b\n".replace(";", delimiter)
    assert told(read(tmp_path, text, "edits.csv")) == [(1.25, 2.5, "a, b")]
    assert told(read(tmp_path, 'start_s,end_s\n"1,5",2\n', "edits.csv")) == [(1.5, 2.0, "")]


def test_columns_far_from_any_are_noted(tmp_path):
    labels = read(tmp_path, "prompt,taken by,start_s,end_s\na,Anna,1,2\n", "edits.csv")
    assert labels.notes == ("columns that are not read: taken by",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("prompt,start,end_s\na,1,2", r"there is no column 'start'; did you mean 'start_s'\?"),
        ("prompt,begin,finish\na,1,2", "with no start_s and end_s from when to when, and begin, finish is not read"),
        ("prompt,prompt\na,b", r"line 1: the column 'prompt' stands twice"),
        ("prompt,start_s,end_s\na,1,1", r"line 2 \(row 1\): its end, 1 s, is not after its start, 1 s"),
        ("prompt,start_s,end_s\n\n\na,NaN,1", r"line 4 \(row 1\): its start is nan"),
        ("prompt,start_s,end_s\na,1,2\nb,0,-1", r"line 3 \(row 2\): its end, -1 s, is negative"),
        ("prompt,start_s,end_s\na,1,", r"line 2 \(row 1\): has one of start_s and end_s; give both"),
        ("prompt,start_s,end_s\na,1,x", r"line 2 \(row 1\): end_s: a number is asked, found 'x'"),
        ("prompt,start_s,end_s\na,1,5,2", r"line 2 \(row 1\): has more cells than the header"),
        ('prompt,start_s,end_s\n"a\n",1,2\n"b,1,2', r"line 4: is not valid CSV \(unexpected end of data\)"),
        ("prompt,start_s,end_s\n" + "x" * 200_000, r"line 2: is not valid CSV \(field larger than field limit"),
        ("prompt,start_s,end_s\n", r"sepkit's CSV without a row"),
    ],
)
def test_a_mistake_in_csv_names_its_line(tmp_path, text, expected):
    with pytest.raises(ConfigError, match=expected) as caught:
        read(tmp_path, text, "edits.csv")
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)


def test_json_is_read_as_detect_writes_it(tmp_path):
    labels = read(tmp_path, JSON, "edits.json")
    assert (labels.format, labels.notes) == ("sepkit's JSON", ())
    assert labels.rows == (Label(0.0, 4.5, "dog bark", "remove", row=1), Label(1.0, 2.0, "cat", row=2))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"prompt": "a"}', "a list of objects is asked, found one object"),
        ('[{"prompt": "a"}, 3]', "row 2: an object is asked, found 3"),
        ('[{"prompt": 3}]', "row 1: prompt: a text is asked, found 3"),
        ('[{"prompt": "a", "start_s": "1", "end_s": 2}]', "row 1: start_s: a number is asked, found '1'"),
        ('[{"prompt": "a", "start_s": true, "end_s": 2}]', "row 1: start_s: a number is asked, found 'True'"),
        ('[{"prompt": "a", "start_s": NaN, "end_s": 2}]', "row 1: its start is nan"),
        (f'[{{"start_s": 1, "end_s": 1{"0" * 400}}}]', "row 1: end_s: a number is asked, found '1000"),
        ('[{"prompt": "a", "strat_s": 1}]', r"there is no column 'strat_s'; did you mean 'start_s'\?"),
        ('[{"prompt": "a"', "is not valid JSON"),
        ('[{"a":' * 100_000, "is not valid JSON"),
        ("[]", "sepkit's JSON without a row"),
    ],
)
def test_a_mistake_in_json_names_its_row(tmp_path, text, expected):
    with pytest.raises(ConfigError, match=expected) as caught:
        read(tmp_path, text, "edits.json")
    assert len(str(caught.value)) < 400 and "\n" not in str(caught.value)
