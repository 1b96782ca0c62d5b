"""What became of a case, by what sepkit said and what lies there afterwards."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
from pathlib import Path

from scripts.fuzz.cases import Case
from scripts.fuzz.child import TRACEBACK_CODE, Ended
from sepkit.audio.read import read_audio
from sepkit.errors import SepkitError

OUTCOMES = ("refused", "rendered", "unclear", "traceback", "crash", "hang", "partial output", "changed input")
BAD = OUTCOMES[2:]
"""unclear: failed without a word, with a page of them, or with an error that only a programmer understands."""

TIME_IS_UP = ("SIGALRM", "SIGXCPU", "SIGKILL")
MOST_LINES = 30
LONGEST_LINE = 7000
"""The longest name that is tried has 6,000 letters, and a line names its file."""
RAW_ERROR = re.compile(r"^(failed|sepkit): ([^(]*: )?[A-Z]\w+(Error|Exception): ", re.MULTILINE)
"""Python's own error in the place of a message; in brackets, behind one, it does no harm."""
SOUNDS = (".wav", ".flac", ".aiff", ".caf", ".w64", ".au", ".rf64")


def judge(case: Case, ended: Ended) -> str:
    """The worst that is true of it."""
    if ended.signal:
        return "hang" if signal.Signals(ended.signal).name in TIME_IS_UP else "crash"
    if any(not path.is_file() or path.read_bytes() != content for path, content in case.before.items()):
        return "changed input"
    if "Traceback (most recent call last)" in ended.said or ended.code == TRACEBACK_CODE:
        return "traceback"
    if _partial(case, failed=ended.code in (1, 2)):
        return "partial output"
    if ended.code == 0:
        return "rendered"
    lines = ended.said.strip().splitlines()
    short = 0 < len(lines) <= MOST_LINES and max(map(len, lines)) <= LONGEST_LINE
    return "refused" if short and not RAW_ERROR.search(ended.said) else "unclear"


def _partial(case: Case, failed: bool) -> bool:
    """Whether an output is not whole, or there is one of an input that was refused, or of a run that has ended."""
    out = case.folder / "out"
    if list(out.rglob(".sepkit-*.part")) or list(out.rglob(".sepkit-work-*")):
        return True
    sounds = [path for path in out.rglob("*") if path.is_file() and path.suffix.lower() in SOUNDS]
    if case.arguments[0] == "run" and failed and sounds:
        return True
    return not all(map(_whole, sounds))


def _whole(path: Path) -> bool:
    """Whether sepkit would take it as a source: as long as its header says, and sound from end to end."""
    try:
        return read_audio(path).frames > 0
    except SepkitError:
        return False


def keep(case: Case, ended: Ended, outcome: str, folder: Path) -> Path:
    """Copy the case, with the command that repeats it and what it said."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(case.folder, folder, symlinks=True)
    command = f"sepkit {shlex.join(case.arguments)}"
    end = f"signal {ended.signal}" if ended.signal else f"exit code {ended.code}"
    (folder / "outcome.txt").write_text(f"{outcome} ({end})\n{command}\n", encoding="utf-8")
    for path, content in case.before.items():  # as it was given, where it was changed
        (folder / path.relative_to(case.folder)).write_bytes(content)
    return folder
