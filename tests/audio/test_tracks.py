"""Which sound track is taken: the default one, or the one that is asked for. Witness: each track's own noise."""

import numpy as np
import pytest

from sepkit.audio.read import open_source, probe, read_audio, track_count
from sepkit.config.sections import SourceConfig
from sepkit.errors import ConfigError, SourceError
from tests.audio.timed import RATE, burst, timed

FIRST, SECOND = burst(RATE // 2), burst(RATE // 2, seed=1)


@pytest.fixture
def two(tmp_path):
    labels = {"language": ["eng", "deu"], "disposition": ["comment", "default"]}
    return timed(tmp_path / "two.mkv", "matroska", "flac", [[(0, FIRST)], [(0, SECOND)]], **labels)


@pytest.mark.parametrize(
    ("asked", "number", "expected"),
    [("default", 2, SECOND), (1, 1, FIRST), (2, 2, SECOND), ("eng", 1, FIRST), ("deu", 2, SECOND)],
)
def test_the_track_that_is_asked_for(two, asked, number, expected):
    with open_source(two, SourceConfig(track=asked)) as source:
        assert (source.info.track, source.info.tracks) == (number, 2)
        np.testing.assert_allclose(source.read(0, source.info.frames), expected, atol=2.0**-15)
        named = {1: "track 1 of 2 (eng)", 2: "track 2 of 2 (deu, default)"}[number]
        chosen = "of 2 sound tracks, 2 (deu, default) was taken, not 1 (eng)"
        assert source.info.notes == ((chosen if asked == "default" else named),)
    assert track_count(two) == 2


def test_the_first_where_none_is_marked(tmp_path):
    labels = {"disposition": ["comment", "comment"]}
    path = timed(tmp_path / "a.mkv", "matroska", "flac", [[(0, FIRST)], [(0, SECOND)]], **labels)
    np.testing.assert_allclose(read_audio(path).samples, FIRST, atol=2.0**-15)


def test_a_track_that_is_not_there(two, tmp_path):
    for asked in (3, "fra"):
        with pytest.raises(SourceError, match=rf"two\.mkv: has no sound track '{asked}'; found 1 \(eng\); 2 \(deu, d"):
            probe(two, SourceConfig(track=asked))
    with pytest.raises(ConfigError, match=r"source\.track: all found"):
        probe(two, SourceConfig(track="all"))
    one = timed(tmp_path / "one.mkv", "matroska", "flac", [[(0, FIRST)]])
    assert probe(one).notes == () and track_count(one) == 1


def test_the_earliest_track_is_time_zero(tmp_path):
    """Two recorders of one meeting: the second track starts 0.25 s after the first."""
    path = timed(tmp_path / "a.mkv", "matroska", "flac", [[(0, FIRST)], [(RATE // 4, SECOND)]])
    with open_source(path, SourceConfig(track=2)) as source:
        read = source.read(0, source.info.frames)
    assert not read[:, : RATE // 4].any()
    np.testing.assert_allclose(read[:, RATE // 4 :], SECOND, atol=2.0**-15)


def test_a_title_cannot_write_to_the_terminal(tmp_path):
    labels = {"language": ["eng", "deu"], "title": ["\x1b]0;pwn\x07", "a\nb" + "c" * 500]}
    path = timed(tmp_path / "a.mkv", "matroska", "flac", [[(0, FIRST)], [(0, SECOND)]], **labels)
    note = probe(path).notes[0]
    with pytest.raises(SourceError) as caught:
        probe(path, SourceConfig(track=3))
    for told in (note, str(caught.value)):
        assert told.isprintable() and len(told) < 500
        assert r"\x1b]0;pwn\x07" in told and r"a\nbccc" in told
