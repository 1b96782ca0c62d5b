"""The member that comes with the package and is sepkit's own: a small network that keeps speech, at any rate.

The network works at 16 kHz (`network`), where recorded speech is to be had. What lies above 8 kHz is
opened and closed as a whole by what the network found just below (`upper_band`). Of a stereo source it hears the
middle and the side (`stereo`).

Source: this project, config/train/speech.yaml; the model card, `compact.md` beside the weights, says on what it was
trained. Code: MIT. Weights: MIT; with them travels the encoder of Silero VAD (MIT), https://github.com/snakers4/silero-vad.
"""

from sepkit.separators.compact.separator import Options, Separator, catalogue

__all__ = ["Options", "Separator", "catalogue"]
