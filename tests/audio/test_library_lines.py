"""What decoders print by themselves becomes a note of the file, and nothing reaches standard error."""

import os
import struct

import numpy as np
import soundfile

from sepkit.audio.library_lines import caught
from sepkit.audio.read import open_source, probe
from tests.audio.sources import RATE


def test_a_wrong_xing_size_is_a_note(tmp_path, capfd):
    path = tmp_path / "a.mp3"
    soundfile.write(path, np.random.default_rng(0).standard_normal(RATE * 2) * 0.1, RATE)
    data = bytearray(path.read_bytes())
    at = max(data.find(b"Xing"), data.find(b"Info")) + 12  # the tag, flags, a count of frames, then the bytes
    struct.pack_into(">I", data, at, 2 * struct.unpack_from(">I", data, at)[0])
    path.write_bytes(data)
    with open_source(path) as source:
        notes = source.info.notes
    assert len(notes) == 1 and notes[0].startswith("its decoder says: Warning: Xing stream size off")
    assert probe(path).notes == notes
    assert capfd.readouterr().err == ""


def test_standard_error_is_whole_afterwards(capfd):
    lines = []
    with caught(lines):
        os.write(2, b"one\n\none\ntwo\n")
    os.write(2, b"three\n")
    assert lines == ["its decoder says: one", "its decoder says: two"]
    assert capfd.readouterr().err == "three\n"
