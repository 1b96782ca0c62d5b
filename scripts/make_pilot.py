"""`python -m scripts.make_pilot [FOLDER]`: the pilot's files; `scripts.mixes.pilot` says how they are made."""

import sys
from pathlib import Path

from scripts.mixes.pilot import main
from sepkit.errors import SepkitError

if __name__ == "__main__":
    try:
        main(*map(Path, sys.argv[1:2]))
    except SepkitError as error:
        sys.exit(str(error))
