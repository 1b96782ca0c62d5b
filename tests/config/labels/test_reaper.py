"""REAPER region lists."""

import pytest

from sepkit.errors import ConfigError
from tests.config.labels.files import REAPER, read, told


def test_regions_are_windows_and_markers_are_points(tmp_path):
    labels = read(tmp_path, REAPER, "regions.csv")
    assert labels.format == "a REAPER region list"
    assert told(labels) == [(5.5, 70.0, "dog, bark"), (3723.25, 3724.0, "")]
    assert labels.notes == ("a marker without a length is no window and is left out (line 3)",)


def test_seconds_are_read(tmp_path):
    assert told(read(tmp_path, "#,Name,Start,End,Length\nR1,a,5.500,70.25,64.75\n")) == [(5.5, 70.25, "a")]


@pytest.mark.parametrize("times", ["12.1.00,13.1.00,1.0.00", "0:00:05:12,0:00:06:00,0:00:00:13"])
def test_bars_and_frames_are_refused_with_what_to_choose(tmp_path, times):
    with pytest.raises(
        ConfigError, match=r"line 2 \(row 1\): times in seconds .* View > Time unit for ruler > Seconds"
    ):
        read(tmp_path, f"#,Name,Start,End,Length\nR1,a,{times}\n", "regions.csv")
