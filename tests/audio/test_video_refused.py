"""Videos that are damaged, cut short or cannot be written; what comes of them is whole, or nothing, and said."""

import os
import struct
from itertools import pairwise

import av
import pytest

from scripts.bench.films import CLICKS, RATE, burst, clicks, packets, time_of, video
from sepkit.audio.read import open_source
from sepkit.audio.video.kinds import kind_of
from sepkit.audio.video.new_track import NewTrack
from sepkit.audio.video.remux import remux
from sepkit.errors import OutputError, SourceError
from tests.audio.videos import resounded


def test_a_damaged_picture_is_copied_as_it_is(tmp_path):
    source = video(tmp_path / "film.mkv", [clicks()])
    with av.open(str(source)) as opened:
        pictures = [bytes(packet) for packet in opened.demux(video=0) if packet.size]
    data = bytearray(source.read_bytes())
    at, size = data.index(pictures[20]), len(pictures[20])
    data[at + 8 : at + size] = bytes(size - 8)
    source.write_bytes(data)
    result, notes = resounded(source, tmp_path)
    assert notes == () and packets(result) == packets(source)
    with av.open(str(result)) as opened:
        assert bytes(size - 8) in [bytes(packet)[8:] for packet in opened.demux(video=0)]


def test_an_edit_list_that_begins_inside_the_picture_is_kept(tmp_path):
    """As cameras and editors write them; the packets before are needed to decode, and not shown."""
    source = video(tmp_path / "film.mp4", [clicks()], b_frames=True)
    data = bytearray(source.read_bytes())
    at = data.index(b"elst") + 16  # media_time, ISO/IEC 14496-12, 8.6.6
    struct.pack_into(">i", data, at, struct.unpack_from(">i", data, at)[0] + 19_200 * 2 // 5)
    source.write_bytes(data)
    with av.open(str(source)) as opened:
        hidden = [packet.is_discard for packet in opened.demux(video=0) if packet.size]
        assert 0 < sum(hidden) < len(hidden)
    result, notes = resounded(source, tmp_path)
    assert notes == () and packets(result) == packets(source)
    with av.open(str(source)) as before, av.open(str(result)) as after:
        shown = [[frame.pts for frame in each.decode(video=0)] for each in (before, after)]
    assert shown[0] == shown[1] and shown[0][0] == 0
    for click in CLICKS.values():
        assert abs(time_of(result, click) - time_of(source, click)) <= 1


def test_a_video_that_is_cut_short_is_refused_or_salvaged(tmp_path):
    source = video(tmp_path / "film.mkv", [clicks()])
    data = source.read_bytes()
    source.write_bytes(data[: len(data) // 2])
    with pytest.raises(SourceError, match=r"cut short.*--salvage"):
        resounded(source, tmp_path)
    result, _ = resounded(source, tmp_path, salvage=True)
    kept = packets(result)[0]
    assert 0 < len(kept) < 50 and kept == packets(source)[0][: len(kept)]
    assert time_of(result, CLICKS[RATE // 5]) == RATE // 5


def test_a_video_without_sound_is_refused_in_one_line(tmp_path):
    source = video(tmp_path / "film.mp4", [])
    with pytest.raises(SourceError, match=r"film.mp4: holds no audio stream; name a file with sound") as refused:
        resounded(source, tmp_path)
    assert "\n" not in str(refused.value)


def test_what_cannot_be_written_leaves_nothing(tmp_path):
    source = video(tmp_path / "film.mp4", [clicks()])
    resounded(source, tmp_path)
    track = NewTrack(tmp_path / "sound.wav", 1, 0)
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(OutputError, match="cannot be made a folder"):
        remux(source, tmp_path / "file/result.mp4", kind_of(source), [track])
    if os.geteuid():
        (tmp_path / "locked").mkdir(mode=0o500)
        with pytest.raises(OutputError, match="cannot be written"):
            remux(source, tmp_path / "locked/result.mp4", kind_of(source), [track])
    (tmp_path / "out").mkdir()

    def interrupted():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        remux(source, tmp_path / "out/result.mp4", kind_of(source), [track], check=interrupted)
    assert list((tmp_path / "out").iterdir()) == []


def test_times_that_run_backwards_are_mended_and_said(tmp_path):
    """Of a WebM whose blocks say so: muxers insist on decoding times that rise."""
    source = video(tmp_path / "film.webm", [clicks()])
    with av.open(str(source)) as opened:
        pictures = [bytes(packet) for packet in opened.demux(video=0) if packet.size]
    data = bytearray(source.read_bytes())
    for number in (20, 21):  # RFC 9559, 10.2: the number of the track, the time in two bytes, flags, then the picture
        at = data.index(pictures[number]) - 3
        struct.pack_into(">h", data, at, struct.unpack_from(">h", data, at)[0] - 120)
    source.write_bytes(data)
    result, notes = resounded(source, tmp_path)
    assert notes == ("2 packets had times out of order, and follow the one before",)
    assert [each[0] for each in packets(result)[0]] == [each[0] for each in packets(source)[0]]
    times = [each[1] for each in packets(result)[0]]
    assert all(before < after for before, after in pairwise(times))
    assert time_of(result, CLICKS[RATE // 5]) == RATE // 5


def test_a_name_of_255_bytes(tmp_path):
    source = video(tmp_path / ("n" * 251 + ".mp4"), [burst(RATE // 2)])
    resounded(source, tmp_path)
    result = tmp_path / ("r" * 251 + ".mp4")
    remux(source, result, kind_of(source), [NewTrack(tmp_path / "sound.wav", 1, 0)])
    with open_source(result) as opened:
        assert opened.info.frames == RATE // 2
