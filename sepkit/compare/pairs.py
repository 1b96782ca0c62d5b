"""The set that a comparison runs over: mixes and what they were made of, matched by file name without suffix.

    DIR/mix/NAME.*            what is cleaned, in any format sepkit reads
    DIR/speech/NAME.*         its true speech; silence where there is none. Another task's stems have folders of theirs
    DIR/background/NAME.*     its true background (optional)
    DIR/words/NAME.txt        the words spoken, UTF-8 (optional)
    DIR/manifest.csv          columns name, condition, level_db; others are not read (optional)

Of `task: edit` the folders are mix, target (what the prompt names) and other, and manifest.csv says prompts and windows
(`sepkit.compare.asked`). Of `task: speakers` they are mix, speaker_1, speaker_2 (and speaker_3), and the words lie in
words/speaker_1, words/speaker_2.

A condition is a kind of background, level_db the speech's level over it. `scripts.make_mixes` makes such a set.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from sepkit.compare.asked import Asked, read_asked
from sepkit.errors import ConfigError
from sepkit.files.naming import shown

EVERY = "all"
"""The condition of a set without a manifest, and the column of all files."""


WORDS = "words"


class Layout(NamedTuple):
    """What the folders of a set are called: that of each judged stem's truth, and that of the rest of the mix.

    asks: whether manifest.csv says what each mix is asked for.
    """

    truths: Mapping[str, str]
    rest: str = "background"
    asks: bool = False

    def words(self) -> dict[str, str]:
        """The folder of each stem's words: of stems that stand beside each other, each has one within `WORDS`."""
        alone = len(self.truths) == 1
        return {stem: WORDS if alone else f"{WORDS}/{part}" for stem, part in self.truths.items()}


SPEECH = Layout({"speech": "speech"})


def layout(stems: Iterable[str], in_place: bool) -> Layout:
    """Of a task with these judged stems. in_place: it is told what to change, and where."""
    return Layout(dict.fromkeys(stems, "target"), "other", True) if in_place else Layout({stem: stem for stem in stems})


class SetPair(NamedTuple):
    """A mix of the set, where it lies, and what is known about it. truths: by stem. background: the rest, all else.

    words: by stem, where they are known.
    """

    name: str
    condition: str
    level_db: float | None
    mix: Path
    truths: dict[str, Path]
    background: Path | None = None
    words: Mapping[str, Path] = {}
    asked: Asked | None = None

    @property
    def column(self) -> str:
        """Where it stands in the tables."""
        return column(self.condition, self.level_db)


class _Row(NamedTuple):
    name: str
    condition: str
    level_db: float | None
    asked: Asked | None = None


def column(condition: str, level_db: float | None) -> str:
    """A condition and its level, for people.

    >>> column("music_alone", None), column("music", -5.0)
    ('music alone', 'music −5 dB')
    """
    level = "" if level_db is None else f" {level_db:g} dB".replace("-", "−")
    return condition.replace("_", " ") + level


def read_set(folder: Path, known_as: Layout = SPEECH) -> list[SetPair]:
    """The pairs of a set, in the manifest's order, else by name. What does not fit together is named."""
    truths = tuple(dict.fromkeys(known_as.truths.values()))
    if not (folder / "mix").is_dir():
        raise ConfigError(
            f"--set: {shown(folder)} holds no folder 'mix'; give one with mix/ and {'/, '.join(truths)}/, "
            "as `python -m scripts.make_mixes` makes it"
        )
    words = known_as.words()
    parts = {part: _by_stem(folder / part) for part in ("mix", *truths, known_as.rest, *words.values())}
    _refuse_shared_words(folder, words)
    mixes = parts["mix"]
    rows = _read_manifest(folder / "manifest.csv", known_as.asks)
    if known_as.asks and not rows:
        raise ConfigError(f"--set: {shown(folder)} holds no manifest.csv, which says the prompt of each mix; give one")
    rows = rows or [_Row(name, EVERY, None) for name in sorted(mixes)]
    if not rows:
        raise ConfigError(f"--set: {shown(folder / 'mix')} is empty; put mixes there")
    known = {row.name for row in rows}
    for part, files in parts.items():
        _refuse_strangers(files.values(), known if part == "mix" else set(mixes), part)
    for part in ("mix", *truths):
        missing = next((row.name for row in rows if row.name not in parts[part]), None)
        if missing is not None:
            raise ConfigError(
                f"--set: {shown(folder / part)} holds no file for '{shown(missing)}'; each mix needs its "
                f"{' and '.join(truths)} (silence, where there is none), and each name in manifest.csv its mix"
            )
    return [
        SetPair(
            row.name,
            row.condition,
            row.level_db,
            mixes[row.name],
            {stem: parts[part][row.name] for stem, part in known_as.truths.items()},
            parts[known_as.rest].get(row.name),
            {stem: parts[part][row.name] for stem, part in words.items() if row.name in parts[part]},
            row.asked,
        )
        for row in rows
    ]


def _by_stem(folder: Path) -> dict[str, Path]:
    """The files of a folder; none where there is no folder. Hidden ones are the system's."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(".") or not path.is_file():
            continue
        if path.stem in found:
            raise ConfigError(f"--set: {shown(path)}: so is {shown(found[path.stem].name)} named; keep one of them")
        found[path.stem] = path
    return found


def _refuse_shared_words(folder: Path, words: Mapping[str, str]) -> None:
    """Of several voices nobody knows whose words lie in no voice's folder."""
    for path in _by_stem(folder / WORDS).values() if WORDS not in words.values() else ():
        raise ConfigError(
            f"--set: {shown(path)}: whose words they are is not said; put them into {' or '.join(words.values())}, or "
            "remove the file"
        )


def _refuse_strangers(files: Iterable[Path], known: set[str], part: str) -> None:
    """A file that belongs to nothing is a name mistyped."""
    stranger = next((path for path in files if path.stem not in known), None)
    if stranger is not None:
        place = "manifest.csv" if part == "mix" else "mix"
        raise ConfigError(
            f"--set: {shown(stranger)}: there is no '{shown(stranger.stem)}' in {place}; rename the file or remove it"
        )


def _read_manifest(path: Path, asks: bool) -> list[_Row]:
    """The rows of the manifest; none where there is no manifest."""
    needed = ("name", "prompt" if asks else "condition")
    try:
        with path.open(encoding="utf-8", newline="") as file:
            table = csv.DictReader(file, strict=True)
            if not set(needed) <= set(table.fieldnames or ()):
                raise ConfigError(f"{shown(path)}: needs the columns {' and '.join(needed)}, found {table.fieldnames}")
            rows = [_row(fields, f"{shown(path)}, line {table.line_num}", asks) for fields in table]
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError(f"{shown(path)}: cannot be read as CSV in UTF-8 ({error})") from error
    names = [row.name for row in rows]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise ConfigError(f"{shown(path)}: '{shown(twice)}' stands twice; keep one row")
    if not rows:
        raise ConfigError(f"{shown(path)}: names no mixes; remove it, or give it a row for each mix")
    return rows


def _row(fields: dict[str, str | None], where: str, asks: bool) -> _Row:
    level = (fields.get("level_db") or "").strip()
    try:
        level_db = float(level) if level else None
    except ValueError:
        raise ConfigError(f"{where}: level_db: a number of dB or nothing, found '{shown(level)}'") from None
    condition = shown((fields.get("condition") or "").strip()) or EVERY
    return _Row(fields["name"] or "", condition, level_db, read_asked(fields, where) if asks else None)
