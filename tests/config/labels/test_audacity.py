"""Audacity label tracks: real ones, and that what sepkit writes is read back."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepkit.config.labels import Label, read_labels, write_audacity
from sepkit.errors import ConfigError
from tests.config.labels.files import AUDACITY, read, told


def test_labels_with_a_length_are_windows(tmp_path):
    labels = read(tmp_path, AUDACITY)
    assert labels.format == "an Audacity label track"
    assert told(labels) == [(0.0, 4.0, "dog bark"), (8.0, 10.5, "")]
    assert [row.line for row in labels.rows] == [1, 4]
    assert labels.notes == (
        "the frequencies of a label are not used, a window holds all of them (line 2)",
        "a marker without a length is no window and is left out (line 3)",
    )


def test_spaces_decimal_commas_comments_and_any_order_are_read(tmp_path):
    text = "# by hand\r\n\r\n8,5 10,25   dog  bark\r\n0\t4\r\n8.5\t10.25\tdog  bark"
    assert told(read(tmp_path, text)) == [(8.5, 10.25, "dog  bark"), (0.0, 4.0, ""), (8.5, 10.25, "dog  bark")]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0\t4\ta\n5\t3\tb\n", "line 2 (row 2): its end, 3 s, is not after its start, 5 s"),
        ("0\t4\ta\n\n\\\t1\t2\n-5\t3\tb\n", "line 4 (row 2): its start, -5 s, is negative"),
        ("nan\t4\ta\n", "line 1 (row 1): its start is nan; give a number of seconds"),
        ("0\tinf\ta\n", "line 1 (row 1): its end is inf; give a number of seconds"),
        ("0\t4\ta\nb\n", "line 2 (row 2): start, end and label are asked, with tabs between them, found 'b'"),
        ("4\t4\ta\n5\t5\tb\n", "an Audacity label track without a row that has a length"),
    ],
)
def test_a_row_that_is_no_window_is_named(tmp_path, text, expected):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "labels.txt")) and expected in str(caught.value)


microseconds = st.integers(0, 40_000_000_000)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@settings(deadline=None, max_examples=100)
@given(st.lists(st.tuples(microseconds, st.integers(1, 10**9), texts), min_size=1, max_size=8))
def test_what_is_written_is_read_back(tmp_path_factory, drawn):
    labels = [Label(start / 1e6, (start + length) / 1e6, text) for start, length, text in drawn]
    path = tmp_path_factory.mktemp("written") / "labels.txt"
    write_audacity(path, labels)
    expected = [(label.start_s, label.end_s, " ".join(label.text.split())) for label in labels]
    assert told(read_labels(path)) == expected
