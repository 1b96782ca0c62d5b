"""What goes along with a video: every kind of stream, tags, chapters, covers, and what a container cannot hold."""

import struct
from fractions import Fraction

import av
import pytest

from scripts.bench.films import CHAPTERS, RATE, burst, clicks, furnished, packets, time_of, told, video
from sepkit.audio.read import beginning
from sepkit.audio.video.kinds import KINDS, MATROSKA, MOV, MP4, WEBM, kind_of, video_suffix
from tests.audio.videos import resounded


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_every_kind_of_stream_is_kept(tmp_path, suffix):
    source = furnished(tmp_path / f"film.{suffix}", tmp_path)
    result, notes = resounded(source, tmp_path)
    assert notes == ()
    assert told(result) == told(source)
    streams, tags, chapters = told(result)
    assert ("audio", "eng", "Talk", av.stream.Disposition.default) in streams
    assert tags["title"] == "Fïlm" and [each[2]["title"] for each in chapters] == ["Öne", "Two"]
    for kind in ("video", "subtitle"):
        assert packets(result, kind) == packets(source, kind) and packets(source, kind)[0]
    assert packets(result, "audio")[1] == packets(source, "audio")[1]  # the other track is a copy
    assert packets(result, "audio")[0] != packets(source, "audio")[0]
    with av.open(str(source)) as before, av.open(str(result)) as after:
        assert len(before.streams.attachments) == len(after.streams.attachments) == (1 if suffix == "mkv" else 0)
        for one, other in zip(before.streams.attachments, after.streams.attachments, strict=True):
            assert (one.name, one.data) == (other.name, other.data)


def test_a_track_beside_the_old_one_is_titled_and_is_not_played_unasked(tmp_path):
    source = furnished(tmp_path / "film.mkv", tmp_path)
    result, _ = resounded(source, tmp_path, title="Speech")
    sounds = [each for each in told(result)[0] if each[0] == "audio"]
    assert sounds[:2] == [each for each in told(source)[0] if each[0] == "audio"]
    assert sounds[2] == ("audio", "eng", "Speech", av.stream.Disposition(0))
    assert packets(result, "audio")[:2] == packets(source, "audio")


def test_a_stream_that_the_container_refuses_is_named(tmp_path):
    """Timed data of a kind that nobody knows: the chapters' own track, made unknown."""
    source = video(tmp_path / "film.mp4", [clicks()], chapters=CHAPTERS)
    data = source.read_bytes().replace(b"tref", b"free").replace(b"chpl", b"free")
    source.write_bytes(
        data.replace(b"\0\0\0\0text", b"\0\0\0\0data").replace(b"text\0\0\0\0\0\0\0\1", b"zzzz\0\0\0\0\0\0\0\1")
    )
    with av.open(str(source)) as opened:
        assert [each.type for each in opened.streams] == ["video", "audio", "data"] and not opened.chapters()
    result, notes = resounded(source, tmp_path)
    assert notes == ("stream 2 (data, of a kind that FFmpeg does not know) is left out: MP4 does not take it",)
    assert packets(result) == packets(source)


def test_a_sound_track_that_the_container_refuses_is_named(tmp_path):
    """Of a MOV that says it is an MP4."""
    made = video(tmp_path / "film.mov", [clicks(), burst(RATE)], codecs=("libx264", "adpcm_ima_qt"))
    source = tmp_path / "film.mp4"
    source.write_bytes(made.read_bytes().replace(b"ftypqt  ", b"ftypisom", 1))
    result, notes = resounded(source, tmp_path)
    assert notes == ("stream 2 (audio, adpcm_ima_qt) is left out: MP4 does not take it",)
    assert packets(result) == packets(source) and len(packets(result, "audio")) == 1


