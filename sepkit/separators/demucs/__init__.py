"""Demucs: the hybrid and transformer separators of Défossez and Rouard, any published bag or a local folder.

Place: a member of the ensemble, at 44.1 kHz stereo. The network is upstream's own; ours is where weights come from,
which experts run, what of them is computed (`network`) and how on a processor (`processor`), the queue of segments
(`_segments`), and shifts that repeat.
Source: S. Rouard, F. Massa, A. Défossez, "Hybrid Transformers for Music Source Separation", ICASSP 2023,
https://arxiv.org/abs/2211.08553; A. Défossez, "Hybrid Spectrogram and Waveform Source Separation", 2021,
https://arxiv.org/abs/2111.03600; https://github.com/adefossez/demucs.
Licence of code: MIT. Licence of weights: unclear (`bags.LICENCE_WEIGHTS`).
"""

from sepkit.separators.demucs.names import names
from sepkit.separators.demucs.separator import Options, Separator, catalogue

__all__ = ["Options", "Separator", "catalogue", "names"]
