"""A file brought from one address into a part of it, which goes on where it stopped.

Place: below `fetch`, which says where from, holds the part and checks what came. The standard library's urllib does the
talking: proxies from the environment (`https_proxy`, `no_proxy` …), redirects, `file://`.
Source: RFC 9110, section 14 (ranges) and 8.6 (Content-Length).
"""

from __future__ import annotations

import os
import re
import shutil
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPException
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError

from sepkit.files.naming import clipped

TIMEOUT_S = 30.0
"""Without a byte for so long a connection counts as broken."""
TRIES = 4
"""Of one address, while each brings something."""
PAUSE_S = 0.5
_BLOCK_BYTES = 256 * 1024
_PAGE = re.compile(rb"\s*<(!doctype html|html|head|body)", re.IGNORECASE)
_BEYOND_THE_END = 416
"""The status of a range that begins where the file ends."""


class UnfitError(Exception):
    """What an address gives is not the file, or it gives none; what came of it is of no use."""


class BrokenOffError(Exception):
    """The connection broke; what came is the beginning of the file."""


class FullError(Exception):
    """The disk did not take it."""


class Length(NamedTuple):
    """How many bytes a file can have."""

    least: int
    most: int

    def problem(self, found: int) -> str:
        """Why a file of so many bytes is another; empty where it can be this one."""
        if self.least <= found <= self.most:
            return ""
        asked = f"{self.most:,}" if self.least == self.most else f"{self.least:,} to {self.most:,}"
        return f"it has {found:,} bytes there, {asked} are expected"


def download(address: str, part: Path, length: Length, shown: Callable[[int, int], None]) -> None:
    """Complete `part` from `address`. shown: is told how many bytes are there, and of how many; 0: nobody knows."""
    for attempt in range(1, TRIES + 1):
        before = part.stat().st_size
        try:
            return _once(address, part, length, shown)
        except BrokenOffError:
            if attempt == TRIES or part.stat().st_size <= before:
                raise
        time.sleep(PAUSE_S)
    return None


def _once(address: str, part: Path, length: Length, shown: Callable[[int, int], None]) -> None:
    there = part.stat().st_size
    with _opened(address, there) as response:
        start, total = _span(response)
        if start not in (0, there):
            raise UnfitError(f"it was asked for what follows byte {there:,}, and gave another part")
        blocks = _blocks(response)
        first = next(blocks, b"")
        if page := _page(response, b"" if start else first):
            raise UnfitError(page)
        if total and (problem := length.problem(total)):
            raise UnfitError(problem)
        _need(part, max(total, length.least) - start)
        done = _write(part, start, chain([first], blocks), length.most, lambda done: shown(done, total))
    if done < total:
        raise BrokenOffError(f"it broke off after {done:,} of {total:,} bytes")
    if problem := length.problem(done):
        os.truncate(part, 0)
        raise UnfitError(problem)


def _write(part: Path, start: int, blocks: Iterable[bytes], most: int, shown: Callable[[int], None]) -> int:
    """Put the blocks into the part from byte `start` on, in place of all that is there; returns where they end."""
    done = start
    with part.open("r+b", buffering=0) as file:
        file.truncate(start)
        file.seek(start)
        for block in blocks:
            done += len(block)
            if done > most:
                file.truncate(0)
                raise UnfitError(f"it does not end after {most:,} bytes, and is another file")
            try:
                while block:
                    block = block[file.write(block) :]
            except OSError as error:
                raise FullError(os.strerror(error.errno or 0)) from error
            shown(done)
    return done


def _opened(address: str, start: int) -> Any:
    """The response to a request for everything from byte `start` on."""
    headers = {"User-Agent": "sepkit", "Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    try:
        opener = urllib.request.build_opener()  # urlopen's own keeps the proxies of its first call
        return opener.open(urllib.request.Request(address, headers=headers), timeout=TIMEOUT_S)
    except HTTPError as error:
        error.close()
        if start and error.code == _BEYOND_THE_END:  # the part is no beginning of what is there
            return _opened(address, 0)
        raise UnfitError(_refusal(error)) from error
    except (OSError, HTTPException, ValueError) as error:
        raise UnfitError(_why(error)) from error


def _refusal(error: HTTPError) -> str:
    if error.code in range(300, 400):
        return "it redirects in a circle, or nowhere"
    return f"HTTP {error.code} {clipped(str(error.reason))}".rstrip()


def _why(error: Exception) -> str:
    """What the system says, in short."""
    reason = getattr(error, "reason", None) or error
    return clipped(" ".join(str(getattr(reason, "strerror", None) or reason).split())) or type(error).__name__


def _span(response: Any) -> tuple[int, int]:
    """Where the bytes of a response begin in the file, and how many the whole has; 0 where it does not say."""
    found = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if getattr(response, "status", None) == 206 and found:
        return int(found[1]), int(found[2]) if found[2] != "*" else 0
    announced = response.headers.get("Content-Length", "")
    return 0, int(announced) if announced.isdecimal() else 0


def _blocks(response: Any) -> Iterator[bytes]:
    while True:
        try:
            block = response.read(_BLOCK_BYTES)
        except (OSError, HTTPException) as error:
            raise BrokenOffError(f"it broke off ({_why(error)})") from error
        if not block:
            return
        yield block


def _page(response: Any, first: bytes) -> str:
    """That a response is a page for people: a login, a notice of a proxy, an error that calls itself a success."""
    html = response.headers.get_content_type() == "text/html" or _PAGE.match(first)
    return "it gives an HTML page in place of the file" if html else ""


def _need(part: Path, size_bytes: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if size_bytes > free:
        raise FullError(f"{size_bytes / 1e6:,.0f} MB are needed, and {free / 1e6:,.0f} MB are free there")
