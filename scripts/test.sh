#!/usr/bin/env bash
# The whole check on a fresh clone: style, types, layers, tests, a minute of fuzzing. Arguments go to pytest, without it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/install.sh
. scripts/browser.sh
install_sepkit dev quantised || {
  echo "sepkit: without the extra 'quantised' (no C compiler?): the DiffQ test will be skipped" >&2
  install_sepkit dev
}
if install_browser; then
  export SEPKIT_BROWSER=required
else
  echo "sepkit: no Chromium could be installed: the tests of the pages will be skipped" >&2
fi
bin=.venv/bin
$bin/ruff check .
$bin/ruff format --check .
$bin/mypy
$bin/lint-imports
$bin/python -m pytest -n auto "$@"
[ $# -gt 0 ] || $bin/python -m scripts.fuzz --minutes 1 --seed 1
