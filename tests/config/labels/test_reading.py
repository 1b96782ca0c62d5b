"""Label files of any encoding and shape: the format is told by the content, and damage is one line."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepkit.config.labels import read_labels
from sepkit.config.labels.reading import FORMATS
from sepkit.errors import ConfigError
from tests.config.labels.files import ALL, read, told

MUELL = "0\t4\tMüll\n"


@pytest.mark.parametrize("name", ALL)
def test_the_content_tells_the_format_whatever_the_name(tmp_path, name):
    named, unnamed = read(tmp_path, ALL[name], name), read(tmp_path, ALL[name], "labels")
    assert named.rows == unnamed.rows and named.format == unnamed.format
    assert len({read(tmp_path, text).format for text in ALL.values()}) == len(FORMATS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_of_unicode_are_told(tmp_path, encoding, newline):
    labels = read(tmp_path, (MUELL * 2).replace("\n", newline).encode(encoding))
    assert told(labels) == [(0.0, 4.0, "Müll")] * 2
    assert labels.notes == ()


def test_latin_1_is_read_with_a_note(tmp_path):
    labels = read(tmp_path, MUELL.encode("latin-1"))
    assert told(labels) == [(0.0, 4.0, "Müll")]
    assert labels.notes == ("it is not UTF-8 and was read as Latin-1 (Windows-1252); check letters beyond ASCII",)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "is empty; give a label file"),
        (b"\xef\xbb\xbf\r\n \r\n", "is empty; give a label file"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "is not text; give a label file"),
        (b"\xff\xfb\x90\x64\x81\x8d", "is not text; give a label file"),
        (b"\xff\xfe0", "is not text; give a label file"),
        (b"hello\n", "is in no format that is read, found 'hello'; give sepkit's JSON (.json); WebVTT"),
        (b"# only a comment\n", "is in no format that is read"),
        (b"x" * 10_000_000, "is in no format that is read, found 'xxx"),
    ],
)
def test_what_is_no_label_file_is_one_line(tmp_path, content, expected):
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, content)
    assert expected in str(caught.value) and len(str(caught.value)) < 600 and "\n" not in str(caught.value)


def test_what_cannot_be_read_is_named(tmp_path):
    for path, reason in ((tmp_path, "Is a directory"), (tmp_path / "no.txt", "No such file"), ("a\0b", "null")):
        with pytest.raises(ConfigError, match=rf"cannot be read \(.*{reason}.*\); give a label file"):
            read_labels(path)
    with pytest.raises(ConfigError, match="has more than 64 MiB"):
        read_labels("/dev/zero")


def test_a_long_line_is_read_and_a_hundred_thousand_rows_too(tmp_path):
    assert told(read(tmp_path, "0\t1\t" + "x" * 10_000_000)) == [(0.0, 1.0, "x" * 10_000_000)]
    rows = [(index / 4, index / 4 + 1, "dog") for index in range(100_000)]
    assert told(read(tmp_path, "".join(f"{start}\t{end}\t{text}\n" for start, end, text in rows))) == rows
    with pytest.raises(ConfigError, match=r"line 2 \(row 1\): two times as"):
        read(tmp_path, "1\n00:00:01,5 --> " + "<" * 10_000_000, "talk.srt")


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(sorted(ALL)), st.data())
def test_a_damaged_file_is_read_or_is_one_line(tmp_path_factory, name, data):
    text = ALL[name]
    at = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 12))
    damaged = text[:at] + data.draw(st.text(max_size=6)) + text[at + cut :]
    try:
        labels = read(tmp_path_factory.mktemp("damaged"), damaged.encode("utf-8", "surrogatepass"), name)
    except ConfigError as error:
        assert len(str(error).splitlines()) == 1 and len(str(error)) < 800
    else:
        for row in labels.rows:
            assert row.start_s is None or 0 <= row.start_s < row.end_s < float("inf")
