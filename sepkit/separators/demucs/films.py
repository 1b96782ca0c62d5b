"""HTDemucs trained for films: the three networks of the Cinematic Demixing track of 2023, as a bag, and one alone.

Place: beside `bags`, which has the bags of the demucs package. Each network gives music, effects and speech; the bag is
their mean, as its authors run it.

Sources: the files and their order, https://github.com/ZFTurbo/MVSEP-CDX23-Cinematic-Sound-Demixing; the names and
digests, the registry of https://github.com/openmirlab/demucs-infer (MIT).
"""

from __future__ import annotations

from sepkit.models.about import About
from sepkit.models.weights import WeightFile, torch_checkpoints

SOURCES = ("speech", "music", "effects")
THEIRS = ("music", "sfx", "speech")
"""What the networks call theirs, in the order of their outputs."""
ORDER = tuple(THEIRS.index(name) for name in ("speech", "music", "sfx"))
"""Where each of `SOURCES` is among the outputs."""

_REPOSITORY = "https://github.com/ZFTurbo/MVSEP-CDX23-Cinematic-Sound-Demixing"
_RELEASE = _REPOSITORY + "/releases/download/v.1.0.0/"
_MEGABYTES = 84
"""About as much as other networks of this size, in half precision."""
_FILES = {
    "cdx23_dnr_a": "a778de4a72b90482a578bfb6ea6bf41462785d9136c11802c67a864a40f29434",
    "cdx23_dnr_b": "dbb4db154df7e45a5cb72d1659c48937e757f6d6b0eef8ca4199e6e38f8d8f37",
    "cdx23_dnr_c": "e41a54684d3cd6794ee2bb59183ffeb11a9a3d42db873a6a08a9829ac3ef4cfe",
}
"""SHA-256 of each network; its first digits end the file's name."""
BAGS = {"cdx23_dnr": tuple(_FILES), "cdx23_dnr_b": ("cdx23_dnr_b",)}
"""All three; and the one that their authors run where they run one."""
_FIGURES = {"cdx23_dnr": "dialogue SDR 14.68 dB, DnR v2"}


def file(bag: str, network: str) -> WeightFile:
    """Where a network is kept."""
    name = f"97d170e1-{_FILES[network][:8]}.th"
    return WeightFile(
        model=bag,
        path=torch_checkpoints() / name,
        size_bytes=_MEGABYTES * 1_000_000,
        sha256=_FILES[network],
        source=f"ZFTurbo, {_REPOSITORY}",
        licence_code="MIT",
        licence_weights="not stated",
        url=_RELEASE + name,
        about=About("dialogue", SOURCES, 44100, _FIGURES.get(bag, ""), _REPOSITORY if bag in _FIGURES else ""),
    )
