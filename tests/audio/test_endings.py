"""Files that were cut are told from whole ones, and salvaged where that is asked for.

Witness: the whole file, read the same way, of which the rest must be the beginning.
"""

import numpy as np
import pytest
import soundfile

from sepkit.audio.metadata import read_metadata
from sepkit.audio.read import open_source, probe, read_audio
from sepkit.config.sections import SourceConfig
from sepkit.errors import SourceError
from tests.audio.sources import FRAMES, RATE, encode, refusal, sweep
from tests.audio.timed import burst

SALVAGE = SourceConfig(salvage=True)
KINDS = {
    "a.ogg": "VORBIS",
    "a.opus": "OPUS",
    "a.avi": ("avi", "libmp3lame"),
    "p.avi": ("avi", "pcm_s16le"),
    "a.ts": ("mpegts", "aac"),
    "m.ts": ("mpegts", "mp2"),
    "a.ac3": ("ac3", "ac3"),
    "a.eac3": ("eac3", "eac3"),
    "a.aac": ("adts", "aac"),
}


def whole(path):
    kind, rate = KINDS[path.name], 48_000
    if isinstance(kind, str):
        soundfile.write(path, burst(5 * rate).T, rate, format="OGG", subtype=kind)
    else:
        encode(path, *kind, rate, sweep(2 * FRAMES, rate))
    return path


@pytest.mark.parametrize("name", KINDS)
def test_cut_in_the_middle(tmp_path, name):
    path = whole(tmp_path / name)
    read, data = read_audio(path).samples, path.read_bytes()
    for part in (0.301, 0.6, 0.97):
        path.write_bytes(data[: int(part * len(data)) | 1])
        assert "is cut short: its" in refusal(path) or "it ends inside" in refusal(path)
        assert "--salvage" in refusal(path)
        with open_source(path, SALVAGE) as source:
            info = source.info
            found = source.read(0, info.frames)
        assert 0.9 * part - 0.2 < info.frames / read.shape[1] <= min(1, part + 0.15)  # an AVI ends with its index
        inner = info.frames - 4096  # the codec's last packets lean on what follows
        np.testing.assert_allclose(found[:, :inner], read[:, :inner], atol=1e-4)
        assert info.notes[0].startswith("salvaged: the file is cut short: ")
        assert read_metadata(info).tags["comment"] == info.notes[0]
        assert probe(path, SALVAGE) == info
    path.write_bytes(data)
    assert probe(path, SALVAGE).notes == probe(path).notes == ()


def test_an_ogg_that_ends_with_a_page(tmp_path):
    """The first second of its pages: nothing is torn, but no page says that it is the last."""
    path = whole(tmp_path / "a.opus")
    data = path.read_bytes()
    path.write_bytes(data[: data.rfind(b"OggS", 0, data.rfind(b"OggS"))])
    assert "its last page does not say that the stream ends there" in refusal(path)


def test_a_cut_wav_and_flac_are_salvaged_to_the_sample(tmp_path):
    samples = sweep(4 * FRAMES, RATE)
    for name in ("a.wav", "a.flac"):
        path = tmp_path / name
        soundfile.write(path, samples.T, RATE)
        exact, data = read_audio(path).samples, path.read_bytes()
        path.write_bytes(data[: len(data) // 2])
        with open_source(path, SALVAGE) as source:
            found = source.read(0, source.info.frames)
        assert 0.4 * exact.shape[1] < found.shape[1] < 0.6 * exact.shape[1]
        np.testing.assert_array_equal(found, exact[:, : found.shape[1]])


def test_a_cut_wav_holds_what_its_bytes_hold(tmp_path):
    soundfile.write(tmp_path / "a.wav", sweep(FRAMES, RATE).T, RATE, subtype="PCM_16")
    data = (tmp_path / "a.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(data[: 44 + 4 * 1000 + 3])
    assert probe(tmp_path / "a.wav", SALVAGE).frames == 1000


def test_what_holds_nothing_cannot_be_salvaged(tmp_path):
    encode(tmp_path / "a.mp4", "mp4", "aac", RATE, sweep(FRAMES, RATE))
    data = (tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[: len(data) // 2])  # its table of contents stands at the end
    with pytest.raises(SourceError, match=r"a\.mp4: "):
        probe(tmp_path / "a.mp4", SALVAGE)
