"""An MP3 without a Xing or Info tag promises nothing, and is read to its end; one with a tag is held to it.

Witness: the same stream with its tag, of which libsndfile cuts the encoder's delay; where FFmpeg finds its first frame.
"""

import av
import mutagen.id3
import numpy as np
import pytest
import soundfile

from sepkit.audio.mp3 import streams
from sepkit.audio.read import open_source, probe, read_audio
from sepkit.config.sections import SourceConfig
from sepkit.errors import SourceError
from tests.audio.sources import refusal
from tests.audio.timed import burst

DELAY_FRAMES = 576 + 529
"""LAME's own and that of every decoder."""


def tagged(path, rate=44_100, mode="CONSTANT", seconds=4):
    loudness = np.linspace(0.01, 1, seconds * rate)  # so that a variable bit rate varies
    soundfile.write(path, (burst(seconds * rate) * loudness).T, rate, format="MP3", bitrate_mode=mode)
    return soundfile.read(path, dtype="float32", always_2d=True)[0].T


def without_tag(path) -> bytes:
    with av.open(str(path)) as container:
        first = next(container.demux(container.streams.audio[0])).pos
    return path.read_bytes()[first:]


@pytest.mark.parametrize("mode", ["CONSTANT", "VARIABLE"])
@pytest.mark.parametrize("rate", [22_050, 44_100, 48_000])
def test_without_a_tag_all_of_it_is_read(tmp_path, rate, mode):
    path = tmp_path / "a.mp3"
    expected = tagged(path, rate, mode)
    path.write_bytes(without_tag(path))
    for with_id3 in (False, True):
        if with_id3:
            id3 = mutagen.id3.ID3()
            id3.add(mutagen.id3.TIT2(text="A title"))
            id3.save(path, v1=2)
        with open_source(path) as source:
            found = source.read(0, source.info.frames)
            assert source.info == probe(path) and source.info.notes == ()
        heard = found[:, DELAY_FRAMES : DELAY_FRAMES + expected.shape[1]]
        np.testing.assert_allclose(heard, expected, atol=1e-5)
        assert found.shape[1] % 576 == 0


def test_cut_without_a_tag_it_is_what_it_is(tmp_path):
    path = tmp_path / "a.mp3"
    tagged(path)
    data = without_tag(path)
    path.write_bytes(data)
    whole = read_audio(path).samples
    for kept in (0.1, 0.5001, 0.9):
        path.write_bytes(data[: int(kept * len(data))])
        found = read_audio(path).samples
        assert kept * whole.shape[1] - 3 * 1152 <= found.shape[1] <= kept * whole.shape[1] + 3 * 1152
        np.testing.assert_allclose(found, whole[:, : found.shape[1]], atol=1e-5)
    path.write_bytes(data[100:])  # a recorder that began inside a frame
    assert probe(path).frames == whole.shape[1] - 1152


def test_cut_with_a_tag_it_is_refused_or_salvaged(tmp_path):
    path = tmp_path / "a.mp3"
    whole = tagged(path)
    for how in (SourceConfig(), SourceConfig(salvage=True)):  # in small blocks too
        with open_source(path, how) as source:
            np.testing.assert_allclose(source.read(0, source.info.frames), whole, atol=1e-6)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(SourceError, match=rf"its header promises {whole.shape[1]} frames, it holds"), open_source(path):
        pass
    with open_source(path, SourceConfig(salvage=True)) as source:
        assert source.info.salvaged and 1152 < source.info.frames < whole.shape[1]


def test_streams_are_told_apart(tmp_path):
    path = tmp_path / "a.mp3"
    tagged(path)
    data, bare = path.read_bytes(), without_tag(path)
    for pieces, told in (
        ((data,), (True,)),
        ((bare,), (False,)),
        ((data, data, data), (True, True, True)),
        ((bare, data), (False, True)),
    ):
        path.write_bytes(b"".join(pieces))
        found = streams(path)
        assert tuple(each.told for each in found) == told
        assert [each.end_byte - each.start_byte for each in found] == [len(each) for each in pieces]
    path.write_bytes(b"ID3\4" + bytes(6) + bytes(1000) + bare[:2000] + bytes(4000))  # what looks like a few frames
    assert streams(path) == []


def test_one_byte_is_no_sound(tmp_path):
    (tmp_path / "a.mp3").write_bytes(b"\xff")
    assert "cannot be read as sound" in refusal(tmp_path / "a.mp3")
