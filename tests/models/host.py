"""A real server on this machine that gives files as a test says: whole, in ranges, cut short, or with lies."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Asked(NamedTuple):
    path: str
    range: str | None


class Host:
    """What lies where, how it is given, and what was asked for."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.ways: dict[str, Way] = {}
        self.asked: list[Asked] = []
        self.address = ""

    def url(self, name: str) -> str:
        return f"{self.address}/{name}"


class Handler(BaseHTTPRequestHandler):
    host: Host

    def do_GET(self) -> None:
        name = self.path.removeprefix("/")
        self.host.asked.append(Asked(name, self.headers.get("Range")))
        if name in self.host.ways:
            self.host.ways[name](self, self.host.files.get(name, b""))
        elif name in self.host.files:
            in_ranges(self, self.host.files[name])
        else:
            self.send_error(404)

    def give(self, content: bytes, status: int = 200, **headers: str) -> None:
        self.send_response(status)
        for header, value in {"content_length": str(len(content)), **headers}.items():
            if value:
                self.send_header(header.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(content)

    def start(self) -> int:
        asked = self.headers.get("Range")
        return int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0

    def log_message(self, format: str, *args: object) -> None:
        pass


Way = Callable[[Handler, bytes], None]


def in_ranges(handler: Handler, content: bytes, sent: int | None = None) -> None:
    """As RFC 9110 has it. sent: after so many bytes the connection ends."""
    start = handler.start()
    if start >= len(content):
        handler.give(b"", 416, content_range=f"bytes */{len(content)}")
        return
    rest = content[start:]
    span = f"bytes {start}-{len(content) - 1}/{len(content)}"
    given = rest if sent is None else rest[:sent]
    handler.give(given, 206 if start else 200, content_length=str(len(rest)), content_range=span if start else "")
    handler.close_connection = True


def whole_only(handler: Handler, content: bytes) -> None:
    """A server that knows no ranges."""
    handler.give(content)


def breaking(sent: int, times: int) -> Way:
    """So many times the connection ends after so many bytes."""
    left = [times]

    def way(handler: Handler, content: bytes) -> None:
        left[0] -= 1
        in_ranges(handler, content, sent if left[0] >= 0 else None)

    return way


@contextmanager
def hosting() -> Iterator[Host]:
    host = Host()
    handler = type("Handler", (Handler,), {"host": host})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        host.address = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield host
        server.shutdown()
        thread.join()
