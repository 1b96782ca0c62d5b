"""Runs a case: sepkit's own command in a child that is forked from this process, within limits of time and memory.

What sepkit imports is imported here once, before the first fork; a case then costs what it costs, and not a start. Each
has a child of its own, so nothing that one leaves behind, a crash least of all, reaches the next.
"""

from __future__ import annotations

import importlib
import os
import resource
import signal
import sys
import traceback
from pathlib import Path
from typing import NamedTuple

from scripts.fuzz.cases import Case

CPU_S = 20
WALL_S = 60
"""Also of what waits without working, such as for a pipe."""
MEMORY_BYTES = 3 << 30
"""Address space beside that of this process."""
FILE_BYTES = 256 << 20
TRACEBACK_CODE = 70

WARM = (
    *("av", "soundfile", "soxr", "torch", "safetensors.torch", "librosa", "librosa.filters", "scipy.signal", "tqdm"),
    *("sepkit.cli", "sepkit.batch.run", "sepkit.batch.single", "sepkit.batch.pages", "sepkit.judge.verdict"),
    *("sepkit.separators.roformer.network", "sepkit.separators.demucs.network", "demucs.htdemucs", "filelock"),
    "sepkit.separators.spleeter.network",
    *("matplotlib.figure", "matplotlib.backends.backend_svg", "PIL.Image", "omegaconf"),
)


class Ended(NamedTuple):
    """How a case ended. code: of the exit; signal: that killed it, 0 where none did."""

    code: int
    signal: int
    said: str


def warm() -> None:
    """Import what a case needs."""
    for name in WARM:
        importlib.import_module(name)


def run(case: Case) -> Ended:
    """Run a case to its end."""
    said = case.folder / "said.txt"
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _run_here(case, said)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    text = said.read_text(encoding="utf-8", errors="replace") if said.is_file() else ""
    return Ended(max(0, code), max(0, -code), text)


def _run_here(case: Case, said: Path) -> None:
    """In the child: never returns."""
    code = TRACEBACK_CODE
    try:
        _settle(case.folder, said)
        from sepkit.cli import main

        main(list(case.arguments), prog_name="sepkit")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException:  # what the command line did not turn into a message
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _settle(folder: Path, said: Path) -> None:
    """Streams, folder and limits. A limit that is reached ends the child: by a signal, or by a MemoryError."""
    os.chdir(folder)
    streams = [(Path(os.devnull), os.O_RDONLY), (said, os.O_WRONLY | os.O_CREAT), (said, os.O_WRONLY | os.O_APPEND)]
    for number, (path, flags) in enumerate(streams):
        os.dup2(os.open(path, flags, 0o600), number)
    # As Python itself opens them; this process may have had others.
    sys.stdin, sys.stdout = open(0, encoding="utf-8"), open(1, "w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)  # noqa: SIM115
    used_bytes = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if _PROC else 0
    if used_bytes:
        resource.setrlimit(resource.RLIMIT_AS, (used_bytes + MEMORY_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (FILE_BYTES,) * 2)
    resource.setrlimit(resource.RLIMIT_CPU, (_cpu_s() + CPU_S,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, WALL_S)


def _cpu_s() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int(used.ru_utime + used.ru_stime) + 1


_PROC = Path("/proc/self/statm").is_file()
