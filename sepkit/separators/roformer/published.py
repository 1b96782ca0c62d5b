"""Published RoFormers by name: a YAML and a checkpoint each, where they are fetched from, and what they are called.

Sources: the YAMLs and figures, https://github.com/ZFTurbo/Music-Source-Separation-Training,
`docs/pretrained_models.md` (MIT; SDR on its Multisong set); names, https://github.com/nomadkaraoke/python-audio-separator
(MIT). The hub gives a checkpoint's digest; a release of GitHub's gives none, and what stands here is what the projects
that pin that file agree on. A model more is an entry more in `MODELS`.
"""

from __future__ import annotations

from typing import NamedTuple

from sepkit.config.known_names import Known
from sepkit.models.about import About
from sepkit.models.weights import WeightFile, torch_checkpoints

_FIGURES = "https://github.com/ZFTurbo/Music-Source-Separation-Training/blob/main/docs/pretrained_models.md"
_YAMLS = (
    "https://raw.githubusercontent.com/ZFTurbo/Music-Source-Separation-Training/"
    "ccc011abf7f89dd7922bb2888d48493b575c0289/configs/"
)
_RELEASES = "https://github.com/TRvlvr/model_repo/releases/download/all_public_uvr_models/"
_HUB = "https://huggingface.co/KimberleyJSN/melbandroformer/resolve/ac9b0614ab3cd7f77219e18ba494dfd93956c348/"


class Stored(NamedTuple):
    """A file as it is published; its name here is the last part of the address."""

    url: str
    size_bytes: int
    sha256: str


class Published(NamedTuple):
    """A model. stems: those of its YAML. names: what audio-separator and others call it."""

    yaml: Stored
    checkpoint: Stored
    source: str
    licence: str
    figure: str
    stems: tuple[str, ...] = ("vocals",)
    names: tuple[str, ...] = ()


MODELS = {
    "mel-band-roformer-kim": Published(
        Stored(
            _YAMLS + "KimberleyJensen/config_vocals_mel_band_roformer_kj.yaml",
            1_721,
            "f63f38eb1e6e40a7db0dade714a5ae257555dd8748f4e774eae8679275a81926",
        ),
        Stored(
            _HUB + "MelBandRoformer.ckpt",
            913_106_900,
            "87201f4d31afb5bc79993230fc49446918425574db48c01c405e44f365c7559e",
        ),
        "Kimberley Jensen, https://huggingface.co/KimberleyJSN/melbandroformer",
        "MIT",
        "vocals SDR 10.98 dB, Multisong",
        names=("vocals_mel_band_roformer.ckpt", "KimberleyJSN/melbandroformer"),
    ),
    "bs-roformer-viperx-1297": Published(
        Stored(
            _YAMLS + "viperx/model_bs_roformer_ep_317_sdr_12.9755.yaml",
            1_881,
            "42e5635ceab7287b83d9591c9880966f0b61cff26a0a40a29d236bacb32e5f2c",
        ),
        Stored(
            _RELEASES + "model_bs_roformer_ep_317_sdr_12.9755.ckpt",
            639_331_213,
            "5b84f37e8d444c8cb30c79d77f613a41c05868ff9c9ac6c7049c00aefae115aa",
        ),
        "viperx, https://github.com/TRvlvr/model_repo/releases",
        "not stated",
        "vocals SDR 10.87 dB, Multisong",
        names=("model_bs_roformer_ep_317_sdr_12.9755.ckpt", "model_bs_roformer_ep_317_sdr_12.9755.yaml"),
    ),
}


def files(model: str) -> tuple[WeightFile, WeightFile]:
    """A model's YAML and its checkpoint."""
    found = MODELS[model]
    about = About("speech", found.stems, 44100, found.figure, _FIGURES, note="keeps singing too")
    yaml, checkpoint = (
        WeightFile(
            model=model,
            path=torch_checkpoints() / "roformer" / stored.url.rpartition("/")[2],
            size_bytes=stored.size_bytes,
            sha256=stored.sha256,
            source=found.source,
            licence_code="MIT",
            licence_weights=found.licence,
            url=stored.url,
            exact_size=True,
            about=about,
        )
        for stored in (found.yaml, found.checkpoint)
    )
    return yaml, checkpoint


def catalogue() -> tuple[WeightFile, ...]:
    """The files of every model."""
    return tuple(file for model in MODELS for file in files(model))


def names() -> tuple[Known, ...]:
    """Each model's own name and those that it has elsewhere."""
    own = [Known(model, model, {"model": model}) for model in MODELS]
    return (
        *own,
        *(
            Known(name, model, {"model": model}, _whose(name))
            for model, found in MODELS.items()
            for name in found.names
        ),
    )


def _whose(name: str) -> str:
    return "Hugging Face" if "/" in name else "audio-separator"
