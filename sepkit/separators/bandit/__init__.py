"""Bandit: speech, music and effects out of films and broadcasts, Bandit v2 and BandIt Plus, from their own checkpoints.

Place: a member of the ensemble that tells three sources apart, each channel alone, in the segments it was trained on.
Where a task has one wanted sound, that is the speech.

Source: K. N. Watcharasupat et al., "A Generalized Bandsplit Neural Network for Cinematic Audio Source Separation",
2023, https://arxiv.org/abs/2309.02539, and "Remastering Divide and Remaster", 2024, https://arxiv.org/abs/2407.07275;
https://github.com/kwatcharasupat/bandit-v2, https://github.com/kwatcharasupat/bandit.
Licence of code: Apache-2.0. Licence of weights: CC BY-SA 4.0 (v2), not stated (Plus).
"""

from sepkit.separators.bandit.published import catalogue, names
from sepkit.separators.bandit.separator import Options, Separator

__all__ = ["Options", "Separator", "catalogue", "names"]
