"""The two published kinds of Bandit, which differ in rate, in what lies around a segment for the transform, and in the
order of a band's numbers.

Source: https://github.com/kwatcharasupat/bandit-v2, `configs/models/bandit-mus64.yaml`; BandIt Plus,
https://github.com/ZFTurbo/Music-Source-Separation-Training, `configs/config_dnr_bandit_bsrnn_multi_mus64.yaml`.
"""

from __future__ import annotations

from typing import NamedTuple

FFT_FRAMES, HOP_FRAMES = 2048, 512


class Kind(NamedTuple):
    """A published kind. stems: their names in its files, in the order speech, music, effects.

    bins_first: whether a band's numbers go bin by bin, real beside imaginary, or all real ones go first.
    """

    name: str
    sample_rate: int
    segment_s: int
    pad_mode: str
    bins_first: bool
    stems: tuple[str, str, str]


V2 = Kind("Bandit v2", 48000, 8, "reflect", True, ("speech", "music", "sfx"))
PLUS = Kind("BandIt Plus", 44100, 6, "constant", False, ("speech", "music", "effects"))
