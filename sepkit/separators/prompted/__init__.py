"""The sound that a prompt names, by sepkit's own network, told by one of 53 sounds: a gain in 128 bands.

Source: ours; the model card, `weights/prompted.md`, says what it was trained on. A U-Net told by FiLM, after
Ronneberger et al., MICCAI 2015, and Perez et al., AAAI 2018. Code and weights: MIT. `sepkit.models.prompted` is the
network.
"""

from sepkit.separators.prompted.separator import Options, Separator, catalogue

__all__ = ["Options", "Separator", "catalogue"]
