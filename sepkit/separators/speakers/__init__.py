"""Each voice of several people on its own, at any rate, by a network of sepkit's own kinds.

The network works at 16 kHz (`networks`, one file a kind); `_voices/spread` brings what it found to both channels of a
stereo source and to what lies above 8 kHz.

Source: ours, `sepkit train speakers`; each file of `networks` names the papers that its design is from; the model card,
`weights/speakers.md`, says what the weights were trained on. Code and weights: MIT.
"""

from sepkit.separators.speakers.separator import Options, Separator, catalogue

__all__ = ["Options", "Separator", "catalogue"]
