"""The published SepFormers by name, and where they are fetched from.

Sources: the models' pages, https://huggingface.co/speechbrain, which give figures and licences. Digests and sizes of
sepformer-libri3mix are those that the hub tells of the revision named here; of the others nobody gives one.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from sepkit.config.known_names import Known
from sepkit.models.about import About
from sepkit.models.weights import WeightFile
from sepkit.separators._voices import parts
from sepkit.separators._voices.parts import Stored
from sepkit.separators._voices.separator import COST_FROM

SOURCE = "Subakan et al., SepFormer, 2021, https://arxiv.org/abs/2010.13154; https://github.com/speechbrain/speechbrain"
LICENCE = "Apache-2.0"
NOISY = "unclear: Apache-2.0 by its page, and trained on noise of WHAM!, CC BY-NC 4.0"
CPU_SECONDS = 2.3
"""A second of sound at 8 kHz; at 16 kHz there are twice as many steps."""
FILTERS = Stored(17_272)
MASKS = {2: Stored(113_113_000), 3: Stored(113_376_000)}


class Published(NamedTuple):
    """A model. improved_db: SI-SNR beside the mix. on: of which test set."""

    sample_rate: int
    voices: int
    improved_db: float
    on: str
    licence: str = LICENCE
    revision: str = "main"
    stored: Mapping[str, Stored] = MappingProxyType({})


MODELS = {
    "sepformer-wsj02mix": Published(8000, 2, 22.4, "WSJ0-2Mix"),
    "sepformer-wsj03mix": Published(8000, 3, 19.8, "WSJ0-3Mix"),
    "sepformer-libri2mix": Published(8000, 2, 20.6, "Libri2Mix"),
    "sepformer-libri3mix": Published(
        8000,
        3,
        19.0,
        "Libri3Mix",
        revision="1f2d824e2333aec9e60d0030fb144885c1afc426",
        stored={
            "masknet": Stored(113_375_814, "416af7b09d912c486261dd824788dd92d3b21373c8ec4d029209792522f4dbcb"),
            "encoder": Stored(17_272, "e949e80c1a96965b723460209bb155eac1fdb2f6d2cf4e7b3e1d3152716f38d0"),
            "decoder": Stored(17_272, "9afdda4e4ecb9eefb5d49329193c7a9215ae7443aab206f2fe4eb0f50988ca53"),
        },
    ),
    "sepformer-wham": Published(8000, 2, 16.3, "WHAM!, with noise", NOISY),
    "sepformer-whamr": Published(8000, 2, 13.7, "WHAMR!, with noise and a room", NOISY),
    "sepformer-whamr16k": Published(16000, 2, 13.5, "WHAMR!, with noise and a room", NOISY),
}


def files(name: str) -> tuple[WeightFile, ...]:
    """A model's three files."""
    found = MODELS[name]
    page = f"https://huggingface.co/speechbrain/{name}"
    about = About(
        "speakers",
        tuple(f"speaker_{number}" for number in range(1, found.voices + 1)),
        found.sample_rate,
        f"SI-SNRi {found.improved_db:.1f} dB, {found.on}",
        page,
        CPU_SECONDS * found.sample_rate / 8000,
        COST_FROM,
        "what lies above its rate follows",
    )
    sizes = {"masknet": MASKS[found.voices], "encoder": FILTERS, "decoder": FILTERS}
    like = WeightFile(name, Path(), 0, "", SOURCE, LICENCE, found.licence, about=about)
    return parts.published(page, found.revision, {**sizes, **found.stored}, like)


def catalogue() -> tuple[WeightFile, ...]:
    """The files of every model."""
    return tuple(file for name in MODELS for file in files(name))


def names() -> tuple[Known, ...]:
    """Each model's name, and that of its page, by which speechbrain knows it."""
    return tuple(
        known
        for name in MODELS
        for known in (
            Known(name, name, {"model": name}),
            Known(f"speechbrain/{name}", name, {"model": name}, "speechbrain"),
        )
    )
