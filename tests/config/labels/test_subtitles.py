"""SRT and WebVTT."""

import pytest

from sepkit.errors import ConfigError
from tests.config.labels.files import SRT, WEBVTT, read, told


def test_srt_is_read_with_its_text_on_one_line(tmp_path):
    labels = read(tmp_path, SRT.replace("\n", "\r\n").encode("utf-8-sig"), "talk.srt")
    assert (labels.format, labels.notes) == ("SRT subtitles", ())
    assert told(labels) == [(1.5, 4.0, "dog bark"), (3608.5, 3609.0, "cat & mouse")]
    assert [row.line for row in labels.rows] == [2, 7]


def test_webvtt_is_read_without_notes_styles_and_voices(tmp_path):
    labels = read(tmp_path, WEBVTT, "talk.vtt")
    assert (labels.format, labels.notes) == ("WebVTT subtitles", ())
    assert told(labels) == [(1.5, 4.0, "dog bark"), (3608.5, 3609.0, "cat")]


def test_srt_without_numbers_and_with_points_is_read(tmp_path):
    text = "\n00:00:01.500 --> 00:00:04.000\ndog\n\nlost line\n"
    labels = read(tmp_path, text)
    assert told(labels) == [(1.5, 4.0, "dog")]
    assert labels.notes == ("a block without times is not read (line 5)",)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("00:00:04,000 --> 00:00:04,000", r"line 5 \(row 2\): its end, 4 s, is not after its start, 4 s"),
        ("00:00:04,000 --> 00:61:04,000", r"line 5 \(row 2\): two times as 00:01:02.500 --> 00:01:04.000 are asked"),
        ("00:00:04,000 -->", r"line 5 \(row 2\): two times as 00:01:02.500 --> 00:01:04.000 are asked"),
    ],
)
def test_a_cue_that_is_no_window_is_named(tmp_path, line, expected):
    with pytest.raises(ConfigError, match=expected):
        read(tmp_path, f"1\n00:00:01,500 --> 00:00:04,000\n\n2\n{line}\ndog\n", "talk.srt")
