"""The words of a prompt as tokens, by RoBERTa's tokenizer in the format of the package tokenizers.

Source: Liu et al., "RoBERTa", 2019, https://arxiv.org/abs/1907.11692; https://github.com/huggingface/tokenizers.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sepkit.errors import ConfigError, WeightsError

if TYPE_CHECKING:
    from tokenizers import Tokenizer

    from sepkit.models.clap.text import TextTower

MOST_TOKENS = 512


def read_tokenizer(path: Path, tower: TextTower) -> Tokenizer:
    """RoBERTa's tokenizer, as `tokenizers` stores one, for a tower that knows its tokens."""
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # the package raises nothing narrower
        raise WeightsError(f"audiosep: {path} is no tokenizer ({error}); run 'sepkit models fetch audiosep'") from error
    known, asked = tower.text_branch.embeddings.word_embeddings.num_embeddings, tokenizer.get_vocab_size()
    if asked > known:
        raise WeightsError(
            f"audiosep: the weights know {known} tokens, and {path} has {asked}; give weights that were trained with it"
        )
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def tokens_of(prompt: str, tokenizer: Tokenizer) -> list[int]:
    """The tokens of a prompt, with those that begin and end it. Spaces around and between words count once."""
    words = " ".join(prompt.split())
    if not words:
        raise ConfigError("prompt: it is empty; name a sound in words, such as 'dog bark'")
    try:
        tokens: list[int] = tokenizer.encode(words).ids
    except (TypeError, UnicodeEncodeError) as error:  # half of a character, as a terminal's wrong encoding leaves it
        raise ConfigError(f"prompt: {words!r} is no text in Unicode; type it anew") from error
    if len(tokens) > MOST_TOKENS:
        raise ConfigError(
            f"prompt: its {len(words)} characters are {len(tokens)} tokens, and CLAP reads at most {MOST_TOKENS}; "
            "name the sound in fewer words"
        )
    return tokens
