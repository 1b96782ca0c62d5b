"""The tensors of a TensorFlow checkpoint of format V2, read without TensorFlow; no code in it runs.

    model.index ─ a table of names, sorted ─ of each its type, shape, place and check ─┐
    model.data-00000-of-00001 ─ the numbers, one tensor after the other ───────────────┴ arrays by name

The table is that of LevelDB, never compressed: blocks of entries whose keys leave out what they share with the one
before, found by a block of blocks, which the last 48 bytes name. Its values are messages of protocol buffers. A CRC-32C
guards each block and each tensor, and all of them are compared.

Source: https://github.com/tensorflow/tensorflow, `core/util/tensor_bundle`, `core/protobuf/tensor_bundle.proto` and
`core/lib/io/table_format.txt` (Apache-2.0); https://protobuf.dev/programming-guides/encoding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.files.naming import clipped
from sepkit.separators.spleeter.crc32c import crc32c, masked

FOOTER_BYTES = 48
MAGIC = (0xDB4775248B80FB57).to_bytes(8, "little")
CHECK_BYTES = 4
UNCOMPRESSED = 0
LONGEST_VARINT = 10
MOST_DIMENSIONS = 8
LARGEST_SIZE = 1 << 40
FLOAT32 = 1
VARINT, EIGHT_BYTES, DELIMITED, FOUR_BYTES = 0, 1, 2, 5
"""How a field of a message is written."""


class DamagedError(Exception):
    """The bytes are no checkpoint, or not as they were written; says what was found, without the file's name."""


class Entry(NamedTuple):
    """What the index says of a tensor. kind: TensorFlow's number of its type. check: masked."""

    kind: int
    shape: tuple[int, ...]
    offset: int
    size_bytes: int
    check: int


def tensors(index: bytes, data: bytes, wanted: Callable[[str], bool]) -> dict[str, NDArray[np.float32]]:
    """Those that `wanted` takes, by name, each a view of `data`. They must be of 32 bits, and as they were written."""
    found = {}
    for name, entry in entries(index).items():
        if wanted(name):
            found[name] = _tensor(clipped(name), entry, data)
    return found


def _tensor(name: str, entry: Entry, data: bytes) -> NDArray[np.float32]:
    if entry.kind != FLOAT32:
        raise DamagedError(f"'{name}' holds numbers of TensorFlow's type {entry.kind}, not 32-bit floats (type 1)")
    if entry.size_bytes != math.prod(entry.shape) * np.dtype(np.float32).itemsize:
        raise DamagedError(f"'{name}' has {entry.size_bytes} bytes, which its shape {entry.shape} does not need")
    part = memoryview(data)[entry.offset : entry.offset + entry.size_bytes]
    if len(part) != entry.size_bytes:
        raise DamagedError(f"'{name}' lies beyond the {len(data)} bytes of data, which are cut short")
    if masked(crc32c(part)) != entry.check:
        raise DamagedError(f"the numbers of '{name}' are not those that were written (their CRC-32C differs)")
    return np.frombuffer(part, "<f4").reshape(entry.shape)


def entries(index: bytes) -> dict[str, Entry]:
    """What an index lists, by name."""
    if len(index) < FOOTER_BYTES or index[-len(MAGIC) :] != MAGIC:
        raise DamagedError("its index does not end as one of TensorFlow's format V2")
    footer = index[-FOOTER_BYTES:]
    at = 0
    for _ in range(2):  # the first block named is of other things
        _, at = _varint(footer, at)
    blocks = _block(index, *_handle(footer, at))
    listed = {key: value for _, handle in _rows(blocks) for key, value in _rows(_block(index, *_handle(handle)))}
    _check_header(listed.pop(b"", b""))
    return {key.decode("utf-8", "backslashreplace"): _entry(value) for key, value in listed.items()}


def _handle(data: bytes, at: int = 0) -> tuple[int, int]:
    """Where a block begins, and its bytes."""
    begin, at = _varint(data, at)
    size, _ = _varint(data, at)
    return begin, size


def _block(index: bytes, begin: int, size: int) -> bytes:
    """The content of a block; a byte for its kind and the check stand behind it."""
    end = begin + size + 1
    if end + CHECK_BYTES > len(index):
        raise DamagedError("its index names a block beyond its end")
    if masked(crc32c(index[begin:end])) != int.from_bytes(index[end : end + CHECK_BYTES], "little"):
        raise DamagedError("a block of its index is not as it was written (its CRC-32C differs)")
    if index[end - 1] != UNCOMPRESSED:
        raise DamagedError(f"a block of its index is compressed (kind {index[end - 1]}), which TensorFlow never does")
    return index[begin : end - 1]


def _rows(block: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of each entry of a block. Behind them stand places where keys are whole, and their number."""
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    if len(block) < 4 or end < 0:
        raise DamagedError("a block of its index is shorter than its own end")
    key, at = b"", 0
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        size, at = _varint(block, at)
        if shared > len(key) or at + own + size > end:
            raise DamagedError("an entry of its index is longer than its block")
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + size]
        at += own + size


def _check_header(message: bytes) -> None:
    """One file of data, its bytes in the order that all machines have today."""
    header = dict(_fields(message))
    if header.get(1) != 1:
        raise DamagedError(f"its index tells of {header.get(1)!r} files of data; it must be one")
    if header.get(2, 0) != 0:
        raise DamagedError("its numbers are big-endian; save it on a little-endian machine")


def _entry(message: bytes) -> Entry:
    """One tensor's message: 1 type, 2 shape, 3 file, 4 offset, 5 size, 6 check, 7 slices."""
    fields = dict(_fields(message))
    shape, numbers = fields.pop(2, b""), [fields.get(number, 0) for number in (1, 4, 5, 6)]
    if 7 in fields or fields.get(3, 0) or not isinstance(shape, bytes):
        raise DamagedError("its index tells of a tensor in slices; save it whole")
    kind, offset, size, check = (number if isinstance(number, int) else LARGEST_SIZE for number in numbers)
    sizes = tuple(_dimension(value) for number, value in _fields(shape) if number == 2)
    if len(sizes) > MOST_DIMENSIONS or max(offset, size, *sizes, 0) >= LARGEST_SIZE:
        raise DamagedError("its index tells of a tensor larger than any file")
    return Entry(kind, sizes, offset, size, check)


def _dimension(message: int | bytes) -> int:
    """Of a shape: 1 its size."""
    size = dict(_fields(message)).get(1, 0) if isinstance(message, bytes) else LARGEST_SIZE
    return size if isinstance(size, int) else LARGEST_SIZE


def _fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Number and value of each field of a message, as far as one may come in a checkpoint."""
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, written = key >> 3, key & 7
        if written == VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if written not in (EIGHT_BYTES, DELIMITED, FOUR_BYTES):
            raise DamagedError(f"its index has a field that is written in no known way ({written})")
        size, at = _varint(message, at) if written == DELIMITED else ({EIGHT_BYTES: 8, FOUR_BYTES: 4}[written], at)
        content = message[at : at + size]
        if len(content) != size:
            raise DamagedError("a field of its index is longer than its message")
        yield number, content if written == DELIMITED else int.from_bytes(content, "little")
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the lowest first, and where the next thing stands."""
    value = 0
    for place, byte in enumerate(data[at : at + LONGEST_VARINT]):
        value |= (byte & 0x7F) << 7 * place
        if byte < 0x80:
            return value, at + place + 1
    raise DamagedError("a number in its index has no end")
