#!/usr/bin/env bash
# Pins every dependency for Python 3.10 to 3.13 on Linux, macOS (Apple silicon) and Windows: writes requirements.lock.
# The file is used as pip constraints (-c), so a pin only counts where its package is asked for;
# hence markers of the platform are dropped and only those of the Python version kept.
set -euo pipefail
cd "$(dirname "$0")/.."
uv pip compile pyproject.toml --extra dev --universal --no-header --no-annotate --python-version 3.10 --quiet \
  | python3 -c '
import re, sys
for line in sys.stdin:
    name, _, marker = line.strip().partition(" ; ")
    bounds = dict.fromkeys(re.findall(r"python_full_version [<>=]+ .[0-9.*]+.", marker.split(" or ")[0]))
    bounds.pop("python_full_version < \x273.14\x27", None)
    print(name + (" ; " + " and ".join(bounds) if bounds else ""))
' | sort -u > requirements.lock.new
mv requirements.lock.new requirements.lock
