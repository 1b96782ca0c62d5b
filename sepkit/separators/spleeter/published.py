"""Spleeter's published models: what each gives, how its layers are called in its checkpoint, where it is fetched from.

Sources: https://github.com/deezer/spleeter, `spleeter/resources` (what each is), `tests/test_github_model_provider.py`
(the digests), `paper.md` (figures and licence: R. Hennequin et al., JOSS 5(50), 2020).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from sepkit.config.known_names import Known
from sepkit.models.about import About
from sepkit.models.weights import WeightFile, torch_checkpoints

SOURCE = "Hennequin et al., Spleeter, 2020, https://doi.org/10.21105/joss.02154, https://github.com/deezer/spleeter"
LICENCE = "MIT"
_RELEASE = "https://github.com/deezer/spleeter/releases/download/v1.4.0/"
SAMPLE_RATE = 44100

Name = Literal["2stems", "4stems", "5stems", "2stems-16kHz", "4stems-16kHz", "5stems-16kHz"]
Extension = Literal["zeros", "average"]


class Published(NamedTuple):
    """A model. elu: whether all activations are that, and not leaky and plain ReLUs. shared: whether a softmax shares
    each bin among the stems, and not a sigmoid for each of them. exact_size: whether the archive's size is known to
    the byte.
    """

    stems: tuple[str, ...]
    elu: bool
    shared: bool
    size_bytes: int
    sha256: str
    exact_size: bool = False


MODELS = {
    "2stems": Published(
        ("vocals", "accompaniment"),
        False,
        False,
        73_109_797,
        "f3a90b39dd2874269e8b05a48a86745df897b848c61f3958efc80a39152bd692",
        True,
    ),
    "4stems": Published(
        ("vocals", "drums", "bass", "other"),
        True,
        False,
        147_000_000,
        "3adb4a50ad4eb18c7c4d65fcf4cf2367a07d48408a5eb7d03cd20067429dfaa8",
    ),
    "5stems": Published(
        ("vocals", "piano", "drums", "bass", "other"),
        True,
        True,
        183_000_000,
        "25a1e87eb5f75cc72a4d2d5467a0a50ac75f05611f877c278793742513cc7218",
    ),
}
BINS = {"": 1024, "-16kHz": 1536}
"""How many bins of the spectrum the networks hear, from 0 to 11 kHz or to 16.5 kHz; the same weights do for both."""


def model_of(name: Name) -> str:
    """The archive of a model."""
    return name.removesuffix("-16kHz")


def bins_of(name: Name) -> int:
    """How many bins its networks hear."""
    return BINS[name.removeprefix(model_of(name))]


def file(model: str) -> WeightFile:
    """The archive of "2stems", "4stems" or "5stems"."""
    found = MODELS[model]
    figure = "vocals SDR 6.55 dB, MUSDB18" if model == "4stems" else ""
    return WeightFile(
        model=f"spleeter:{model}",
        path=torch_checkpoints() / "spleeter" / f"{model}.tar.gz",
        size_bytes=found.size_bytes,
        sha256=found.sha256,
        source=SOURCE,
        licence_code=LICENCE,
        licence_weights=LICENCE,
        url=f"{_RELEASE}{model}.tar.gz",
        exact_size=found.exact_size,
        about=About(
            "speech",
            found.stems,
            SAMPLE_RATE,
            figure,
            "https://doi.org/10.21105/joss.02154" if figure else "",
            note="keeps singing too",
        ),
    )


def catalogue() -> tuple[WeightFile, ...]:
    """The archive of each model."""
    return tuple(map(file, MODELS))


def names() -> tuple[Known, ...]:
    """As Spleeter's `-p` has them."""
    return tuple(
        Known(f"spleeter:{model}{band}", f"spleeter:{model}", {"model": f"{model}{band}"}, "Spleeter" if band else "")
        for model in MODELS
        for band in BINS
    )
