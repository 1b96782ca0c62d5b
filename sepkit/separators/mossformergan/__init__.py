"""MossFormerGAN_SE_16K: speech out of noise by attention along time and frequency, as ClearVoice publishes it.

Place: a member of the ensemble, at any rate, each channel alone; what 16 kHz cannot hold follows what was found just
below it.

Source: S. Zhao et al., ClearerVoice-Studio, 2025, https://arxiv.org/abs/2506.19398,
https://github.com/modelscope/ClearerVoice-Studio.
Licence of code: Apache-2.0. Licence of weights: Apache-2.0.
"""

from sepkit.separators.mossformergan.separator import Options, Separator, catalogue, names

__all__ = ["Options", "Separator", "catalogue", "names"]
