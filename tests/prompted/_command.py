"""`python -m tests.prompted._command …`: sepkit with the separator of this folder, dropped into its room.

Worker processes import this module again, and with it the separator. Its name keeps it from being taken for one.
"""

from pathlib import Path

import sepkit.separators
from sepkit.cli import main

HERE = str(Path(__file__).parent)
if HERE not in sepkit.separators.__path__:
    sepkit.separators.__path__.append(HERE)

if __name__ == "__main__":
    main()
