"""Many short phrases of the kind that people ask for sounds with, made of WordNet's words: what the table learns from.

Source: WordNet 3.0 (Princeton, https://wordnet.princeton.edu, its own licence: free for any use), files `data.noun`,
`data.verb`, `data.adj` as Debian's `wordnet-base` brings them; the patterns are ours.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from sepkit.errors import SourceError

NOUNS = {
    "04": "act",
    "05": "animal",
    "06": "artifact",
    "08": "body",
    "10": "communication",
    "11": "event",
    "13": "food",
}
NOUNS |= {"17": "object", "18": "person", "19": "phenomenon", "20": "plant", "27": "substance"}
VERBS = {"29": "body", "30": "change", "32": "communication", "34": "consumption", "35": "contact", "36": "creation"}
VERBS |= {"38": "motion", "39": "perception", "43": "weather"}
"""WordNet's lexicographer files (lexnames(5WN)) whose words can be heard or do something that can."""
SOUNDING = re.compile(r"\b(sound|noise|cry|call|loud|voice|ring|music)\w*")
"""In a definition: the word is about sound, and is drawn more often."""
COMMON, SOUND = 12, 4
"""How much more often a common word is drawn, and one about sound."""
PATTERNS = (
    "{noun}", "a {noun}", "{noun} sound", "the sound of a {noun}", "{noun} noise", "a {noun} {doing}", "{noun} {doing}",
    "{doing} {noun}", "{adjective} {noun}", "a {adjective} {noun}", "{person} {doing}", "a {person} {doing} a {noun}",
    "{animal} {doing}", "a {animal} in the {noun}", "a {noun} {doing} in the {place}", "{noun} in the background",
    "{doing} and {doing}", "someone {doing}", "{doing} the {noun}", "{doing} with a {noun}", "{noun} of a {noun}",
    "the {person}'s {noun}", "{noun} on the {place}", "{person} and {person} {doing}", "{heard} of a {noun}",
    "a {noun}'s {heard}", "{animal} {heard}", "{adjective} {heard}", "{heard}", "{noun} {heard}",
    "{heard} in the {place}",
)  # fmt: skip
"""Each slot is filled by a word drawn at random."""


class Words(NamedTuple):
    """What fills the slots. heard: nouns of sounds. doing: verbs that end in -ing. definitions: short glosses."""

    noun: list[str]
    person: list[str]
    animal: list[str]
    place: list[str]
    heard: list[str]
    adjective: list[str]
    doing: list[str]
    definitions: list[str]


class Entry(NamedTuple):
    """A synset: the number of its lexicographer file, its words, its definition without examples."""

    file: str
    words: list[str]
    definition: str


def entries(path: Path) -> Iterator[Entry]:
    """The synsets of one of WordNet's data files (wndb(5WN))."""
    try:
        lines = path.read_text(encoding="latin-1").splitlines()
    except OSError as error:
        raise SourceError(
            f"{path}: cannot be read ({error.strerror}); install Debian's wordnet-base, or give its folder as --wordnet"
        ) from error
    for line in lines:
        if line.startswith("  "):
            continue  # the licence
        fields, _, gloss = line.partition(" | ")
        part = fields.split(" ")
        words = [part[4 + 2 * index].partition("(")[0].replace("_", " ") for index in range(int(part[3], 16))]
        yield Entry(part[1], [word for word in words if word.islower()], gloss.split(";")[0].strip())


def read(folder: Path, common: set[str]) -> Words:
    """WordNet's words for the slots. common: words that stand in the encoder's vocabulary, drawn more often."""
    nouns, verbs = list(entries(folder / "data.noun")), list(entries(folder / "data.verb"))
    adjectives = list(entries(folder / "data.adj"))

    def drawn(chosen: list[Entry], files: set[str]) -> list[str]:
        words = [(word, each) for each in chosen if each.file in files for word in each.words]
        return [word for word, each in words for _ in range(1 + COMMON * (word in common) + SOUND * _sounds(each))]

    return Words(
        noun=drawn(nouns, set(NOUNS)),
        person=drawn(nouns, {"18"}) + ["man", "woman", "child", "person", "crowd", "people"] * 300,
        animal=drawn(nouns, {"05"}),
        place=[word for word in drawn(nouns, {"06", "17"}) if word in common],
        heard=drawn([each for each in nouns if _sounds(each)], set(NOUNS)),
        adjective=[word for word in drawn(adjectives, {"00"}) if word in common],
        doing=[doing(word) for word in drawn(verbs, set(VERBS))],
        definitions=[each.definition for each in nouns + verbs if len(each.definition.split()) <= 9],
    )


def _sounds(entry: Entry) -> bool:
    return SOUNDING.search(entry.definition) is not None


def doing(verb: str) -> str:
    """The verb's first word with -ing: "bark" → "barking", "saw off" → "sawing off"."""
    first, space, rest = verb.partition(" ")
    if first.endswith("ie"):
        first = first[:-2] + "y"
    elif first.endswith("e") and not first.endswith(("ee", "oe", "ye")):
        first = first[:-1]
    elif re.fullmatch(r"[^aeiou]*[aeiou][bdgklmnprt]", first):
        first += first[-1]
    return f"{first}ing{space}{rest}"


def phrases(words: Words, count: int, seed: int) -> list[str]:
    """`count` different phrases: of the patterns, one in six a definition."""
    draw = random.Random(seed)
    made: dict[str, None] = {}
    while len(made) < count:
        if draw.random() < 1 / 6:
            made[draw.choice(words.definitions)] = None
            continue
        pattern = draw.choice(PATTERNS)
        made[re.sub(r"\{(\w+)\}", lambda slot: draw.choice(getattr(words, slot[1])), pattern)] = None
    return list(made)
