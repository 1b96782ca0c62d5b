"""The YAML of a training of the member `prompted`; config/train/text.yaml has a unit beside every field."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, Tag, model_validator

from sepkit.config.yaml_file import Options, parse_yaml, read_text
from sepkit.training.config import ExampleConfig, Part, Range, RunConfig, by_kind, must_rise

Channels = Annotated[int, Field(ge=1)]


class SoundMixConfig(ExampleConfig):
    """What a mix of labelled sounds is made of. Probabilities are parts, 0 … 1."""

    segment_s: Annotated[float, Field(ge=0.5, le=60)] = 4.0
    # dB, of what is asked for over each of the others
    level_db: Range = (-8.0, 8.0)
    # that a third sound is there; that nothing but what is asked for is; that what is asked for is not there
    third: Part = 0.15
    alone: Part = 0.05
    absent: Part = 0.12
    speed: Part = 0.5
    speed_range: Range = (0.8, 1.25)
    equalise: Part = 0.5
    reverberate: Part = 0.2
    loudness_dbfs: Range = (-40.0, -14.0)

    @model_validator(mode="after")
    def _parts(self) -> SoundMixConfig:
        if self.alone + self.absent > 1:
            raise ValueError("alone and absent together exceed 1")
        must_rise(self.level_db, self.speed_range, self.loudness_dbfs)
        return self


class SoundLossConfig(Options):
    """How much each part of the loss counts; see `losses.py`. sounds: which sound is there when."""

    waveform: Annotated[float, Field(ge=0)] = 0.05
    scale_free: Annotated[float, Field(ge=0)] = 0.05
    magnitude: Annotated[float, Field(ge=0)] = 2.0
    spectrum: Annotated[float, Field(ge=0)] = 1.0
    sounds: Annotated[float, Field(ge=0)] = 1.0
    # dB below the mix at which an error no longer teaches
    floor_db: Annotated[float, Field(ge=0, le=100)] = 25.0


class PromptedConfig(Options):
    """Sizes of the member's own network; see `Shape` in models/prompted/network.py."""

    kind: Literal["prompted"] = "prompted"
    channels: tuple[int, int, int, int] = (16, 32, 64, 128)
    dilations: tuple[int, ...] = (1, 2, 4, 8)


class UNetConfig(Options):
    """Sizes of the original U-Net; see `Shape` in models/prompted/unet.py."""

    kind: Literal["unet"]
    channels: tuple[Channels, Channels, Channels, Channels] = (64, 128, 256, 512)


NetworkConfig = Annotated[
    Annotated[PromptedConfig, Tag("prompted")] | Annotated[UNetConfig, Tag("unet")],
    by_kind("prompted"),
]


class TextConfig(RunConfig):
    """One training run."""

    mixes: SoundMixConfig = SoundMixConfig()
    loss: SoundLossConfig = SoundLossConfig()
    network: NetworkConfig = PromptedConfig()
    # how often a label is asked for or heard beside the others; others count 1
    labels: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_loss(self) -> TextConfig:
        if isinstance(self.network, UNetConfig) and "loss" in self.model_fields_set:
            raise ValueError("loss: weighs the losses of the kind 'prompted'; the kind 'unet' has one, leave it out")
        return self


def load_text_config(path: Path, changes: dict[str, Any] | None = None) -> TextConfig:
    """Read and check a YAML file; `changes` replace top-level fields."""
    text = read_text(path, "give a YAML file such as config/train/text.yaml")
    return parse_yaml(text, str(path), TextConfig, "fields such as 'steps:'", changes)