def test_tags_of_phones_are_kept_and_what_is_lost_is_said(tmp_path):
    tags = {"title": "T", "com.apple.quicktime.make": "Apple", "creation_time": "2024-05-06T07:08:09.000000Z"}
    source = video(tmp_path / "film.mov", [clicks()], tags=tags, movflags="use_metadata_tags")
    result, notes = resounded(source, tmp_path)
    assert notes == () and tags.items() <= told(result)[1].items()
    plain = video(tmp_path / "plain.mp4", [clicks()], tags={"title": "T", "mood": "odd"}, movflags="use_metadata_tags")
    result, notes = resounded(plain, tmp_path)
    assert notes == ("MP4 does not hold the tags mood",) and told(result)[1]["title"] == "T"


def test_a_rotation_is_kept(tmp_path):
    source = video(tmp_path / "film.mp4", [clicks()])
    data = bytearray(source.read_bytes())
    at = data.index(b"tkhd") + 44
    quarter = (0, 1 << 16, 0, -(1 << 16), 0, 0, 32 << 16, 0, 1 << 30)
    struct.pack_into(">9i", data, at, *quarter)  # ISO/IEC 14496-12, 8.3.2: of the first track, which is the picture
    source.write_bytes(data)
    result, _ = resounded(source, tmp_path)
    written = result.read_bytes()
    assert struct.unpack_from(">9i", written, written.index(b"tkhd") + 44)[:5] == quarter[:5]


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_pictures_keep_the_name_of_their_coding(tmp_path, suffix):
    """Apple's players show hvc1 and no hev1, though the packets are the same."""
    source = video(tmp_path / f"film.{suffix}", [clicks()], codecs=("libx265", "aac"))
    source.write_bytes(source.read_bytes().replace(b"hev1", b"hvc1"))
    result, notes = resounded(source, tmp_path)
    assert notes == () and packets(result) == packets(source)
    assert b"hvc1" in result.read_bytes() and b"hev1" not in result.read_bytes()


@pytest.mark.parametrize(("suffix", "picture"), [("mp4", "libvpx-vp9"), ("webm", "libvpx")])
def test_the_shape_of_pixels_is_kept_or_its_loss_is_said(tmp_path, suffix, picture):
    """Of codings that do not say it themselves. PyAV (18.1) cannot tell it to Matroska's writer."""
    codecs = picture, "libopus" if suffix == "webm" else "aac"
    wide = video(tmp_path / f"wide.{suffix}", [clicks()], codecs=codecs, pixel=Fraction(2))
    if suffix == "webm":  # DisplayWidth and DisplayHeight (RFC 9559, 5.1.4.1.28) in the place of DefaultDuration
        size = b"\xb0\x81\x20\xba\x81\x20"
        data = wide.read_bytes().replace(b"\x23\xe3\x83\x84\x02\x62\x5a\x00\xe0\x86" + size,
                                         b"\xe0\x8e" + size + b"\x54\xb0\x81\x40\x54\xba\x81\x20")  # fmt: skip
        wide.write_bytes(data)
    result, notes = resounded(wide, tmp_path)
    with av.open(str(wide)) as before, av.open(str(result)) as after:
        assert before.streams.video[0].sample_aspect_ratio == 2
        kept = after.streams.video[0].sample_aspect_ratio == 2
    lost = "WebM does not hold that the pixels of stream 0 are 2 as wide as high"
    assert (kept, notes) == ((False, (lost,)) if suffix == "webm" else (True, ()))


@pytest.mark.parametrize("suffix", ["mp4", "mov"])
def test_a_time_code_is_kept(tmp_path, suffix):
    source = video(tmp_path / f"film.{suffix}", [clicks()], tags={"timecode": "01:02:03:04"})
    result, notes = resounded(source, tmp_path)
    assert notes == () and packets(result, "data") == packets(source, "data") and packets(source, "data")[0]
    with av.open(str(result)) as opened:
        assert opened.streams.data[0].metadata["timecode"] == "01:02:03:04"


