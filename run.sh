#!/usr/bin/env bash
# The pilot: sets up .venv if needed, cleans data/pilot/mix.wav (or INPUT), measures it, and leaves files to listen to.
#   bash run.sh [--config FILE|NAME] [INPUT]
set -euo pipefail
here=$PWD
absolute() { case $1 in /*) echo "$1" ;; *) echo "$here/$1" ;; esac; }
config() { if [ -e "$1" ]; then absolute "$1"; else echo "$1"; fi; }
args=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) sed -n '2,3s/^# *//p' "$0"; exit 0 ;;
    --config) [ $# -ge 2 ] || { echo "run.sh: --config needs a FILE" >&2; exit 2; }
      args+=(--config "$(config "$2")"); shift 2 ;;
    --config=*) args+=(--config "$(config "${1#*=}")"); shift ;;
    -*) echo "run.sh: unknown option $1; use: bash run.sh [--config FILE|NAME] [INPUT]" >&2; exit 2 ;;
    *) args+=("$(absolute "$1")"); shift ;;
  esac
done
cd "$(dirname "$0")"
. scripts/install.sh
install_sepkit
exec .venv/bin/python -m sepkit pilot "${args[@]}"
