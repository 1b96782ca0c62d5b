"""The command `sepkit`, also as `python -m sepkit`.

A Ctrl-C is answered from the first moment on, while Python still loads what the commands are made of.
"""

import gc
import os
import signal
from types import FrameType


def main() -> None:
    """Run the command that the arguments name."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    from sepkit.cli import main as command

    try:
        command(prog_name="sepkit")
    finally:
        gc.freeze()  # as Python ends, it would search all that torch has made for garbage: a sixth of a short run


def _end(_signal: int, _frame: FrameType | None) -> None:
    """At once: no command is at work, and an exception would be told as a traceback, or be lost in an import."""
    try:
        os.write(2, b"sepkit: interrupted; what was finished is kept\n")
    finally:
        os._exit(130)


if __name__ == "__main__":
    main()
