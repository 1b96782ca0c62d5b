"""The weights that come with sepkit."""

from __future__ import annotations

from pathlib import Path

from sepkit.models.weights import WeightFile

WEIGHTS_PATH = Path(__file__).parents[2] / "weights" / "speakers.safetensors"
SIZE_BYTES = 1_403_912
SHA256 = "9b352b47836f2aaf7d207bc0726c1377adf905b2858d90dce799158c7db4bde6"


def weight_file() -> WeightFile:
    """The network for two voices."""
    return WeightFile(
        model="speakers",
        path=WEIGHTS_PATH,
        size_bytes=SIZE_BYTES,
        sha256=SHA256,
        source="sepkit's own, sepkit/weights/speakers.md",
        licence_code="MIT",
        licence_weights="MIT",
    )
