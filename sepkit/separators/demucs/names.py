"""What Demucs's bags are called: as `demucs -n` has them, and as audio-separator's files.

Source: https://github.com/adefossez/demucs, `demucs/remote`; https://github.com/nomadkaraoke/python-audio-separator,
README, "Models" (MIT).
"""

from __future__ import annotations

from sepkit.config.known_names import Known
from sepkit.separators.demucs.bags import published_bags

_OF_AUDIO_SEPARATOR = ("htdemucs", "htdemucs_ft", "htdemucs_6s", "hdemucs_mmi")
"""As NAME.yaml."""


def names() -> tuple[Known, ...]:
    """Every published bag."""
    bags = [Known(bag, bag, {"bag": bag}) for bag in published_bags()]
    files = [Known(f"{bag}.yaml", bag, {"bag": bag}, "audio-separator") for bag in _OF_AUDIO_SEPARATOR]
    return (*bags, *files)
