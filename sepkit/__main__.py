"""The command `sepkit`, also as `python -m sepkit`.

A Ctrl-C is answered from the first moment on, while Python still loads what the commands are made of.
"""

import os
import signal
from types import FrameType


def main() -> None:
    """Run the command that the arguments name."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    from sepkit.cli import main as command

    command(prog_name="sepkit")


def _end(_signal: int, _frame: FrameType | None) -> None:
    """Nothing has begun, so nothing is to be tidied; an exception could be lost in an import, or be told as a traceback."""
    os.write(2, b"sepkit: interrupted; nothing was begun\n")
    os._exit(130)


if __name__ == "__main__":
    main()
