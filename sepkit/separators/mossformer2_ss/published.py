"""The published MossFormer2s for voices by name, and where they are fetched from.

Sources: ClearVoice's README for its model and figure; three projects that pin its file agree on size and SHA-256. The
file has the state of its training beside the network, and is three times as large. Of the older ones of 8 kHz nobody
gives a SHA-256, and their pages no licence.
"""

from __future__ import annotations

from pathlib import Path

from sepkit.config.known_names import Known
from sepkit.models.about import About
from sepkit.models.weights import WeightFile, torch_checkpoints
from sepkit.separators._voices import parts
from sepkit.separators._voices.parts import Stored
from sepkit.separators._voices.separator import COST_FROM

PAPER = "Zhao et al., MossFormer2, 2024, https://arxiv.org/abs/2312.11825"
SOURCE = f"{PAPER}; https://github.com/modelscope/ClearerVoice-Studio"
OLDER_SOURCE = f"{PAPER}; https://github.com/alibabasglab/MossFormer2"
LICENCE, OLDER_LICENCE = "Apache-2.0", "MIT"
HUB = "https://huggingface.co/alibabasglab"
CLEARVOICE = "MossFormer2_SS_16K"
NATIVE_HZ, OLDER_HZ = 16000, 8000
OLDER = {"mossformer2-librimix-2spk": 2, "mossformer2-wsj0mix-3spk": 3, "mossformer2-whamr-2spk": 2}
"""Those of 8 kHz, and how many voices each gives."""
UNMASKED = "mossformer2-whamr-2spk"
"""What it gives are no masks, but the filters' numbers themselves: a room's echo is taken away so."""
VOICES = {CLEARVOICE: 2, **OLDER}
FIGURE = "SI-SNRi 16.7 dB, Libri2Mix at 8 kHz"
CPU_SECONDS = 7.6
PARAMETERS = 55_735_410
FLOAT_BYTES = 4
FILTERS = Stored(512 * 16 * FLOAT_BYTES)


def files(name: str) -> tuple[WeightFile, ...]:
    """A model's file, or its three."""
    stems = tuple(f"speaker_{number}" for number in range(1, VOICES[name] + 1))
    note = "what lies above its rate follows"
    if name in OLDER:
        cost = CPU_SECONDS * OLDER_HZ / NATIVE_HZ  # as many steps fewer
        about = About("speakers", stems, OLDER_HZ, seconds_a_second=cost, cost_from=COST_FROM, note=note)
        like = WeightFile(name, Path(), 0, "", OLDER_SOURCE, OLDER_LICENCE, "not stated", about=about)
        sizes = {"masknet": Stored(FLOAT_BYTES * PARAMETERS), "encoder": FILTERS, "decoder": FILTERS}
        return parts.published(f"{HUB}/{name}", "main", sizes, like)
    readme = "https://github.com/modelscope/ClearerVoice-Studio/blob/main/clearvoice/README.md"
    return (
        WeightFile(
            model=name,
            path=torch_checkpoints() / name / "last_best_checkpoint.pt",
            size_bytes=670_353_271,
            sha256="00a3a48bda492db1e829b85dd443f8f43a43039a3e90f1a24962ea9caf14a11a",
            source=SOURCE,
            licence_code=LICENCE,
            licence_weights=LICENCE,
            url=f"{HUB}/{name}/resolve/407cb030cd66340918ebb6c8cc63b18f8592cdbe/last_best_checkpoint.pt",
            exact_size=True,
            about=About("speakers", stems, NATIVE_HZ, FIGURE, readme, CPU_SECONDS, COST_FROM, note),
        ),
    )


def catalogue() -> tuple[WeightFile, ...]:
    """The files of every model."""
    return tuple(file for name in VOICES for file in files(name))


def names() -> tuple[Known, ...]:
    """Each model's name, and that of its page."""
    return tuple(
        known
        for name in VOICES
        for known in (
            Known(name, name, {"model": name}),
            Known(f"alibabasglab/{name}", name, {"model": name}, "Hugging Face"),
        )
    )
