"""A result on standard output: what it can hold, and how it gets there."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sepkit.audio.write import write_stdout
from sepkit.batch.file_result import FileResult
from sepkit.batch.film import AS_SOURCE
from sepkit.config import Config
from sepkit.config.sections import ALL_TRACKS
from sepkit.errors import ConfigError, OutputError, SepkitError


def require_stdout(inputs: Sequence[str], config: Config) -> None:
    """Raise where it cannot hold what was asked for."""
    if len(inputs) > 1:
        raise ConfigError(f"-o -: standard output holds one file, found {len(inputs)} inputs; give -o a folder")
    if config.output.format == AS_SOURCE:
        raise ConfigError(
            "-o -: a video is not written down a pipe, for its beginning is written last; give -o a folder or a file, "
            "or --no-video (output.format: same) for the sound alone"
        )
    if config.source.track == ALL_TRACKS:
        raise ConfigError(f"-o -: standard output holds one file, found --track {ALL_TRACKS}; give -o a folder")
    if sys.stdout is None:
        raise ConfigError("-o -: standard output is closed; let something read it, or give -o a folder")


def to_stdout(result: FileResult, stem: str | None = None) -> FileResult:
    """Send one stem down the pipe, the first where none is named; what is quarantined stays behind."""
    if result.verdict == "quarantined":
        note = "nothing was written, for standard output has no quarantine"
        return replace(result, stems={}, notes=(note, *result.notes))
    name = stem or next(iter(result.stems))
    if name not in result.stems:
        there = ", ".join(result.stems)
        error = OutputError(f"--stem {name}: nothing is heard in it, so that there is none; there are {there}")
        return replace(result, verdict="failed", error=error)
    try:
        write_stdout(result.stems[name])
    except SepkitError as error:
        return replace(result, verdict="failed", error=error)
    return replace(result, stems={name: Path("standard output")})
