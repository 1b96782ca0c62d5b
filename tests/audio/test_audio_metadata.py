"""What belongs to a file comes through: from every kind of source into every kind of result.

Witnesses: chunks walked here by struct as EBU Tech 3285 and RIFF lay them out, mutagen, FFmpeg, and libsndfile for the
sound. Sources are laid out here, or written by mutagen and FFmpeg.
"""

import struct

import av
import mutagen.aiff
import mutagen.flac
import mutagen.id3
import mutagen.mp4
import mutagen.oggopus
import mutagen.wave
import numpy as np
import pytest
import soundfile

from sepkit.audio.metadata import Metadata, read_metadata
from sepkit.audio.read import probe
from sepkit.audio.write import AudioWriter
from tests.audio.broadcasts import RATE, bext, broadcast, chunk, cue_chunks, png, rendered, tone, walked, wav


@pytest.mark.parametrize("container", ["WAV", "WAVEX", "RF64"])
def test_a_broadcast_wav_stays_one(tmp_path, container):
    (tmp_path / "in.wav").write_bytes(broadcast())
    assert rendered(tmp_path / "in.wav", tmp_path / "out.wav", container=container) == ()
    found, source = walked((tmp_path / "out.wav").read_bytes()), walked(broadcast())
    for name in (b"iXML", b"cue ", b"adtl", b"data"):
        assert found[name] == source[name], name
    assert b"levl" not in found
    assert list(found).index(b"bext") == (container == "RF64") and (b"ds64" in found) == (container == "RF64")
    old, new = source[b"bext"], found[b"bext"]
    assert new[:412] == old[:412] and struct.unpack("<Q", new[338:346]) == (RATE * 3600 + 2**33,)
    assert new[412:422] == b"\xff\x7f" * 5  # a loudness that is not given: EBU Tech 3285 v2
    assert new[602:].rstrip(b"\0") == b"A=ANALOGUE,M=mono,T=tape\r\nA=PCM,F=8000,W=8,M=mono,T=sepkit\r\n"
    with av.open(str(tmp_path / "out.wav")) as opened:
        assert opened.metadata["time_reference"] == str(RATE * 3600 + 2**33)
        told = [(float(each["start"] * each["time_base"]), each["metadata"]["title"]) for each in opened.chapters()]
    assert told == [(0.1, "start"), (0.3, "Fräge")]


def test_a_long_move_of_the_sound_keeps_every_bit(tmp_path):
    """The chunks before the sound push it back in several steps."""
    (tmp_path / "in.wav").write_bytes(wav(before=chunk(b"bext", bext(b"", 1)), frames=9_000_001))
    rendered(tmp_path / "in.wav", tmp_path / "out.wav")
    found = walked((tmp_path / "out.wav").read_bytes())
    assert found[b"data"] == walked((tmp_path / "in.wav").read_bytes())[b"data"]
    assert found[b"bext"][412:602] == bext()[412:602]  # version 1 has no loudness: these bytes are not sepkit's
    assert found[b"bext"][602:].rstrip(b"\0") == b"A=PCM,F=8000,W=8,M=mono,T=sepkit speech\r\n"


def test_a_plain_file_gains_nothing(tmp_path):
    (tmp_path / "in.wav").write_bytes(wav())
    rendered(tmp_path / "in.wav", tmp_path / "out.wav")
    assert list(walked((tmp_path / "out.wav").read_bytes())) == [b"fmt ", b"data"]
    with AudioWriter(tmp_path / "a.flac", RATE, 1, "FLAC", "PCM_16", Metadata()) as made:
        made.write(np.zeros((1, 10), np.float32))
    soundfile.write(tmp_path / "b.flac", np.zeros(10), RATE, subtype="PCM_16")
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()


def test_a_broadcast_wav_as_flac(tmp_path):
    (tmp_path / "in.wav").write_bytes(broadcast())
    assert rendered(tmp_path / "in.wav", tmp_path / "a.flac", "flac") == (
        "FLAC has no chunk bext, so its fields became tags",
        "left out, for FLAC does not hold it: the chunk iXML",
    )
    tags = mutagen.flac.FLAC(tmp_path / "a.flac").tags
    assert tags["TIME_REFERENCE"] == [str(RATE * 3600 + 2**33)] and tags["ORIGINATOR"] == ["recorder"]
    assert tags["CODING_HISTORY"][0].endswith("A=PCM,F=8000,W=8,M=mono,T=sepkit speech")
    assert (tags["CHAPTER001"], tags["CHAPTER002"]) == (["00:00:00.100"], ["00:00:00.300"])
    assert tags["CHAPTER002NAME"] == ["Fräge"]


