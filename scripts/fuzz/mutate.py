"""Damage, drawn by chance: bytes flipped, cut, moved and replaced; texts with what people and attackers put there."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

HEADER_BYTES = 300
MOST_CHANGES = 6
NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
"""Where counters and lengths turn over."""
HOSTILE = (
    *("", "''", "~", "null", "true", "0", "-1", "1e400", "-0.0", ".nan", ".inf", "NaN", "9" * 5000, "0x" + "f" * 500),
    *("[]", "{}", "[" * 3000, "{a: " * 300, '{"a":' * 3000, "*a", "&a [*a]", "<<: 3", "!!binary x", "!!bool x"),
    *("!!python/object/apply:os.getpid []", "!!timestamp 1", "2024-13-45", "59:59:59", "- - -", "? ?", "|", ">"),
    *('"\\0"', '"\\ud800"', "\u202e", "🎙" * 100, "x" * 10_000, "a/" * 2500, "../" * 20 + "etc/passwd", "/dev/zero"),
    *(
        "/dev/null",
        "/",
        ".",
        "%s%n",
        "${HOME}",
        "=1+1",
        "<script>",
        "\t",
        "\r\n",
        "\x85",
        "\ufeff",
        "1" * 50,
        "-1e-320",
    ),
)
MILD = ("0", "1", "-1", "0.1", "0.5", "2", "16", "64", "1000", "65536", "true", "null", "same", "flac", "max", "min")
"""What passes the first checks, so that the later ones are reached."""


def data(chance: random.Random, whole: bytes, others: Sequence[bytes]) -> bytes:
    """Bytes with some changes; half of them near the beginning, where lengths and kinds stand."""
    found = bytearray(whole)
    for _ in range(chance.randint(1, MOST_CHANGES)):
        if not found:
            break
        at = chance.randrange(min(len(found), HEADER_BYTES) if chance.random() < 0.5 else len(found))
        _change(chance, found, at, others)
    return bytes(found)


def _change(chance: random.Random, found: bytearray, at: int, others: Sequence[bytes]) -> None:
    size = chance.choice((1, 2, 4, 8, 16, 64, 1024))
    match chance.randrange(9):
        case 0:
            found[at] ^= 1 << chance.randrange(8)
        case 1:
            found[at] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
        case 2:
            width = chance.choice((2, 4, 8))
            number = chance.choice(NUMBERS) % (1 << 8 * width)
            found[at : at + width] = number.to_bytes(width, chance.choice(("little", "big")))
        case 3:
            del found[at:]
        case 4:
            del found[at : at + size]
        case 5:
            found[at:at] = found[at : at + size]
        case 6:
            found[at:at] = chance.randbytes(size)
        case 7:
            found[at : at + size] = bytes(size)
        case _:
            other = chance.choice(others)
            begin = chance.randrange(len(other))
            found[at : at + size] = other[begin : begin + size]


def text(chance: random.Random, whole: str) -> str:
    """A text with some words and lines replaced, moved or gone."""
    found = whole
    for _ in range(chance.choice((1, 1, 1, 2, MOST_CHANGES))):
        lines = found.split("\n")
        at = chance.randrange(len(lines))
        match chance.randrange(7):
            case 0 | 1 | 2:
                found = _replace_word(chance, found)
                continue
            case 3:
                del lines[at]
            case 4:
                lines.insert(at, lines[chance.randrange(len(lines))])
            case 5:
                lines[at] = chance.choice(("  ", "\t", "- ")) + lines[at]
            case _:
                lines.insert(at, chance.choice(HOSTILE))
        found = "\n".join(lines)
    return found


def _replace_word(chance: random.Random, whole: str) -> str:
    words = list(re.finditer(r"[\w.+-]+", whole))
    if not words:
        return chance.choice(HOSTILE)
    word = chance.choice(words)
    new = chance.choice((chance.choice(HOSTILE), chance.choice(MILD), chance.choice(words).group()))
    return whole[: word.start()] + new + whole[word.end() :]
