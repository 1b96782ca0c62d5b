"""Freed memory kept for the next layer, where the C library would hand it back to the system each time.

A network frees and asks for the same large blocks over and over. glibc maps every block above 32 MiB anew, and the
system then clears it page by page, which takes up to half of the time of a Hybrid Demucs on a processor. Within
`kept()` all blocks come from the heap and stay in it; what is free at the end goes back to the system. One network
and one length of input at a time: blocks of other sizes would fit badly into what others left.

Source: mallopt(3) and malloc_trim(3) of glibc; other C libraries are left as they are.
"""

from __future__ import annotations

import ctypes
import platform
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_MMAP_MAX = -1, -3, -4
"""mallopt's names, in malloc.h."""
_NEVER, _NO_BLOCKS = -1, 0
_BLOCKS = 65536
"""How many blocks may be mapped at once, by default."""
_APART_BYTES = 8 * 2**20
"""Outside, blocks from here on are mapped apart, lest those that live long lie scattered in the heap."""
_LEFT_BYTES = 64 * 2**20
"""Outside, how much free memory the heap may end with: glibc's own rule once large blocks were freed."""

_lock = threading.Lock()
_depth = 0


@contextmanager
def kept() -> Iterator[None]:
    """Keep what is freed within, whichever thread frees it; nested ones end with the outermost."""
    global _depth
    libc = _glibc()
    with _lock:
        _depth += 1
        if libc and _depth == 1:
            libc.mallopt(_M_MMAP_MAX, _NO_BLOCKS)
            libc.mallopt(_M_TRIM_THRESHOLD, _NEVER)
    try:
        yield
    finally:
        with _lock:
            _depth -= 1
            if libc and _depth == 0:
                libc.mallopt(_M_MMAP_MAX, _BLOCKS)
                libc.mallopt(_M_MMAP_THRESHOLD, _APART_BYTES)
                libc.mallopt(_M_TRIM_THRESHOLD, _LEFT_BYTES)
                libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
