"""Both towers and the tokenizer, ready to compare words with sounds. Place: what other rooms call."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.resample import resample
from sepkit.audio.samples import Samples
from sepkit.models import memory
from sepkit.models.weights import WeightFile, verify

Vector = NDArray[np.float32]
"""(512,), of length 1: the product of two is their cosine."""


class Clap:
    """One checkpoint's; `files` says which there are."""

    def __init__(self, weights: WeightFile, tokenizer: WeightFile) -> None:
        """Check and read both files; what is wrong with one is a WeightsError."""
        from sepkit.models.clap import checkpoint, tokens

        verify(weights)
        verify(tokenizer)
        self._text, self._audio = checkpoint.read(weights)
        self._tokenizer = tokens.read_tokenizer(tokenizer.path, self._text)

    def of_words(self, prompt: str) -> Vector:
        """What an English prompt means."""
        import torch

        from sepkit.models.clap import tokens

        with torch.inference_mode():
            vector: Vector = self._text(torch.tensor(tokens.tokens_of(prompt, self._tokenizer))).numpy()
        return vector

    def of_sound(self, samples: Samples, sample_rate: int, most_clips: int | None = None) -> Vector:
        """What a sound means, (channels, frames) of at least one frame: of the mean of its channels.

        The network hears clips of 10 s. A shorter sound is repeated as often as it fits whole, then silence follows, as
        upstream has it. A longer one is heard in clips from its start to its end, which overlap where its length asks
        for it; `most_clips` bounds them, and gaps remain. The vector is the mean of theirs, brought to length 1.
        Upstream takes one clip, at random, and rounds to 16 bits; here nothing is rounded.
        """
        import torch
        from torch.nn import functional

        from sepkit.models.clap import audio

        heard = resample(samples.mean(axis=0, keepdims=True), sample_rate, audio.SAMPLE_RATE)[0]
        with memory.kept(), torch.inference_mode():
            found = [self._audio(torch.from_numpy(clip)) for clip in audio.clips(heard, most_clips)]
            vector: Vector = functional.normalize(torch.stack(found).mean(0), dim=0).numpy()
        return vector
