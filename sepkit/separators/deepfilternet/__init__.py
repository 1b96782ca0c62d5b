"""DeepFilterNet 3, further trained and with blocks of our own: keeps speech in any background, full band, at 48 kHz.

Source: Schröter et al., INTERSPEECH 2023, https://github.com/Rikorose/DeepFilterNet (MIT or Apache-2.0, code and
weights); the model card, `deepfilternet.md` beside the weights, says what training made of it. Code and weights: MIT.
"""

from sepkit.separators.deepfilternet.separator import Options, Separator, catalogue

__all__ = ["Options", "Separator", "catalogue"]