def test_an_audio_book(tmp_path):
    tone(tmp_path / "in.m4b", "mp4", "aac", chapters=True)
    book = mutagen.mp4.MP4(tmp_path / "in.m4b")
    book.tags["covr"] = [mutagen.mp4.MP4Cover(png(4, 6), mutagen.mp4.MP4Cover.FORMAT_PNG)]
    book.tags["aART"] = ["Reader"]
    book.tags["----:com.apple.iTunes:iTunNORM"] = [b"0000"]
    book.save()
    assert rendered(tmp_path / "in.m4b", tmp_path / "a.flac") == ()
    found = mutagen.flac.FLAC(tmp_path / "a.flac")
    assert sorted(found.tags) == [
        *[("ALBUMARTIST", "Reader"), ("CHAPTER001", "00:00:00.000"), ("CHAPTER001NAME", "One")],
        *[("CHAPTER002", "00:00:00.250"), ("CHAPTER002NAME", "Zwö")],
        *[("COMMENT", "first edition"), ("COMPOSER", "Cömposer"), ("TITLE", "Tïtle")],
    ]
    (cover,) = found.pictures
    assert (cover.type, cover.mime, cover.data, cover.width, cover.height) == (3, "image/png", png(4, 6), 4, 6)
    assert rendered(tmp_path / "in.m4b", tmp_path / "a.wav", "wav") == ()
    data = walked((tmp_path / "a.wav").read_bytes())
    assert data[b"cue "] == struct.pack("<III4sIII", 2, 1, 0, b"data", 0, 0, 0) + struct.pack(
        "<II4sIII", 2, 12_000, b"data", 0, 0, 12_000
    )
    labels = struct.pack("<4sII", b"labl", 8, 1) + b"One\0" + struct.pack("<4sII", b"labl", 9, 2) + "Zwö\0\0".encode()
    assert data[b"adtl"] == b"adtl" + labels
    tags = mutagen.wave.WAVE(tmp_path / "a.wav").tags
    assert (str(tags["TCOM"]), str(tags["TPE2"]), str(tags["TIT2"])) == ("Cömposer", "Reader", "Tïtle")
    assert tags["COMM::und"].text == ["first edition"] and tags["APIC:"].data == png(4, 6)


def test_an_mp3(tmp_path):
    soundfile.write(tmp_path / "in.mp3", np.zeros(RATE), RATE)
    tags = mutagen.id3.ID3()
    tags.add(mutagen.id3.TIT2(encoding=1, text="Tïtle"))
    tags.add(mutagen.id3.COMM(encoding=3, lang="deu", desc="", text="Kommentar"))
    tags.add(mutagen.id3.TXXX(encoding=3, desc="REPLAYGAIN_TRACK_GAIN", text="-9 dB"))
    tags.add(mutagen.id3.TXXX(encoding=3, desc="Catalogue", text="12"))
    tags.add(mutagen.id3.TSSE(encoding=3, text="LAME"))
    tags.add(mutagen.id3.USLT(encoding=3, lang="eng", desc="", text="la\nla"))
    for kind, description, size in ((3, "front", (2, 2)), (4, "front", (5, 7))):
        picture = png(*size)
        tags.add(mutagen.id3.APIC(encoding=3, mime="image/png", type=kind, desc=f"{description}{kind}", data=picture))
    for n, title in enumerate(("One", "Two")):
        frames = [mutagen.id3.TIT2(encoding=3, text=title)]
        times = {"start_time": 500 * n, "end_time": 500 * n + 500, "start_offset": 2**32 - 1, "end_offset": 2**32 - 1}
        tags.add(mutagen.id3.CHAP(element_id=f"c{n}", **times, sub_frames=frames))
    tags.save(tmp_path / "in.mp3")
    assert rendered(tmp_path / "in.mp3", tmp_path / "a.flac") == ()
    found = mutagen.flac.FLAC(tmp_path / "a.flac")
    assert sorted(found.tags) == [
        *[("CATALOGUE", "12"), ("CHAPTER001", "00:00:00.000"), ("CHAPTER001NAME", "One")],
        *[("CHAPTER002", "00:00:00.500"), ("CHAPTER002NAME", "Two"), ("COMMENT", "Kommentar")],
        *[("LYRICS", "la\nla"), ("TITLE", "Tïtle")],
    ]
    assert [(each.type, each.desc, each.data) for each in found.pictures] == [
        (3, "front3", png(2, 2)),
        (4, "front4", png(5, 7)),
    ]


def test_matroska_and_opus(tmp_path):
    tone(tmp_path / "in.mkv", "matroska", "libopus", chapters=True, cover=png(3, 3))
    assert rendered(tmp_path / "in.mkv", tmp_path / "a.flac") == ()
    tone(tmp_path / "in.opus", "opus", "libopus")
    opus = mutagen.oggopus.OggOpus(tmp_path / "in.opus")
    opus.tags["CHAPTER001"], opus.tags["CHAPTER001NAME"] = "00:00:00.250", "Zwö"
    opus.tags["R128_TRACK_GAIN"] = "100"
    opus.save()
    assert rendered(tmp_path / "in.opus", tmp_path / "b.flac") == ()
    for name in "ab":
        found = mutagen.flac.FLAC(tmp_path / f"{name}.flac")
        last = "CHAPTER002" if name == "a" else "CHAPTER001"
        assert found["TITLE"] == ["Tïtle"] and found["COMMENT"] == ["first edition"]
        assert found[last] == ["00:00:00.250"] and found[f"{last}NAME"] == ["Zwö"]
        assert not {"ENCODER", "DURATION", "R128_TRACK_GAIN"} & {key.upper() for key, _ in found.tags}
    assert [each.data for each in mutagen.flac.FLAC(tmp_path / "a.flac").pictures] == [png(3, 3)]


