"""`python -m tests.config.command …`: sepkit with the plug-ins of the folder $DROPPED in every room.

Worker processes import this module again, and with it the plug-ins.
"""

import os

import sepkit.denoisers
import sepkit.metrics
import sepkit.separators
from sepkit.cli import main

for room in (sepkit.separators, sepkit.denoisers, sepkit.metrics):
    if os.environ["DROPPED"] not in room.__path__:
        room.__path__.append(os.environ["DROPPED"])


if __name__ == "__main__":
    main()
