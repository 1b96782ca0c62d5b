"""Audition marker lists."""

import pytest

from sepkit.errors import ConfigError
from tests.config.labels.files import AUDITION, read, told


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_markers_with_a_duration_are_windows(tmp_path, encoding):
    labels = read(tmp_path, AUDITION.replace("\n", "\r\n").encode(encoding), "markers.csv")
    assert labels.format == "an Audition marker list"
    # 1:02:03.250 is 3600 + 2 · 60 + 3.25 s
    assert told(labels) == [(5.5, 7.75, "Marker 01"), (3723.25, 3783.25, "dog bark")]
    assert labels.notes == ("a marker without a length is no window and is left out (line 4)",)


@pytest.mark.parametrize("cells", ["2:1:05\t1:0:00\tBars and Beats", "264600\t4410\t44100 Hz", "0:00:05:10\t0:01\tfps"])
def test_other_units_of_time_are_refused_with_what_to_choose(tmp_path, cells):
    with pytest.raises(ConfigError, match=r"line 2 \(row 1\): .* choose View > Display Time Format > Decimal"):
        read(tmp_path, f"Name\tStart\tDuration\tTime Format\tType\tDescription\nM\t{cells}\tCue\t\n", "markers.csv")
