# Sourced by run.sh and scripts/test.sh: `install_sepkit [EXTRA…]` makes .venv and installs the pinned dependencies once.
# A stamp remembers what was installed, so that later runs start at once; PYTHON names another interpreter.
# Each step says `|| return`, since bash forgets `set -e` where a caller handles the failure.

python_bounds='import sys; sys.exit(not (3, 10) <= sys.version_info[:2] < (3, 14))'

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
    if "$candidate" -c "$python_bounds" 2>/dev/null; then
      command -v "$candidate"
      return
    fi
  done
  echo "sepkit: no Python 3.10 to 3.13 found (looked for: ${PYTHON:-python3, python3.13 … python3.10}); install one or set PYTHON" >&2
  return 2
}

# One line for each twentieth package that pip takes in hand, and for its last step; callers set pipefail.
follow_pip() {
  local line count=0
  while IFS= read -r line; do
    case $line in
      Collecting*)
        count=$((count + 1))
        [ $((count % 20)) -ne 0 ] || echo "sepkit: … $count packages found" ;;
      Installing\ collected*) echo "sepkit: … all there; unpacking, which takes the longest" ;;
    esac
  done
}

install_sepkit() {
  local extras pinned stamp=.venv/.sepkit-installed
  extras=$(IFS=,; echo "$*")
  pinned=$(cat pyproject.toml requirements.lock | cksum)
  # Without extras, an installation with any of them will do.
  if [ -x .venv/bin/python ] && grep -qs "^$pinned ${extras:+\[$extras\]\$}" "$stamp"; then
    return
  fi
  if [ ! -x .venv/bin/python ]; then
    local python
    python=$(find_python) || return
    "$python" -m venv .venv || { echo "sepkit: $python cannot make .venv; install its venv module (Debian: python3-venv)" >&2; return 2; }
  fi
  echo "sepkit: installing the pinned packages into .venv (once): about 3 GB on disk, more with CUDA; some minutes …" >&2
  .venv/bin/python -m pip install --quiet --quiet --upgrade pip >&2 || return
  .venv/bin/python -m pip install --progress-bar off --constraint requirements.lock --editable ".${extras:+[$extras]}" 2>&1 |
    tee .venv/pip.log | follow_pip >&2 || { tail -n 20 .venv/pip.log >&2; return 1; }
  echo "$pinned ${extras:+[$extras]}" >>"$stamp"
}
