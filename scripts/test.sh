#!/usr/bin/env bash
# The whole check on a fresh clone: style, types, layers, tests. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/install.sh
. scripts/browser.sh
install_sepkit dev quantised || {
  echo "sepkit: without the extra 'quantised' (no C compiler?): the DiffQ test will be skipped" >&2
  install_sepkit dev
}
install_browser || echo "sepkit: no Chromium could be installed: the tests of the pages will be skipped" >&2
bin=.venv/bin
$bin/ruff check .
$bin/ruff format --check .
$bin/mypy
$bin/lint-imports
$bin/python -m pytest -n auto "$@"
