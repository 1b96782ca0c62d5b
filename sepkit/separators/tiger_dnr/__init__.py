"""TIGER-DnR: speech, music and effects by three networks of 1.4 M parameters, the smallest published ones for films.

Place: a member of the ensemble that tells three sources apart, each channel alone, at 44.1 kHz in segments of 12 s.
Where a task uses the speech alone, only its network is run.

Source: Xu, Li, Chen & Hu, "TIGER: Time-frequency Interleaved Gain Extraction and Reconstruction for Efficient Speech
Separation", ICLR 2025, https://arxiv.org/abs/2410.01469, https://github.com/JusperLee/TIGER,
https://huggingface.co/JusperLee/TIGER-DnR.
Licence of code: MIT. Licence of weights: Apache-2.0.
"""

from sepkit.separators.tiger_dnr.separator import Options, Separator, catalogue, names

__all__ = ["Options", "Separator", "catalogue", "names"]
