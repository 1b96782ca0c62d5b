"""Spleeter: music in 2, 4 or 5 stems by a U-Net each, read from Deezer's own checkpoints without TensorFlow.

Place: a member of the ensemble, at 44.1 kHz stereo. A segment is 512 steps of the spectrum, about 12 s, and begins at
the same frames of a source whichever stretch it is met in. A source may have any length.

Source: R. Hennequin, A. Khlif, F. Voituret, M. Moussallam, "Spleeter: a fast and efficient music source separation tool
with pre-trained models", JOSS 5(50), 2020, https://doi.org/10.21105/joss.02154, https://github.com/deezer/spleeter.
Licence of code: MIT. Licence of weights: MIT, by the paper.
"""

from sepkit.separators.spleeter.published import catalogue, names
from sepkit.separators.spleeter.separator import Options, Separator

__all__ = ["Options", "Separator", "catalogue", "names"]
