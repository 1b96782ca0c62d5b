"""RoFormer: the vocal models of the public leaderboards, Mel-Band RoFormer and BS-RoFormer, from a checkpoint at hand.

Place: a member of the ensemble, at the rate and in the segments that the model's own YAML names. The community trains
and publishes each model as a pair of files, a YAML and a checkpoint; sepkit reads both as they are, and fetches those
that `published` names.

Source: the papers in `network`; the files' layout, https://github.com/ZFTurbo/Music-Source-Separation-Training.
Licence of code: MIT. Licence of weights: as their makers say.
"""

from sepkit.separators.roformer.published import catalogue, names
from sepkit.separators.roformer.separator import Options, Separator

__all__ = ["Options", "Separator", "catalogue", "names"]
