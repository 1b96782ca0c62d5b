"""The file after --log, which grows: only a log of sepkit is appended to, for any other file would be spoilt."""

from __future__ import annotations

import logging
import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path

from sepkit.audio.suffixes import READABLE
from sepkit.errors import ConfigError, OutputError
from sepkit.files.naming import real, shown

DATE_FORMAT = "%Y-%m-%dT%H:%M:%S%z"
BEGINNING = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d{4} [A-Z]+ ")
"""How each line of a log begins."""
HEAD_BYTES = 64


def log_file(log: Path, others: Iterable[Path]) -> logging.Handler:
    """What appends to it. others: what else the command was given, which it may not be."""
    try:
        problem = _why_not(log, others)
        if problem:
            raise ConfigError(f"--log {shown(log)}: {problem}; name another file")
        file = logging.FileHandler(log, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise OutputError(f"--log {shown(log)}: cannot be written ({error.strerror}); name another file") from error
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", datefmt=DATE_FORMAT))
    return file


def _why_not(log: Path, others: Iterable[Path]) -> str:
    """Why nothing is appended; empty where it may be. A pipe is not waited for."""
    if any(real(log) == real(other) for other in others):
        return "is an input or an output of this command"
    if log.suffix.lower()[1:] in READABLE:
        return "is named like sound"
    try:
        file = os.open(log, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return ""
    with open(file, "rb") as opened:  # noqa: PTH123  by its number
        kind = os.fstat(file).st_mode
        if stat.S_ISCHR(kind):  # a terminal, or the null device
            return ""
        if not stat.S_ISREG(kind):
            return "is a pipe or a folder"
        head = opened.read(HEAD_BYTES)
    return "" if not head or BEGINNING.match(head) else "is there already and is no log of sepkit"
