"""The bext chunk of a broadcast WAV: kept as it is but for its history and its loudness.

Sources: EBU Tech 3285 (version 2), EBU R 98 (the line of the CodingHistory).
"""

from __future__ import annotations

import struct

from sepkit.audio.riff import BEXT_BYTES

_FIELDS = struct.Struct("<256s32s32s10s8sQH64s")
_LOUDNESS_AT = _FIELDS.size
_NO_LOUDNESS = struct.pack("<5h", *[0x7FFF] * 5)
"""EBU Tech 3285 v2, 2.3: the value of a loudness field that is not used."""
_MODES = {1: "mono", 2: "stereo"}
_NAMES = ("description", "originator", "originator_reference", "origination_date", "origination_time")


def history_line(sample_rate: int, bits: int, channels: int, stem: str) -> str:
    """What was done, as R 98 puts it: coding, rate, word length, mode, free text."""
    mode = _MODES.get(channels, "multitrack")
    return f"A=PCM,F={sample_rate},W={bits},M={mode},T=sepkit {stem}".rstrip() + "\r\n"


def with_history(bext: bytes, line: str) -> bytes:
    """The chunk with one more line of history, and without the loudness, which was the source's."""
    fields, history = bytearray(bext[:BEXT_BYTES]), bext[BEXT_BYTES:].rstrip(b"\0")
    version = _FIELDS.unpack_from(bext)[6]
    if version >= 2:
        fields[_LOUDNESS_AT : _LOUDNESS_AT + len(_NO_LOUDNESS)] = _NO_LOUDNESS
    if history and not history.endswith(b"\n"):
        history += b"\r\n"
    whole = bytes(fields) + history + line.encode()
    return whole + bytes(len(whole) % 2)


def as_tags(bext: bytes) -> dict[str, str]:
    """The fields by the names that they have as tags, for a container without this chunk."""
    *texts, time_reference, _, _ = _FIELDS.unpack_from(bext)
    tags = {name: _text(raw) for name, raw in zip(_NAMES, texts, strict=True)}
    tags |= {"time_reference": str(time_reference), "coding_history": _text(bext[BEXT_BYTES:]).strip()}
    return {name: text for name, text in tags.items() if text}


def _text(raw: bytes) -> str:
    return raw.split(b"\0")[0].decode(errors="replace")
