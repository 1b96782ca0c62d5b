"""Where CLAP's weights are: inside AudioSep's checkpoint, which its member reads too, beside RoBERTa's tokenizer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from sepkit import config
from sepkit.models.about import About
from sepkit.models.weights import WeightFile, own_file, torch_checkpoints

SOURCE = "Liu et al., 2023, https://github.com/Audio-AGI/AudioSep"
LICENCE_CODE = "MIT"
_SPACE = "https://huggingface.co/spaces/Audio-AGI/AudioSep/resolve/0a03745fe2b1840f9803c69fb73602f6011b88f6/checkpoint/"
_ROBERTA = "https://huggingface.co/FacebookAI/roberta-base/resolve/e2da8e2f811d1448a5b465c236feacd80ffbac7b/"


def published() -> tuple[WeightFile, WeightFile]:
    """AudioSep's checkpoint, and RoBERTa's tokenizer."""
    return (
        WeightFile(
            model="audiosep",
            path=torch_checkpoints() / "audiosep_base_4M_steps.ckpt",
            size_bytes=1_264_844_076,
            sha256="f8cda01bfd0ebd141eef45d41db7a3ada23a56568465840d3cff04b8010ce82c",
            source=SOURCE,
            licence_code=LICENCE_CODE,
            licence_weights="not stated separately",
            url=_SPACE + "audiosep_base_4M_steps.ckpt",
            about=About(
                task="edit",
                stems=("edited", "taken"),
                sample_rate=32000,
                figure="SDRi 10.04 dB, ESC-50",
                figure_source="https://github.com/Audio-AGI/AudioSep",
                note="takes any words",
            ),
        ),
        WeightFile(
            model="audiosep",
            path=torch_checkpoints() / "roberta-base_tokenizer.json",
            size_bytes=1_355_863,
            sha256="847bbeab6174d66a88898f729d52fa8d355fafe1bea101cf960dd404581df70e",
            source="Liu et al., RoBERTa, 2019, https://huggingface.co/FacebookAI/roberta-base",
            licence_code="MIT",
            licence_weights="MIT",
            url=_ROBERTA + "tokenizer.json",
        ),
    )


def own_or_published(weights: Path | None) -> tuple[WeightFile, WeightFile]:
    """The files of `Clap`: a checkpoint of the user's own, laion's or AudioSep's, in place of the published one."""
    checkpoint, tokenizer = published()
    return own_file(str(weights), "clap", SOURCE, LICENCE_CODE) if weights else checkpoint, tokenizer


class Weights(config.Options):
    """Which weights, for the options of what reads them.

    weights: a checkpoint of your own; null takes the published one. sha256: of your own, whole or its first digits;
    null trusts the file.
    """

    weights: str | None = None
    sha256: Annotated[str, Field(pattern=r"^[0-9a-fA-F]{8,64}$")] | None = None

    @model_validator(mode="after")
    def _of_what(self) -> Weights:
        if self.sha256 is not None and self.weights is None:
            raise ValueError("sha256 is for weights of your own; name them in 'weights', or leave it out")
        return self

    def file(self, published: WeightFile, model: str, source: str) -> WeightFile:
        """The file that is meant. model, source: of one of the user's own."""
        if self.weights is None:
            return published
        return own_file(self.weights, model, source, LICENCE_CODE, self.sha256)