def test_markers_and_tags_of_an_aiff(tmp_path):
    tone(tmp_path / "in.m4b", "mp4", "aac", chapters=True)
    rendered(tmp_path / "in.m4b", tmp_path / "a.flac")
    assert rendered(tmp_path / "a.flac", tmp_path / "b.aiff", container="AIFF") == ()
    expected = struct.pack(">HhIB3shIB4sx", 2, 1, 0, 3, b"One", 2, 12_000, 4, "Zwö".encode())
    for name in "bc":
        assert walked((tmp_path / f"{name}.aiff").read_bytes())[b"MARK"] == expected
        assert str(mutagen.aiff.AIFF(tmp_path / f"{name}.aiff").tags["TCOM"]) == "Cömposer"
        assert rendered(tmp_path / "b.aiff", tmp_path / "c.aiff") == ()
    assert read_metadata(probe(tmp_path / "c.aiff")) == read_metadata(probe(tmp_path / "a.flac"))


def test_what_a_container_does_not_hold_is_named(tmp_path):
    (tmp_path / "in.wav").write_bytes(broadcast())
    for container, told in (
        ("W64", "left out, for W64 does not hold it: 2 chapters, the chunk bext, the chunk iXML"),
        ("AIFF", "left out, for AIFF does not hold it: the chunk bext, the chunk iXML"),
    ):
        assert rendered(tmp_path / "in.wav", tmp_path / "out", container=container) == (told,)
    tone(tmp_path / "in.mkv", "matroska", "flac", cover=png(3, 3))
    assert rendered(tmp_path / "in.mkv", tmp_path / "out", container="CAF") == (
        "left out, for CAF does not hold it: 1 picture, the tag composer",
    )


@pytest.mark.parametrize(
    ("damaged", "told"),
    [
        (chunk(b"bext", bext()[:300]), "bext is damaged"),
        (chunk(b"cue ", struct.pack("<I", 9) + bytes(24)), "cue is damaged"),
        (chunk(b"LIST", b"adtl" + struct.pack("<4sI", b"labl", 99)), "adtl is damaged"),
        (chunk(b"LIST", b"INFO" + struct.pack("<4sI", b"INAM", 2**32 - 1)), "INFO is damaged"),
        (b"iXML" + struct.pack("<I", 5000) + b"<BWF", "iXML is damaged"),
        (
            b"iXML" + struct.pack("<I", 2**26 + 2) + bytes(2**26 + 2),
            "iXML is left out: together chunks may have 64 MiB",
        ),
        (b"id3 " + struct.pack("<I", 40) + b"ID3\4\0\0\x7f\x7f\x7f\x7fAPIC" + b"\xff" * 26, ""),
        (b"\xff\0" * 50, ""),
    ],
)
def test_a_damaged_chunk_is_lost_and_never_the_sound(tmp_path, damaged, told):
    cue, adtl = cue_chunks()
    good = (chunk(b"cue ", cue), chunk(b"LIST", adtl)) if told[:3] not in ("cue", "adt") else ()
    if told.startswith("cue"):
        damaged += chunk(b"LIST", adtl)  # whose labels then name nothing
    (tmp_path / "in.wav").write_bytes(wav(*good, damaged))
    notes = rendered(tmp_path / "in.wav", tmp_path / "out.wav")
    assert (told in "".join(notes)) if told else notes == ()
    found = walked((tmp_path / "out.wav").read_bytes())
    assert list(found) == [b"fmt ", b"data", *([b"cue ", b"adtl"] if good else [])]


def test_two_runs_give_the_same_bytes(tmp_path):
    tone(tmp_path / "in.mkv", "matroska", "libopus", chapters=True, cover=png(3, 3))
    (tmp_path / "in.wav").write_bytes(broadcast())
    for source, format in (("in.mkv", "flac"), ("in.mkv", "wav"), ("in.wav", "wav"), ("in.wav", "flac")):
        for out in "ab":
            rendered(tmp_path / source, tmp_path / out, format)
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_text_as_windows_wrote_it(tmp_path):
    info = chunk(b"INAM", "Fräulein – Müller".encode("cp1252") + b"\0") + chunk(b"ISBJ", b"subject\0")
    (tmp_path / "in.wav").write_bytes(wav(chunk(b"LIST", b"INFO" + info)))
    assert rendered(tmp_path / "in.wav", tmp_path / "out.flac", "flac") == ()
    assert sorted(mutagen.flac.FLAC(tmp_path / "out.flac").tags) == [
        ("ISBJ", "subject"),
        ("TITLE", "Fräulein – Müller"),
    ]
