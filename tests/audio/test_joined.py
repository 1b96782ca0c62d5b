"""Files that are several, one after another, are read to the end of the last. Witness: each of them read alone."""

import av
import numpy as np
import pytest
import soundfile

from sepkit.audio import joined
from sepkit.audio.read import open_source, probe, read_audio
from sepkit.audio.source_file import Flaws
from sepkit.config.sections import SourceConfig
from sepkit.errors import SourceError
from tests.audio.sources import encode, refusal
from tests.audio.timed import RATE, burst

KINDS = {
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "flac": ("FLAC", "PCM_16"),
}


def written(path, kind, seconds, rate=RATE, channels=2):
    container, subtype = KINDS[kind]
    soundfile.write(path, burst(round(seconds * rate), seed=rate)[:channels].T, rate, subtype, format=container)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_all_parts_are_read(tmp_path, kind):
    first = written(tmp_path / f"a.{kind}", kind, 1.5)
    second = written(tmp_path / f"b.{kind}", kind, 2.25)
    both = tmp_path / f"both.{kind}"
    for pieces in ([first, second], [second, second, first]):
        both.write_bytes(b"".join(each.read_bytes() for each in pieces))
        alone = [read_audio(each).samples for each in pieces]
        with open_source(both) as source:
            info, found = source.info, source.read(0, source.info.frames)
        np.testing.assert_array_equal(found, np.concatenate(alone, axis=1))
        at_s = alone[0].shape[1] / RATE
        assert info.notes == (
            f"{len(pieces)} files stand one after another in it, the second from {at_s:.3f} s on; all are read",
        )
        assert probe(both) == info


@pytest.mark.parametrize(("rate", "channels"), [(24_000, 2), (RATE, 1)])
@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_two_formats_are_refused_or_the_first_is_taken(tmp_path, kind, rate, channels):
    first = written(tmp_path / f"a.{kind}", kind, 1.5)
    second = written(tmp_path / f"b.{kind}", kind, 1.0, rate, channels)
    both = tmp_path / f"both.{kind}"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    why = f"holds a second stream from 1.5 s on ({channels} channels at {rate} Hz after 2 channels at {RATE} Hz)"
    assert f"{why}; split it there, or take the first with --salvage" in refusal(both)
    with open_source(both, SourceConfig(salvage=True)) as source:
        found = source.read(0, source.info.frames)
        assert source.info.notes == (f"salvaged: the file {why}",)
    np.testing.assert_array_equal(found, read_audio(first).samples)


@pytest.mark.parametrize("kind", ["ogg", "mp3", "flac"])
def test_a_last_part_that_is_cut_is_told(tmp_path, kind):
    path = written(tmp_path / f"a.{kind}", kind, 3)
    data = path.read_bytes()
    path.write_bytes(data + data[: len(data) * 6 // 10])
    with pytest.raises(SourceError, match="is cut short"), open_source(path):
        pass
    with open_source(path, SourceConfig(salvage=True)) as source:
        assert 4 * RATE < source.info.frames < 5.2 * RATE
        assert source.info.salvaged


def test_an_mp3_with_a_tag_before_one_without(tmp_path):
    path = written(tmp_path / "a.mp3", "mp3", 2)
    with av.open(str(path)) as container:
        bare = path.read_bytes()[next(container.demux(container.streams.audio[0])).pos :]
    (tmp_path / "bare.mp3").write_bytes(bare)
    frames, bare_frames = probe(path).frames, probe(tmp_path / "bare.mp3").frames
    path.write_bytes(bare + path.read_bytes())
    assert probe(path).frames == bare_frames + frames
    path.write_bytes((tmp_path / "a.mp3").read_bytes()[len(bare) :] + bare)
    assert abs(probe(path).frames - frames - bare_frames) <= 3 * 1152  # where the tag's frames end is not said exactly


def test_flac_in_ogg(tmp_path):
    path = tmp_path / "a.oga"
    encode(path, "ogg", "flac", RATE, burst(RATE))
    alone = read_audio(path).samples
    path.write_bytes(2 * path.read_bytes())
    np.testing.assert_array_equal(read_audio(path).samples, np.concatenate([alone, alone], axis=1))


@pytest.mark.parametrize("block_bytes", [1, 5, 7, 8, 100, 2**20])
def test_a_mark_is_found_across_blocks(tmp_path, monkeypatch, block_bytes):
    monkeypatch.setattr(joined, "BLOCK_BYTES", block_bytes)
    path = tmp_path / "a.flac"
    mark = b"fLaC\x80\x00\x00\x22"
    path.write_bytes(mark + bytes(1000) + mark + bytes(3) + b"fLaC" + mark)
    assert [part[:2] for part in joined.parts(path, Flaws(path))] == [(0, 1008), (1008, 1023), (1023, 1031)]
