"""MossFormer2_SE_48K: speech out of noise at 48 kHz, as ClearVoice publishes it.

Place: a member of the ensemble, at any rate, each channel alone. The network's trunk (`block`) and what stands around
it (`masks`) are shared with the published networks for two voices.

Source: S. Zhao et al., "MossFormer2", 2024, https://arxiv.org/abs/2312.11825,
https://github.com/modelscope/ClearerVoice-Studio. Licence of code: Apache-2.0. Licence of weights: Apache-2.0.
"""

from sepkit.separators.mossformer2.separator import Options, Separator, catalogue, names

__all__ = ["Options", "Separator", "catalogue", "names"]
