"""Freed memory stays while it is kept, and goes back to the system afterwards; the system itself counts."""

import platform
import resource
from contextlib import nullcontext

import numpy as np
import psutil
import pytest

from sepkit import memory

BLOCK_BYTES = 64 * 2**20
ROUNDS = 8

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left as they are")


def faults(held) -> int:
    """Pages that the system had to bring while blocks were filled and freed, the first one apart."""
    with held:
        np.ones(BLOCK_BYTES // 4, np.float32)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(ROUNDS):
            np.ones(BLOCK_BYTES // 4, np.float32)
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_a_block_that_was_freed_is_given_out_again():
    huge_pages = BLOCK_BYTES // 2**21  # the largest that a system may bring at once
    assert faults(nullcontext()) >= ROUNDS * huge_pages
    assert faults(memory.kept()) < huge_pages
    assert faults(nullcontext()) >= ROUNDS * huge_pages


def test_what_was_kept_goes_back_when_the_outermost_ends():
    process = psutil.Process()
    before = process.memory_info().rss
    with memory.kept():
        with memory.kept():
            np.ones(4 * BLOCK_BYTES // 4, np.float32)
        assert process.memory_info().rss > before + 3 * BLOCK_BYTES
    assert process.memory_info().rss < before + BLOCK_BYTES
