"""What is said in a recording, where its corpus tells: for sets with words.

A.txt beside A.flac, or a line `A WORDS …` in a `*.trans.txt` of the same folder, as in LibriSpeech.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from sepkit.judge.words import read_words


def transcript(path: Path) -> str | None:
    """The words of a recording; None where they are not known."""
    beside = path.with_suffix(".txt")
    return read_words(beside) if beside.is_file() else _lines(path.parent).get(path.stem)


@lru_cache(maxsize=256)
def _lines(folder: Path) -> dict[str, str]:
    """What the transcripts of a folder say, by the recording's name without suffix."""
    lines = (line for path in sorted(folder.glob("*.trans.txt")) for line in (read_words(path) or "").splitlines())
    return {name: words for name, _, words in (line.partition(" ") for line in lines) if words.strip()}
