"""The published Bandits by name: where each is fetched from, and what it is called elsewhere.

Sources: https://zenodo.org/records/12701995 (Bandit v2, by its authors; CC BY-SA 4.0) and the same tensors without the
training's state, which the community keeps; https://github.com/ZFTurbo/Music-Source-Separation-Training,
`docs/pretrained_models.md` (BandIt Plus, and its figure). The digests are those on which the projects that pin these
files agree; of six languages none is known.
"""

from __future__ import annotations

from typing import NamedTuple

from sepkit.config.known_names import Known
from sepkit.models.about import About
from sepkit.models.weights import WeightFile, torch_checkpoints
from sepkit.separators.bandit.kinds import PLUS, V2, Kind

SOURCES: tuple[str, ...] = ("speech", "music", "effects")
_V2 = "Watcharasupat et al., Bandit v2, https://github.com/kwatcharasupat/bandit-v2"
_PLUS = "Watcharasupat et al., BandIt, https://github.com/kwatcharasupat/bandit"
_FIGURES = "https://github.com/ZFTurbo/Music-Source-Separation-Training/blob/main/docs/pretrained_models.md"
_RELEASE = "https://github.com/ZFTurbo/Music-Source-Separation-Training/releases/download/v.1.0.3/"
_UVR = "https://github.com/TRvlvr/model_repo/releases/download/all_public_uvr_models/"
_STATES = "https://huggingface.co/jarredou/banditv2_state_dicts_only/resolve/main/"
_WEBUI = "https://huggingface.co/Sucial/MSST-WebUI/resolve/main/All_Models/multi_stem_models/"
_ZENODO = "https://zenodo.org/records/12701995/files/"
_LANGUAGES = {"eng": "English", "deu": "German", "fra": "French", "spa": "Spanish", "cmn": "Mandarin", "fao": "Faroese"}
_LANGUAGE_BYTES = 149_097_604


class Published(NamedTuple):
    """A model. names: (name, whose)."""

    kind: Kind
    url: str
    size_bytes: int
    sha256: str
    names: tuple[tuple[str, str], ...]
    figure: str = ""
    mirrors: tuple[str, ...] = ()
    note: str = ""


def _of_language(code: str) -> Published:
    state, own = f"checkpoint-{code}_state_dict.ckpt", f"checkpoint-{code}.ckpt"
    known = (state, "Music-Source-Separation-Training"), (own, "Zenodo")
    note = f"trained on {_LANGUAGES[code]}; its authors' own file, {_ZENODO}{own}, is read too, as weights: {own}"
    return Published(V2, _STATES + state, _LANGUAGE_BYTES, "", known, note=note)


MODELS = {
    "bandit-v2-multi": Published(
        V2,
        _UVR + "checkpoint-multi_fixed.ckpt",
        149_133_378,
        "20bcd513dc7eb0541dd045909a4e7dff8dab474cc2efba4904101c76524aee85",
        (
            ("checkpoint-multi_fixed.ckpt", "UVR"),
            ("checkpoint-multi_state_dict.ckpt", "Music-Source-Separation-Training"),
            ("checkpoint-multi.ckpt", "Zenodo"),
        ),
        note="trained on many languages",
    ),
    **{f"bandit-v2-{code}": _of_language(code) for code in _LANGUAGES},
    "bandit-plus": Published(
        PLUS,
        _RELEASE + "model_bandit_plus_dnr_sdr_11.47.chpt",
        148_891_175,
        "c48284779f7d1258a6527d3aaa18a532d45c1f506e2dcc25d5ab179a8c5e2573",
        (
            ("model_bandit_plus_dnr_sdr_11.47.chpt", "Music-Source-Separation-Training"),
            ("model_bandit_plus_dnr_sdr_11.47.ckpt", "UVR"),
        ),
        figure="dialogue SDR 15.64 dB, DnR v2",
        mirrors=(_WEBUI + "model_bandit_plus_dnr_sdr_11.47.chpt",),
    ),
}


def file(model: str) -> WeightFile:
    """A model's checkpoint."""
    found = MODELS[model]
    source, licence = (_V2, "CC BY-SA 4.0") if found.kind is V2 else (_PLUS, "not stated")
    figured = _FIGURES if found.figure else ""
    return WeightFile(
        model=model,
        path=torch_checkpoints() / "bandit" / found.url.rpartition("/")[2],
        size_bytes=found.size_bytes,
        sha256=found.sha256,
        source=source,
        licence_code="Apache-2.0",
        licence_weights=licence,
        url=found.url,
        mirrors=found.mirrors,
        exact_size=True,
        about=About("dialogue", SOURCES, found.kind.sample_rate, found.figure, figured, note=found.note),
    )


def catalogue() -> tuple[WeightFile, ...]:
    """The checkpoint of every model."""
    return tuple(file(model) for model in MODELS)


def names() -> tuple[Known, ...]:
    """Each model's own name and those that it has elsewhere."""
    own = [Known(model, model, {"model": model}) for model in MODELS]
    elsewhere = [
        Known(name, model, {"model": model}, whose) for model, found in MODELS.items() for name, whose in found.names
    ]
    return (*own, *elsewhere)
