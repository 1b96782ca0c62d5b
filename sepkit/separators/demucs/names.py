"""What Demucs's bags are called: as `demucs -n` has them, and as audio-separator's files.

Source: https://github.com/adefossez/demucs, `demucs/remote`; https://github.com/openmirlab/demucs-infer;
https://github.com/nomadkaraoke/python-audio-separator, README, "Models" (MIT).
"""

from __future__ import annotations

from typing import Any

from sepkit.config.known_names import Known
from sepkit.separators.demucs import films
from sepkit.separators.demucs.bags import published_bags

_OF_AUDIO_SEPARATOR = ("htdemucs", "htdemucs_ft", "htdemucs_6s", "hdemucs_mmi")
"""As NAME.yaml."""


def names() -> tuple[Known, ...]:
    """Every published bag."""
    bags = [Known(bag, bag, _options(bag)) for bag in published_bags()]
    files = [Known(f"{bag}.yaml", bag, _options(bag), "audio-separator") for bag in _OF_AUDIO_SEPARATOR]
    film = Known("97d170e1-dbb4db15.th", "cdx23_dnr_b", _options("cdx23_dnr_b"), "MVSEP-CDX23")
    return (*bags, *files, film)


def _options(bag: str) -> dict[str, Any]:
    """Those for films run with one shift, as by their authors."""
    return {"bag": bag, "shifts": 1} if bag in films.BAGS else {"bag": bag}
