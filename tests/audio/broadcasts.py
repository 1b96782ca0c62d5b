"""Recordings with all that can belong to them, for the tests of metadata, and a reader of chunks by struct."""

import io
import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

from sepkit.audio.metadata import read_metadata
from sepkit.audio.read import open_source, probe
from sepkit.audio.write import AudioWriter, writer

RATE = 8000
FRAMES = 4001
CUE_AT = (800, 2400)
IXML = b"<BWFXML><SCENE>12</SCENE><TAKE>3</TAKE></BWFXML>!"  # of odd length


def chunk(name: bytes, body: bytes, order: str = "<") -> bytes:
    return name + struct.pack(f"{order}I", len(body)) + body + b"\0" * (len(body) % 2)


def bext(history: bytes = b"A=ANALOGUE,M=mono,T=tape\r\n", version: int = 2) -> bytes:
    fields = b"Scene 12".ljust(256, b"\0") + b"recorder".ljust(32, b"\0") + b"ref".ljust(32, b"\0")
    fields += b"2026-01-02" + b"03:04:05" + struct.pack("<QH", RATE * 3600 + 2**33, version) + b"\7" * 64
    return fields + struct.pack("<5h", -2300, 500, -100, -1800, -2000) + b"\0" * 180 + history


def cue_chunks() -> tuple[bytes, bytes]:
    points = [struct.pack("<II4sIII", n, at, b"data", 0, 0, at) for n, at in enumerate(CUE_AT, 7)]
    labels = [
        chunk(b"labl", struct.pack("<I", n) + text + b"\0") for n, text in enumerate((b"start", "Fräge".encode()), 7)
    ]
    return struct.pack("<I", 2) + b"".join(points), b"adtl" + b"".join(labels)


def wav(*after: bytes, before: bytes = b"", frames: int = FRAMES) -> bytes:
    """Mono, 8 bit: of an odd number of frames, so that the audio is padded."""
    samples = np.random.default_rng(0).integers(0, 256, frames, dtype=np.uint8).tobytes()
    fmt = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, RATE, RATE, 1, 8))
    body = b"WAVE" + before + fmt + chunk(b"data", samples) + b"".join(after)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def broadcast() -> bytes:
    cue, adtl = cue_chunks()
    before = chunk(b"bext", bext()) + chunk(b"iXML", IXML)
    return wav(chunk(b"cue ", cue), chunk(b"LIST", adtl), chunk(b"levl", b"peaks of the old sound"), before=before)


def walked(data: bytes) -> dict[bytes, bytes]:
    """Every chunk of a RIFF, RF64 or AIFF; sizes and paddings must lead to the very end."""
    order = ">" if data[:4] == b"FORM" else "<"
    found, at, audio_bytes = {}, 12, 0
    outer = struct.unpack(f"{order}I", data[4:8])[0]
    while at < len(data):
        name, size = data[at : at + 4], struct.unpack(f"{order}I", data[at + 4 : at + 8])[0]
        if name == b"ds64":
            outer, audio_bytes = struct.unpack("<QQ", data[at + 8 : at + 24])
        size = audio_bytes if size == 2**32 - 1 else size
        name = data[at + 8 : at + 12] if name == b"LIST" else name
        assert name not in found
        found[name] = data[at + 8 : at + 8 + size]
        at += 8 + size
        assert size % 2 == 0 or data[at] == 0
        at += size % 2
    assert at == len(data) == outer + 8
    return found


def rendered(source: Path, out: Path, format: str = "same", container: str = "") -> tuple[str, ...]:
    """What a rendering that changes no sample writes, in a format of the configuration or in a container; the notes."""
    info = probe(source)
    with open_source(source) as opened:
        if container:
            subtype = "PCM_16" if container == "AIFF" else info.subtype
            made = AudioWriter(out, info.sample_rate, info.channels, container, subtype, read_metadata(info))
        else:
            made = writer(out, info, format, "same", "speech")
        with made:
            made.write(opened.read(0, info.frames))
        sound = opened.read(0, info.frames)
    if info.lossless:
        np.testing.assert_array_equal(soundfile.read(out, dtype="float32", always_2d=True)[0].T, sound)
    assert probe(out).frames == info.frames
    return made.notes


def tone(
    path: Path, container: str, codec: str, rate: int = 48_000, chapters: bool = False, cover: bytes = b""
) -> None:
    """Half a second through FFmpeg's encoder."""
    with av.open(str(path), "w", format=container) as output:
        audio = output.add_stream(codec, rate=rate, layout="mono")
        output.metadata.update({"title": "Tïtle", "comment": "first edition", "composer": "Cömposer"})
        if cover:
            output.add_attachment("cover.png", "image/png", cover)
        if chapters:
            base, named = Fraction(1, 1000), zip((0, 250), (250, 500), ("One", "Zwö"), strict=True)
            marks = [
                {"id": n, "start": start, "end": end, "time_base": base, "metadata": {"title": title}}
                for n, (start, end, title) in enumerate(named)
            ]
            output.set_chapters(marks)
        resampler = av.AudioResampler(format=audio.codec_context.format.name)
        samples = 0.3 * np.sin(np.arange(rate // 2) * 0.05, dtype=np.float32)[np.newaxis]
        for start in range(0, samples.shape[1], 960):
            piece = np.ascontiguousarray(samples[:, start : start + 960])
            frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            for converted in resampler.resample(frame):
                output.mux(audio.encode(converted))
        output.mux(audio.encode(None))


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="image2pipe") as output:
        stream = output.add_stream("png", rate=1)
        stream.width, stream.height, stream.pix_fmt = width, height, "rgb24"
        output.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), format="rgb24")))
        output.mux(stream.encode(None))
    return file.getvalue()
