"""CLAP: what words and what sounds mean, as vectors of one space.

    words ─ `tokens` ─ `text` ──┐
                                ├ vectors of length 1; their product is the cosine of the angle between them
    sound ─ `audio` ────────────┘

    clap = Clap(*published())
    likeness = clap.of_words("dog bark") @ clap.of_sound(samples, 44100)

Place: the member `audiosep` is told by the text tower alone; the metric `text_audio` compares both, and `hearing` does
so second by second, for `sepkit detect`. The weights are those inside AudioSep's checkpoint, or a file of laion's.

Source: Wu et al., "Large-scale Contrastive Language-Audio Pretraining", ICASSP 2023, https://arxiv.org/abs/2211.06687,
https://github.com/LAION-AI/CLAP (code CC0 1.0).
"""

from sepkit.models.clap.files import Weights, own_or_published, published
from sepkit.models.clap.towers import Clap

__all__ = ["Clap", "Weights", "own_or_published", "published"]
