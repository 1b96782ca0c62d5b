"""The weights that come with sepkit."""

from __future__ import annotations

from pathlib import Path

from sepkit.models.about import About
from sepkit.models.weights import WeightFile

WEIGHTS_PATH = Path(__file__).parents[2] / "weights" / "speakers.safetensors"
SIZE_BYTES = 8_755_648
SHA256 = "37b63d3ef2496e51a402680ffd163eed5bf2f15eab0e50edded7e64490cd80d1"


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
        about=About(
            task="speakers",
            stems=("speaker_1", "speaker_2"),
            sample_rate=16000,
            figure="SI-SDRi 4.35 dB, two voices, own set",
            figure_source="sepkit/weights/speakers.md",
            seconds_a_second=0.028,
            cost_from="python -m scripts.bench speakers --set SET --config config/speakers.yaml",
            note="what lies above its rate follows",
        ),
    )
