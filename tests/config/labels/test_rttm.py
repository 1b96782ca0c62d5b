"""RTTM."""

import pytest

from sepkit.errors import ConfigError
from tests.config.labels.files import RTTM, read, told


def test_its_timed_lines_are_windows(tmp_path):
    labels = read(tmp_path, RTTM, "talk.rttm")
    assert (labels.format, labels.notes) == ("RTTM", ())
    assert told(labels) == [(0.5, 2.75, "anna"), (10.0, 10.75, "")]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("SPEAKER talk 1 3.0 0.0 <NA> <NA> a <NA> <NA>", r"line 5 \(row 4\): its end, 3 s, is not after its start"),
        ("SPEAKER talk 1 <NA> 1 <NA> <NA> a <NA> <NA>", r"line 5 \(row 4\): SPEAKER, a file, a channel, a start"),
        ("WHO talk 1 0 1 <NA> <NA> a <NA> <NA>", r"line 5 \(row 4\): SPEAKER, a file, a channel, a start"),
        ("SPEAKER other 1 3 1 <NA> <NA> a <NA> <NA>", r"line 5 \(row 4\): .* two recordings, 'talk' and 'other'"),
    ],
)
def test_a_line_that_is_no_window_is_named(tmp_path, line, expected):
    with pytest.raises(ConfigError, match=expected):
        read(tmp_path, RTTM + line, "talk.rttm")
