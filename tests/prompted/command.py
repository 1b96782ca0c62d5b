"""`python -m tests.prompted.command …`: sepkit with the separator of this folder, dropped into their rooms.

Worker processes import this module again, and with it the two.
"""

import os
import signal
import sys
from pathlib import Path

import sepkit.render
import sepkit.separators
from sepkit.cli import main

HERE = str(Path(__file__).parent)
for room in (sepkit.render, sepkit.separators):
    if HERE not in room.__path__:
        room.__path__.append(HERE)


def die_at_record(number: int) -> None:
    """kill −9 as the journal is opened for its record of this number."""
    left = [number]

    def count(event: str, arguments: tuple) -> None:
        if event == "open" and str(arguments[0]).endswith(".jsonl") and arguments[1] == "a":
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


if __name__ == "__main__":
    if os.environ.get("DIE_AT_RECORD"):
        die_at_record(int(os.environ["DIE_AT_RECORD"]))
    main()
