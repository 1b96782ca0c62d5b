"""`python -m tests.dialogue.command …`: sepkit with the separator of this folder.

Worker processes import this module again, and with it the separator.
"""

from pathlib import Path

import sepkit.separators
from sepkit.cli import main

HERE = str(Path(__file__).parent)
if HERE not in sepkit.separators.__path__:
    sepkit.separators.__path__.append(HERE)

if __name__ == "__main__":
    main()
