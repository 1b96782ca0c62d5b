"""OGG: channels in the order of WAV, time to the sample, damage told. Witness: tones and noise that were encoded."""

from fractions import Fraction

import av
import numpy as np
import pytest
import soundfile

from sepkit.audio.read import open_source, probe, read_audio
from sepkit.config.sections import SourceConfig
from tests.audio.sources import refusal
from tests.audio.timed import RATE, burst

LAYOUTS = {3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
VORBIS = {3: "LCR", 4: "LRlr", 5: "LCRlr", 6: "LCRlrE", 7: "LCRlrcE", 8: "LCRsSlrE"}
"""Vorbis I, 4.3.9: l, r behind or beside, s, S beside, c behind, E the low-frequency effects."""
WAV = {3: "LRC", 4: "LRlr", 5: "LRClr", 6: "LRCElr", 7: "LRCEclr", 8: "LRCElrsS"}
"""Microsoft's order of the mask of a WAVE_FORMAT_EXTENSIBLE: front, LFE, back, back centre, side."""


def tones(channels):
    t = np.arange(RATE) / RATE
    return np.stack([0.1 * np.sin(2 * np.pi * 40 * (each + 2) * t) for each in range(channels)]).astype(np.float32)


def heard(samples):
    """Which tone each channel has, from 0."""
    return [int(np.argmax(np.abs(np.fft.rfft(each[:RATE])))) // 40 - 2 for each in samples]


def encoded(path, container, codec, layout, samples):
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=RATE, layout=layout, bit_rate=64_000 * len(samples))
        fifo = av.AudioFifo()
        frame = av.AudioFrame(format="flt", layout=layout, samples=samples.shape[1])
        frame.planes[0].update(np.ascontiguousarray(samples.T).tobytes())
        frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
        fifo.write(frame)
        resampler = av.AudioResampler(stream.codec_context.format.name)
        while piece := fifo.read(960) or fifo.read(0, partial=True):
            for converted in resampler.resample(piece):
                output.mux(stream.encode(converted))
        output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("channels", LAYOUTS)
@pytest.mark.parametrize("container", ["mp4", "matroska"])
def test_channels_of_aac_come_in_the_order_of_wav(tmp_path, channels, container):
    path = encoded(tmp_path / "a", container, "aac", LAYOUTS[channels], tones(channels))
    found = read_audio(path).samples
    assert found.shape[0] == channels and RATE <= found.shape[1] < RATE + 1024
    assert [each for each in heard(found) if each != 3] == [each for each in range(channels) if each != 3]  # the LFE


@pytest.mark.parametrize("channels", LAYOUTS)
@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_channels_of_vorbis_and_opus_are_put_in_the_order_of_wav(tmp_path, channels, subtype):
    """libsndfile writes the channels as they come, so these are Vorbis's own."""
    soundfile.write(tmp_path / "a.ogg", tones(channels).T, RATE, subtype, format="OGG")
    found = read_audio(tmp_path / "a.ogg").samples
    assert found.shape == (channels, RATE)
    assert "".join(VORBIS[channels][each] for each in heard(found)) == WAV[channels]


CUT_FRAMES = 40_000
"""Less than a page, which lasts a second here."""


def written(path, subtype, seconds=4.0, rate=RATE):
    samples = burst(round(seconds * rate))
    soundfile.write(path, samples.T, rate, subtype, format="OGG")
    return path


def copied(source, path, keep=lambda at_s: True, shifts=(0,), wobble=lambda at_s: 0):
    """The packets of an OGG that are kept, in a track for each of the times in frames by which they are moved.

    wobble: by how much more each is moved, of the frames at its own time.
    """
    with av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as output, av.open(str(source)) as model:
        tracks = [output.add_stream_from_template(model.streams.audio[0]) for _ in shifts]
        for shift, track in zip(shifts, tracks, strict=True):
            with av.open(str(source)) as given:
                for packet in given.demux(given.streams.audio[0]):
                    if packet.pts is not None and keep(packet.pts * packet.time_base):
                        packet.pts += shift + wobble(packet.pts * packet.time_base)
                        packet.dts = packet.pts
                        packet.stream = track
                        output.mux(packet)
    return path


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_a_hole_stays_a_hole(tmp_path, subtype):
    whole = read_audio(written(tmp_path / "a.ogg", subtype)).samples
    path = copied(tmp_path / "a.ogg", tmp_path / "hole.ogg", lambda at_s: not 1 < at_s < 3)
    with open_source(path) as source:
        found = source.read(0, source.info.frames)
        assert len(source.info.notes) == 1 and source.info.notes[0].startswith("1 hole of ")
    assert found.shape == whole.shape
    np.testing.assert_allclose(found[:, : RATE * 9 // 10], whole[:, : RATE * 9 // 10], atol=2e-3)
    assert not found[:, RATE * 11 // 10 : RATE * 29 // 10].any()
    np.testing.assert_allclose(found[:, RATE * 33 // 10 :], whole[:, RATE * 33 // 10 :], atol=2e-3)


def test_pages_that_count_half_a_packet_too_much_lose_nothing(tmp_path):
    """As some writers make them; libsndfile refuses such an Opus. Witness: the same packets, counted right."""
    whole = read_audio(written(tmp_path / "a.ogg", "OPUS")).samples
    path = copied(tmp_path / "a.ogg", tmp_path / "wobbly.ogg", wobble=lambda at_s: 449 if 1 < at_s < 2 else 0)
    with pytest.raises(soundfile.LibsndfileError, match="malformed"):
        soundfile.read(path)
    found = read_audio(path).samples
    assert found.shape == whole.shape
    np.testing.assert_allclose(found, whole, atol=2e-3)


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_what_lies_before_zero_is_not_heard(tmp_path, subtype):
    """A lossless cut keeps whole pages, and counts from the cut on."""
    whole = read_audio(written(tmp_path / "a.ogg", subtype)).samples
    path = copied(tmp_path / "a.ogg", tmp_path / "cut.ogg", shifts=(-CUT_FRAMES,))
    found = read_audio(path).samples
    assert found.shape[1] == whole.shape[1] - CUT_FRAMES
    np.testing.assert_allclose(found, whole[:, CUT_FRAMES:], atol=2e-3)
    assert probe(path).notes == () and probe(path).start_s == 0


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
def test_a_track_that_starts_late(tmp_path, subtype):
    late = RATE * 3 // 4
    whole = read_audio(written(tmp_path / "a.ogg", subtype)).samples
    path = copied(tmp_path / "a.ogg", tmp_path / "late.ogg", shifts=(0, late))
    for track, start in ((1, 0), (2, late)):
        with open_source(path, SourceConfig(track=track)) as source:
            found = source.read(0, source.info.frames)
            assert (source.info.tracks, source.info.start_s) == (2, start / RATE)
        assert not found[:, :start].any()
        np.testing.assert_allclose(found[:, start:], whole, atol=2e-3)


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("frames", [1, 100, 1000, 4000, 10_000, 48_000, 242_627])
def test_a_plain_vorbis_is_read_as_before(tmp_path, rate, frames):
    """FFmpeg mistakes some of their packets' lengths. Witness: libsndfile."""
    for channels in (1, 2, 6):
        samples = np.random.default_rng(frames).standard_normal((frames, channels)).astype(np.float32) / 10
        soundfile.write(tmp_path / "a.ogg", samples, rate, "VORBIS", format="OGG")
        with open_source(tmp_path / "a.ogg") as source:
            assert (source.info.container, source.info.frames, source.info.notes) == ("OGG", frames, ())
            found = source.read(0, frames)[:2]
        expected = soundfile.read(tmp_path / "a.ogg", dtype="float32", always_2d=True)[0].T
        np.testing.assert_array_equal(found, expected[[0, 2] if channels == 6 else slice(0, 2)])


def pages(data):
    """The places of all pages."""
    return [at for at in range(len(data)) if data[at : at + 5] == b"OggS\0"] + [len(data)]


def test_damage_is_told_and_a_listener_who_comes_late_is_none(tmp_path):
    path = written(tmp_path / "a.ogg", "VORBIS", 20)
    frames, data = probe(path).frames, path.read_bytes()
    at = pages(data)
    middle = len(at) // 2
    flipped = bytearray(data)
    flipped[at[middle] + 1000] ^= 1
    path.write_bytes(flipped)
    assert "is damaged at about " in refusal(path) and "(a page with a wrong checksum)" in refusal(path)
    path.write_bytes(data[: at[middle]] + data[at[middle + 1] :])
    assert "(pages are missing)" in refusal(path)
    with open_source(path, SourceConfig(salvage=True)) as source:
        assert source.info.frames == frames  # the hole is silence
        assert source.info.salvaged and "1 hole of" in source.info.notes[1]
    path.write_bytes(data[: at[2]] + data[at[5] :])
    info = probe(path)
    assert info.start_s == 0 and 0.5 * frames < info.frames < frames and info.notes == ()
