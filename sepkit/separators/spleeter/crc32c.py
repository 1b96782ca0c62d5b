"""CRC-32C of long arrays by numpy alone: what TensorFlow guards a checkpoint's blocks and tensors by.

A message is a polynomial over GF(2), and its words are the coefficients of powers of x³². Words that stand m apart are
folded onto each other: w·x³²ᵐ + v, the same product for each of them. With m a power of two there is one table for each
m, and a message of n words is done after log₂ n folds of whole arrays. All numbers have their bits in reverse, as the
standard has them: the highest bit stands for x⁰.

Source: RFC 3720, section 12.1 (polynomial) and appendix B.4 (values); the mask, LevelDB's `util/crc32c.h`.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

Words = NDArray[np.uint32]

POLYNOMIAL = 0x82F63B78
ALL_ONES = 0xFFFFFFFF
ONE = 0x80000000
"""x⁰."""
WORD_BYTES = 4
HALF_BITS = 16
MASK_SHIFT = 15
MASK_ADDED = 0xA282EAD8


def crc32c(data: bytes | memoryview | NDArray[np.uint8]) -> int:
    """The check of some bytes."""
    message = np.frombuffer(data, np.uint8)
    words = np.zeros(message.size // WORD_BYTES + 2, "<u4")  # zeros before it change nothing
    padded = words.view(np.uint8)
    begin = padded.size - WORD_BYTES - message.size
    padded[begin:-WORD_BYTES] = message
    padded[begin : begin + WORD_BYTES] ^= 0xFF  # the register's first state
    while words.size > 1:
        apart = 1 << (words.size - 1).bit_length() - 1
        words[apart:] ^= _times(words[:-apart], _table(apart))
        words = words[words.size - apart :]
    return int(words[0]) ^ ALL_ONES


def masked(check: int) -> int:
    """As it is stored beside what it guards, so that a check of checks stays of use."""
    turned = check >> MASK_SHIFT | check << 32 - MASK_SHIFT & ALL_ONES
    return turned + MASK_ADDED & ALL_ONES


def _times(words: Words, table: Words) -> Words:
    """Each word times what the table (2, 65536) is for."""
    low, high = words.view("<u2").reshape(-1, 2).T
    found: Words = table[0][low]
    found ^= table[1][high]
    return found


@cache
def _table(apart: int) -> Words:
    """Products of every value of each half of a word with x³² to the power of `apart`, which is a power of two."""
    if apart > 1:
        half = _table(apart // 2)
        factor = int(_times(_times(np.array([ONE], "<u4"), half), half)[0])
    else:
        factor = ONE
        for _ in range(2 * HALF_BITS):
            factor = _times_x(factor)
    bits = [factor]
    while len(bits) < 2 * HALF_BITS:
        bits.append(_times_x(bits[-1]))
    bits.reverse()  # the lowest bit stands for x³¹
    table = np.zeros((2, 1), "<u4")
    for bit in range(HALF_BITS):
        table = np.concatenate([table, table ^ np.array(bits[bit::HALF_BITS], "<u4")[:, None]], axis=1)
    return table


def _times_x(word: int) -> int:
    return word >> 1 ^ (POLYNOMIAL if word & 1 else 0)
