"""MossFormer2 for voices: each of two at 16 kHz, as ClearVoice publishes it, and each of two or three at 8 kHz.

Place: a member of `task: speakers`, at any rate; what lies above the network's band follows what each voice has just
below it (`_voices`). The network's trunk is that of the member `mossformer2`, with two filters in each memory.

Source: S. Zhao et al., "MossFormer2", 2024, https://arxiv.org/abs/2312.11825; at 16 kHz
https://github.com/modelscope/ClearerVoice-Studio (code and weights: Apache-2.0); at 8 kHz
https://github.com/alibabasglab/MossFormer2 (code: MIT; licence of weights: not stated).
"""

from sepkit.separators.mossformer2_ss.published import catalogue, names
from sepkit.separators.mossformer2_ss.separator import Options, Separator

__all__ = ["Options", "Separator", "catalogue", "names"]
