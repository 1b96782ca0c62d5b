"""AudioSep: whatever sound a prompt in plain words names, at 32 kHz.

Place: a member of the ensemble, at any rate, mono or stereo. CLAP's text tower (`sepkit.models.clap`) makes a vector of
the prompt, and a U-Net on spectra (`network`) is told by it what to keep. What 32 kHz cannot hold follows what was
found just below it.

Source: X. Liu et al., "Separate Anything You Describe", 2023, https://arxiv.org/abs/2308.05037,
https://github.com/Audio-AGI/AudioSep; the network is that of Q. Kong et al., "Universal Source Separation with Weakly
Labelled Data", 2023, https://arxiv.org/abs/2305.07447; the text tower is CLAP's, https://github.com/LAION-AI/CLAP.
Licence of code: MIT. Licence of weights: not stated separately.
"""

from sepkit.separators.audiosep.names import names
from sepkit.separators.audiosep.separator import Options, Separator, catalogue

__all__ = ["Options", "Separator", "catalogue", "names"]
