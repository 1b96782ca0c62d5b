"""Checkpoints of Spleeter's models, of random numbers that are the same everywhere, written as TensorFlow writes them.

`scripts/golden_spleeter.py` gives the same numbers to Spleeter itself. Names and format are written out here once more,
by another way than sepkit reads them; of sepkit there is only the check of a block, which has witnesses of its own.
"""

from __future__ import annotations

import io
import struct
import tarfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

STEMS = {
    "2stems": ("vocals", "accompaniment"),
    "4stems": ("vocals", "drums", "bass", "other"),
    "5stems": ("vocals", "piano", "drums", "bass", "other"),
}
WIDE = (16, 32, 64, 128, 256, 512)
"""As published."""
NARROW = (3, 2, 4, 3, 5, 4)
SECONDS = 13.0
"""More than a segment has."""
RATE_HZ = 44100
ENTRIES_A_BLOCK = 40
WHOLE_KEY_EVERY = 16
MAGIC = 0xDB4775248B80FB57

Arrays = Mapping[str, np.ndarray]


def shapes(model: str, filters: tuple[int, ...] = WIDE) -> dict[str, tuple[int, ...]]:
    """By name, layer after layer as Spleeter makes them."""
    found: dict[str, tuple[int, ...]] = {}
    made = {"conv2d": 0, "conv2d_transpose": 0, "batch_normalization": 0}

    def layer(kind: str, outputs: int, *kernel: int) -> None:
        name = kind if made[kind] == 0 else f"{kind}_{made[kind]}"
        made[kind] += 1
        if kernel:
            found.update({f"{name}/kernel": kernel, f"{name}/bias": (outputs,)})
        else:
            found.update({f"{name}/{part}": (outputs,) for part in ("gamma", "beta", "moving_mean", "moving_variance")})

    for _ in STEMS[model]:
        inputs = 2
        for width in filters:
            layer("conv2d", width, 5, 5, inputs, width)
            layer("batch_normalization", width)
            inputs = width
        for width in (*reversed(filters[:-1]), 1):
            layer("conv2d_transpose", width, 5, 5, width, inputs)
            layer("batch_normalization", width)
            inputs = 2 * width
        layer("conv2d", 2, 4, 4, 1, 2)
    return found


def numbers(model: str, filters: tuple[int, ...] = WIDE, seed: int = 0) -> dict[str, np.ndarray]:
    """With norms' statistics and biases away from where they begin."""
    state = np.random.RandomState(seed)  # its numbers never change from version to version
    return {name: _drawn(state, name, shape).astype(np.float32) for name, shape in shapes(model, filters).items()}


def _drawn(state: np.random.RandomState, name: str, shape: tuple[int, ...]) -> np.ndarray:
    drawn = np.asarray(state.standard_normal(shape))
    if name.endswith("variance"):
        return np.asarray(0.5 + np.abs(drawn))
    if name.endswith("gamma"):
        return np.asarray(1 + 0.1 * drawn)
    if name.endswith(("bias", "beta", "moving_mean")):
        return np.asarray(0.1 * drawn)
    inputs = shape[3] if "transpose" in name else shape[2]
    return np.asarray(drawn / np.sqrt(25 * inputs))


def sound(seconds: float = SECONDS, seed: int = 1) -> np.ndarray:
    """(2, frames): tones that come and go, other ones in each channel, and noise."""
    random, time_s = np.random.RandomState(seed), np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    swell = 1 + np.sin(2 * np.pi * 1.7 * time_s)
    tones = [sum(np.sin(2 * np.pi * hz * time_s) for hz in row) for row in ((110, 880, 5000), (220, 3000, 14000))]
    found = 0.05 * np.array(tones) * swell + 0.05 * random.standard_normal((2, time_s.size))
    return np.asarray(found, np.float32)


def index_and_data(arrays: Arrays) -> tuple[bytes, bytes]:
    """The two files of a checkpoint."""
    rows, data = [(b"", _field(1, 1) + _field(3, _field(1, 1)))], io.BytesIO()
    for name in sorted(arrays, key=str.encode):
        content = arrays[name].tobytes()
        kind = {"float32": 1, "float64": 2, "int64": 9}[arrays[name].dtype.name]
        shape = b"".join(_field(2, _field(1, size)) for size in arrays[name].shape)
        place = _field(4, data.tell()) if data.tell() else b""
        check = struct.pack("<BI", 6 << 3 | 5, _masked(content))
        rows.append((name.encode(), _field(1, kind) + _field(2, shape) + place + _field(5, len(content)) + check))
        data.write(content)
    return _table(rows), data.getvalue()


def files(arrays: Arrays) -> dict[str, bytes]:
    """As Spleeter's folder has them, by name; what only TensorFlow needs is left out."""
    index, data = index_and_data(arrays)
    named = 'model_checkpoint_path: "model"\nall_model_checkpoint_paths: "model"\n'
    return {"checkpoint": named.encode(), "model.index": index, "model.data-00000-of-00001": data}


def folder(path: Path, contents: Mapping[str, bytes]) -> Path:
    path.mkdir(exist_ok=True)
    for name, content in contents.items():
        (path / name).write_bytes(content)
    return path


def archive(path: Path, contents: Mapping[str, bytes], front: str = "./") -> Path:
    with tarfile.open(path, "w:gz", compresslevel=1) as file:
        for name, content in contents.items():
            member = tarfile.TarInfo(front + name)
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return path


def _table(rows: list[tuple[bytes, bytes]]) -> bytes:
    """LevelDB's: blocks of rows, an empty block, a block of the others' last keys and places, and the footer."""
    file, places = io.BytesIO(), []
    for first in range(0, len(rows), ENTRIES_A_BLOCK):
        some = rows[first : first + ENTRIES_A_BLOCK]
        places.append((some[-1][0], _written(file, some, WHOLE_KEY_EVERY)))
    footer = _written(file, [], 1) + _written(file, places, 1)
    return file.getvalue() + footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC)


def _written(file: io.BytesIO, rows: list[tuple[bytes, bytes]], whole_every: int) -> bytes:
    """Where it begins, and its size."""
    block, restarts, before = bytearray(), [], b""
    for number, (key, value) in enumerate(rows):
        shared = 0
        if number % whole_every == 0:
            restarts.append(len(block))
        else:
            while shared < min(len(key), len(before)) and key[shared] == before[shared]:
                shared += 1
        block += _varint(shared) + _varint(len(key) - shared) + _varint(len(value)) + key[shared:] + value
        before = key
    restarts = restarts or [0]
    block += struct.pack(f"<{len(restarts)}I", *restarts) + struct.pack("<I", len(restarts))
    place = _varint(file.tell()) + _varint(len(block))
    block += b"\0"
    file.write(bytes(block) + struct.pack("<I", _masked(bytes(block))))
    return place


def _field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def _masked(content: bytes) -> int:
    from sepkit.separators.spleeter.crc32c import crc32c

    check = crc32c(content)
    return ((check >> 15 | check << 17) + 0xA282EAD8) & 0xFFFFFFFF
