"""Conv-TasNet as asteroid publishes it: each voice of two or three, at 8 or 16 kHz.

Place: a member of `task: speakers`, at any rate; what lies above the network's band follows what each voice has just
below it (`_voices`).

Source: Y. Luo, N. Mesgarani, "Conv-TasNet", TASLP 2019, https://arxiv.org/abs/1809.07454; M. Pariente et al.,
"Asteroid", Interspeech 2020, https://github.com/asteroid-team/asteroid. Licence of code: MIT. Licence of weights:
CC BY-SA 3.0, by their pages on Hugging Face; those that were trained on WHAM!'s noise are not for commercial use.
"""

from sepkit.separators.conv_tasnet.published import catalogue, names
from sepkit.separators.conv_tasnet.separator import Options, Separator

__all__ = ["Options", "Separator", "catalogue", "names"]
