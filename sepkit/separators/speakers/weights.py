"""The weights that come with sepkit."""

from __future__ import annotations

from pathlib import Path

from sepkit.models.weights import WeightFile

WEIGHTS_PATH = Path(__file__).parents[2] / "weights" / "speakers.safetensors"
SIZE_BYTES = 1_403_920
SHA256 = "7e6c661ac6df57a53e4566313e5f2d21587e6c21039f644fa073d9abdb8d3f91"


def weight_file() -> WeightFile:
    """The network for two voices."""
    return WeightFile(
        model="speakers",
        path=WEIGHTS_PATH,
        size_bytes=SIZE_BYTES,
        sha256=SHA256,
        source="sepkit's own, sepkit/weights/speakers.md; speech of https://www.openslr.org/12 and https://www.openslr.org/101",
        licence_code="MIT",
        licence_weights="MIT",
    )
