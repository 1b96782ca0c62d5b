"""SepFormer as speechbrain publishes it: each voice of two or three, at 8 or 16 kHz.

Place: a member of `task: speakers`, at any rate; what lies above the network's band follows what each voice has just
below it (`_voices`).

Source: C. Subakan et al., "Attention Is All You Need in Speech Separation", ICASSP 2021,
https://arxiv.org/abs/2010.13154, https://github.com/speechbrain/speechbrain. Licence of code: Apache-2.0. Licence of
weights: Apache-2.0, by their pages on Hugging Face.
"""

from sepkit.separators.sepformer.published import catalogue, names
from sepkit.separators.sepformer.separator import Options, Separator

__all__ = ["Options", "Separator", "catalogue", "names"]