def test_data_that_ffmpeg_does_not_know_is_left_out_and_named(tmp_path):
    """Timed data of phones (mebx): FFmpeg would write them without their description, which damages the MOV."""
    source = video(tmp_path / "film.mov", [clicks()], tags={"timecode": "01:02:03:04"})
    data = source.read_bytes().replace(b"mhlrtmcd", b"mhlrmeta").replace(b"tmcd", b"mebx")
    source.write_bytes(data)
    with av.open(str(source)) as opened:
        assert [(each.type, each.name) for each in opened.streams.data] == [("data", None)]
    result, notes = resounded(source, tmp_path)
    assert notes == ("stream 2 (data, of a kind that FFmpeg does not know) is left out: MOV does not take it",)
    assert packets(result) == packets(source) and packets(result, "data") == []


def inserted(data, path, box):
    """An MP4 whose index stands at its end, with one more box at the end of another."""
    at, places = 0, []
    for name in path:
        at = data.index(name, at)
        places.append(at - 4)
    end = places[-1] + struct.unpack_from(">I", data, places[-1])[0]
    for place in places:
        struct.pack_into(">I", data, place, struct.unpack_from(">I", data, place)[0] + len(box))
    data[end:end] = box


def test_the_side_data_of_high_dynamic_range_are_kept(tmp_path):
    """Mastering display (SMPTE ST 2086), light level (CTA-861.3) and colours, in boxes of ISO/IEC 14496-12."""
    boxes = {
        b"mdcv": struct.pack(">8H2I", 13250, 34500, 7500, 3000, 34000, 16000, 15635, 16450, 10_000_000, 500),
        b"clli": struct.pack(">2H", 1000, 400),
        b"colr": b"nclx" + struct.pack(">3HB", 9, 16, 9, 0),
    }
    source = video(tmp_path / "film.mp4", [clicks()])
    data = bytearray(source.read_bytes())
    for name, body in boxes.items():
        box = struct.pack(">I", 8 + len(body)) + name + body
        inserted(data, (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"avc1"), box)
    source.write_bytes(data)
    result, notes = resounded(source, tmp_path)
    assert notes == ()
    for name, body in boxes.items():
        assert name + body in result.read_bytes(), name


def test_the_container_is_known_by_its_bytes(tmp_path):
    for suffix, kind in (("mp4", MP4), ("mov", MOV), ("mkv", MATROSKA), ("webm", WEBM)):
        path = video(tmp_path / f"film.{suffix}", [burst(RATE // 10)], pictures=2)
        assert kind_of(path) is kind and video_suffix(kind, path) == f".{suffix}"
        misnamed = path.rename(tmp_path / "film.avi")
        assert kind_of(misnamed) is kind and video_suffix(kind, misnamed) == kind.suffixes[0]
    (tmp_path / "none").write_bytes(b"RIFF and so on")
    assert kind_of(tmp_path / "none") is None
    (tmp_path / "phone").write_bytes(b"\0\0\0\x18ftyp3gp5" + bytes(12))
    assert kind_of(tmp_path / "phone") is None
    assert len({suffix for kind in KINDS for suffix in kind.suffixes}) == sum(len(kind.suffixes) for kind in KINDS)


def test_a_cover_makes_no_film(tmp_path):
    source = furnished(tmp_path / "film.mp4", tmp_path)
    assert beginning(source).video
    with av.open(str(source)) as given, av.open(str(tmp_path / "song.m4a"), "w", format="mp4") as output:
        kept = [each for each in given.streams if each.type == "audio" or each.disposition & 1024]
        streams = {each.index: output.add_stream_from_template(each, opaque=True) for each in kept}
        for each in kept:
            streams[each.index].disposition = each.disposition
        for packet in given.demux(kept):
            if packet.size:
                packet.stream = streams[packet.stream.index]
                output.mux(packet)
    assert not beginning(tmp_path / "song.m4a").video


def test_ten_tracks_of_which_one_is_new(tmp_path):
    tracks = [burst(RATE // 2, seed=number) for number in range(10)]
    source = video(tmp_path / "film.mkv", tracks)
    result, notes = resounded(source, tmp_path)
    assert notes == ()
    assert [time_of(result, each, number) for number, each in enumerate(tracks)] == [0.0] * 10
    assert packets(result, "audio")[1:] == packets(source, "audio")[1:]
