"""The size that a header promises, found by its chunks; witness: files put together here by hand."""

import struct

import pytest

from sepkit.audio.source_file import audio_chunk


def riff(*chunks: tuple[bytes, bytes], order: str = "<", magic: bytes = b"RIFF", kind: bytes = b"WAVE") -> bytes:
    body = kind
    for name, content in chunks:
        body += name + struct.pack(order + "I", len(content)) + content + bytes(len(content) % 2)
    return magic + struct.pack(order + "I", len(body)) + body


def w64(name: bytes, content: bytes) -> bytes:
    return name + bytes(12) + struct.pack("<Q", 24 + len(content)) + content + bytes(-len(content) % 8)


FORMAT = (b"fmt ", bytes(16))
FILES = {
    "wav": (riff(FORMAT, (b"data", bytes(100))), 44, 100),
    "chunks of odd length before": (riff((b"bext", bytes(7)), FORMAT, (b"data", bytes(100))), 60, 100),
    "chunks after": (riff(FORMAT, (b"data", bytes(100)), (b"LIST", bytes(30))), 44, 100),
    "big-endian": (riff(FORMAT, (b"data", bytes(100)), order=">", magic=b"RIFX"), 44, 100),
    "aiff": (
        riff((b"COMM", bytes(18)), (b"SSND", bytes(108)), order=">", magic=b"FORM", kind=b"AIFF"),
        54,
        100,
    ),
    "w64": (b"riff" + bytes(36) + w64(b"fmt ", bytes(16)) + w64(b"data", bytes(100)), 104, 100),
    "caf": (
        b"caff"
        + bytes(4)
        + b"desc"
        + struct.pack(">Q", 32)
        + bytes(32)
        + b"data"
        + struct.pack(">Q", 104)
        + bytes(104),
        68,
        100,
    ),
    "au": (b".snd" + struct.pack(">II", 28, 100) + bytes(16) + bytes(100), 28, 100),
    "empty and finished": (riff(FORMAT, (b"data", b""), (b"LIST", bytes(30))), 44, 0),
}


@pytest.mark.parametrize("name", FILES)
def test_the_audio_is_found(tmp_path, name):
    content, start, promised = FILES[name]
    (tmp_path / "a").write_bytes(content)
    chunk = audio_chunk(tmp_path / "a")
    assert (chunk.start_byte, chunk.promised_bytes) == (start, promised)
    assert chunk.present_bytes == len(content) - start >= promised
    (tmp_path / "a").write_bytes(content[: start + 7])
    assert audio_chunk(tmp_path / "a").present_bytes == 7


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0xFFFFF000, 0x7FFFF000, 0x7FFFFFFF, 0x80000000])
def test_sizes_that_mean_unknown(tmp_path, size):
    content = riff(FORMAT, (b"data", bytes(100)))
    content = content[:4] + b"\xff" * 4 + content[8:40] + struct.pack("<I", size) + content[44:]
    (tmp_path / "a").write_bytes(content)
    assert audio_chunk(tmp_path / "a") == (44, None, 100)


def test_rf64_says_it_in_64_bits(tmp_path):
    sizes = struct.pack("<QQQI", 0, 2**33, 0, 0)
    content = riff((b"ds64", sizes), FORMAT, (b"data", b""), magic=b"RF64")[:-4] + b"\xff" * 4 + bytes(100)
    (tmp_path / "a").write_bytes(content)
    assert audio_chunk(tmp_path / "a") == (len(content) - 100, 2**33, 100)


def test_mp4_and_matroska(tmp_path):
    kind = struct.pack(">I4s", 16, b"ftyp") + b"isom" + bytes(4)
    for box in (struct.pack(">I4s", 108, b"mdat"), struct.pack(">I4sQ", 1, b"mdat", 116)):
        (tmp_path / "a").write_bytes(kind + box + bytes(100))
        assert audio_chunk(tmp_path / "a") is None
        (tmp_path / "a").write_bytes(kind + box + bytes(99))
        assert audio_chunk(tmp_path / "a") == (16, 100 + len(box), 99 + len(box))
    (tmp_path / "a").write_bytes(kind + struct.pack(">I4s", 0, b"mdat") + bytes(100))
    assert audio_chunk(tmp_path / "a") is None
    head = b"\x1aE\xdf\xa3\x84" + bytes(4) + b"\x18\x53\x80\x67"
    for size, promised in (
        (b"\xe4", 100),
        (b"\x40\x64", 100),
        (b"\x01" + b"\xff" * 7, None),
        (b"\xff", None),
    ):
        (tmp_path / "a").write_bytes(head + size + bytes(50))
        assert audio_chunk(tmp_path / "a") == (len(head + size), promised, 50)


@pytest.mark.parametrize("name", FILES)
def test_no_cut_header_and_no_flipped_byte_makes_it_fail(tmp_path, name):
    content = FILES[name][0]
    for length in range(len(content)):
        (tmp_path / "a").write_bytes(content[:length])
        audio_chunk(tmp_path / "a")
    for at in range(min(len(content), 110)):
        for value in (0, 0xFF):
            (tmp_path / "a").write_bytes(content[:at] + bytes([value]) + content[at + 1 :])
            audio_chunk(tmp_path / "a")
