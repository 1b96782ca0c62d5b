"""FRCRN_SE_16K: speech out of noise by complex U-Nets at 16 kHz, as ClearVoice publishes it.

Place: a member of the ensemble, at any rate, each channel alone; what 16 kHz cannot hold follows what was found just
below it.

Source: S. Zhao et al., "FRCRN: Boosting Feature Representation Using Frequency Recurrence for Monaural Speech
Enhancement", ICASSP 2022, https://arxiv.org/abs/2206.07293, https://github.com/modelscope/ClearerVoice-Studio.
Licence of code: Apache-2.0. Licence of weights: Apache-2.0.
"""

from sepkit.separators.frcrn.separator import Options, Separator, catalogue, names

__all__ = ["Options", "Separator", "catalogue", "names"]
