"""Time is kept: what starts late comes out late, holes stay holes, overlaps and priming are not heard.

Witness: noise that was given to FFmpeg's encoders at known frames, found again by correlation; arithmetic on frames.
"""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from sepkit.audio.read import open_source, probe, read_audio
from sepkit.audio.timeline import SILENT_BLOCK_FRAMES, Timeline
from sepkit.errors import SourceError
from tests.audio.timed import RATE, burst, found_at, timed

PACKET = 1024


@pytest.mark.parametrize(
    ("name", "container", "codec", "late_frames", "unsure_frames"),
    [
        ("late.mp4", "mp4", "aac", RATE // 2 + PACKET, 0),  # the edit list counts milliseconds, from the priming on
        ("late.mov", "mov", "pcm_s16le", 12_345, 24),  # half a millisecond
        ("late.mkv", "matroska", "flac", RATE * 7 // 10, 0),
        ("odd.mkv", "matroska", "flac", 12_345, 24),
        ("late.mkv", "matroska", "aac", RATE * 7 // 10, 48),  # the priming is rounded too
        ("late.mkv", "matroska", "libopus", RATE * 7 // 10, 48),
        ("late.ts", "mpegts", "aac", RATE * 7 // 10, 1),
        ("late.ts", "mpegts", "ac3", RATE * 7 // 10, 1),
    ],
)
def test_sound_that_starts_late_comes_out_late(tmp_path, name, container, codec, late_frames, unsure_frames):
    sought = burst(PACKET * 24)
    path = timed(tmp_path / name, container, codec, [[(late_frames, sought)]], picture_s=1.5)
    read = read_audio(path)
    inner = slice(PACKET * 2, -PACKET * 2)
    at = found_at(read.samples, sought[:, inner]) - PACKET * 2
    assert abs(at - late_frames) <= unsure_frames
    info = probe(path)
    assert abs(info.start_s * RATE - late_frames) <= PACKET + unsure_frames
    assert any("starts 0." in note for note in info.notes)
    assert not read.samples[:, : round(info.start_s * RATE)].any()


@pytest.mark.parametrize(
    ("name", "container", "codec"),
    [
        *[("gap.mkv", "matroska", "flac"), ("gap.mkv", "matroska", "aac")],
        *[("gap.mp4", "mp4", "alac"), ("gap.ts", "mpegts", "aac"), ("gap.ts", "mpegts", "mp2")],
    ],
)
def test_a_hole_stays_a_hole_to_the_sample(tmp_path, name, container, codec):
    packet = {"flac": 4608, "mp2": 1152, "alac": 4096}.get(codec, PACKET)
    first, second = burst(packet * 20), burst(packet * 20, seed=1)
    hole = -(-RATE * 3 // 2 // packet) * packet
    path = timed(tmp_path / name, container, codec, [[(0, first), (packet * 20 + hole, second)]])
    with open_source(path) as source:
        read = source.read(0, source.info.frames)
        notes = source.info.notes
    edge = packet
    at = [found_at(read, each[:, edge:-edge]) - edge for each in (first, second)]
    assert at[1] - at[0] == packet * 20 + hole
    assert notes == (
        f"1 hole of {hole / RATE:.3f} s at {notes[0].split(' at ')[1].split()[0]} s in its timestamps "
        "was filled with silence",
    )
    middle = read[:, at[0] + packet * 22 : at[1] - packet * 3]
    assert middle.shape[1] > RATE and not middle.any()
    assert probe(path).frames == read.shape[1]


def test_rounded_timestamps_make_no_holes(tmp_path):
    """1024 frames are 21.33 ms; Matroska writes 21 and 22."""
    for codec in ("aac", "libopus", "flac"):
        path = timed(tmp_path / f"{codec}.mkv", "matroska", codec, [[(0, burst(RATE * 4))]])
        assert probe(path).notes == () and probe(path).start_s == 0


def place(timeline: Timeline, *packets: tuple[int, int]) -> np.ndarray:
    """Packets of 1000 frames at a time (in frames), each of one value."""
    blocks = [
        block
        for at, value in packets
        for block in timeline.place(np.full((1, 1000), value, np.float32), Fraction(at, RATE))
    ]
    return np.concatenate(blocks, axis=1)[0]


def timeline(tick_s: Fraction = Fraction(1, RATE)) -> Timeline:
    return Timeline(Path("a.ts"), RATE, 1, Fraction(0), tick_s)


def test_what_lies_before_time_begins_is_trimmed():
    line = timeline()
    np.testing.assert_array_equal(place(line, (-1400, 1), (-400, 2), (600, 3)), np.repeat([2, 3], [600, 1000]))
    assert line.notes() == () and line.start_frames == 0


def test_wma_loses_its_first_packet_and_says_so(tmp_path):
    samples = burst(RATE)
    path = timed(tmp_path / "a.wma", "asf", "wmav2", [[(0, samples)]])
    assert found_at(samples, read_audio(path).samples[:, 4096:-4096]) - 4096 == 2048
    assert probe(path).notes == ("FFmpeg's decoder of WMA leaves out the first 0.043 s",)


def test_an_overlap_is_trimmed():
    line = timeline()
    heard = place(line, (0, 1), (1000, 2), (600, 3), (1600, 4), (2600, 5))
    np.testing.assert_array_equal(heard, np.repeat([1, 2, 4, 5], [1000, 1000, 600, 1000]))
    assert line.notes() == (f"1 overlap of {1400 / RATE:.3f} s at {600 / RATE:.3f} s in its timestamps was trimmed",)


def test_timestamps_that_begin_again_lose_nothing():
    line = timeline()
    heard = place(line, (0, 1), (1000, 2), (0, 3), (1000, 4), (3000, 5))
    np.testing.assert_array_equal(heard, np.repeat([1, 2, 3, 4, 0, 5], 1000))
    assert "begin again at 0.042 s" in line.notes()[1]


def test_a_hole_of_hours_comes_in_blocks():
    line, frames, longest = timeline(Fraction(1, 1000)), 0, 0
    sound = np.ones((1, 1000), np.float32)
    for at_s in (0, 10 * 3600):
        for block in line.place(sound, Fraction(at_s)):
            frames, longest = frames + block.shape[1], max(longest, block.shape[1])
    assert longest == SILENT_BLOCK_FRAMES
    assert frames == 10 * 3600 * RATE + 1000


def test_a_jump_of_days_is_refused(tmp_path):
    line = timeline()
    with pytest.raises(SourceError, match=r"a\.ts: its timestamps jump by 48\.0 h at 0\.021 s; up to 24 h"):
        place(line, (0, 1), (48 * 3600 * RATE + 1000, 2))
    path = timed(tmp_path / "a.mkv", "matroska", "flac", [[(0, burst(4608)), (30 * 3600 * RATE, burst(4608))]])
    with pytest.raises(SourceError, match=r"a\.mkv: its timestamps jump by 30\.0 h"):
        probe(path)
