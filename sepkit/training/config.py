"""The YAML of a training run as typed, frozen models; config/train/speech.yaml has a unit beside every field."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from sepkit.config.yaml_file import Options, parse_yaml, read_text

Part = Annotated[float, Field(ge=0, le=1)]
Share = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Beta = Annotated[float, Field(ge=0, lt=1)]
Range = tuple[float, float]


class CorpusConfig(Options):
    """Which recordings there are, how often each folder is drawn from, and what is set aside."""

    # folder "kind/source" → how often it is drawn from beside the other sources of its kind; others count 1
    shares: dict[str, Share] = Field(default_factory=dict)
    # globs on "kind/source/file" or on the group: never used
    exclude: tuple[str, ...] = ()
    # globs likewise: set aside for validation, with everything else of their groups
    validation: tuple[str, ...] = ()
    # globs likewise: set aside for judging, neither trained nor validated on; sets of voices are made of these
    test: tuple[str, ...] = ()
    # part of all other groups, chosen by the hash of their names, that is set aside too
    validation_part: Part = 0.0


class KindShares(Options):
    """How often a background is of each kind; only their ratios count."""

    music: Share = 0.6
    noise: Share = 0.25
    singing: Share = 0.15


def must_rise(*ranges: Range) -> None:
    """An error where one of them falls."""
    for low, high in ranges:
        if low > high:
            raise ValueError(f"a range must rise, not {low} … {high}")


class ExampleConfig(Options):
    """What every kind of example has."""

    segment_s: Annotated[float, Field(ge=0.5, le=60)] = 3.0


class MixConfig(ExampleConfig):
    """What a mix is made of. Probabilities are parts, 0 … 1."""

    level_db: Range = (-10.0, 15.0)
    only_background: Part = 0.08
    only_speech: Part = 0.06
    silence: Part = 0.01
    partly_speech: Part = 0.3
    # part of the mixes in which singing is asked for beside speech, instead of being background
    sung_speech: Part = 0.0
    pieces: tuple[Part, Part] = (0.27, 0.05)
    kinds: KindShares = KindShares()
    speed: Part = 0.5
    speed_range: Range = (0.85, 1.18)
    equalise: Part = 0.5
    reverberate: Part = 0.35
    band_limit: Part = 0.08
    codec: Part = 0.04
    clip: Part = 0.03
    loudness_dbfs: Range = (-38.0, -14.0)

    @model_validator(mode="after")
    def _parts(self) -> MixConfig:
        if self.only_background + self.only_speech + self.silence > 1:
            raise ValueError("only_background, only_speech and silence together exceed 1")
        must_rise(self.level_db, self.speed_range, self.loudness_dbfs)
        return self


class LossConfig(Options):
    """How much each part of the loss counts; see `losses.py`."""

    waveform: Annotated[float, Field(ge=0)] = 0.1
    magnitude: Annotated[float, Field(ge=0)] = 2.0
    spectrum: Annotated[float, Field(ge=0)] = 1.0
    # dB below the mix at which an error no longer teaches
    floor_db: Annotated[float, Field(ge=0, le=100)] = 38.0


class CompactConfig(Options):
    """Sizes of the network; see `Shape` in separators/compact/network.py."""

    kind: Literal["compact"] = "compact"
    channels: tuple[int, int, int] = (16, 32, 48)
    hidden: Annotated[int, Field(ge=4)] = 96
    across: Annotated[int, Field(ge=4)] = 128
    dilations: tuple[int, ...] = (1, 2, 4, 8, 12)


class DeepFilterConfig(Options):
    """What is added to DeepFilterNet; see `Shape` in separators/deepfilternet/network.py."""

    kind: Literal["deepfilternet"]
    fine: tuple[Annotated[int, Field(ge=1, le=200)], ...] = (1, 2, 4, 8, 16, 32)
    wide: tuple[Annotated[int, Field(ge=1, le=200)], ...] = (1, 2, 4, 8, 16, 32, 64)
    # whether it can be told to keep singing; see `sung_speech`
    sung: bool = True
    # what is trained: all, or what it is told by alone, which leaves the rest as it is
    learns: Literal["all", "sung"] = "all"
    # part of the mixes that get a band above 8 kHz, made of the one below
    full_band: Part = 0.5
    # weight of that band's losses
    above: Annotated[float, Field(ge=0)] = 0.3


def by_kind(usual: str) -> Discriminator:
    """Which network; `usual` where nothing is said."""

    def kind(network: Any) -> str:
        return str(network.get("kind", usual) if isinstance(network, dict) else getattr(network, "kind", ""))

    return Discriminator(kind)


NetworkConfig = Annotated[
    Annotated[CompactConfig, Tag("compact")] | Annotated[DeepFilterConfig, Tag("deepfilternet")],
    by_kind("compact"),
]


class PlateauConfig(Options):
    """The learning rate times `factor` wherever the validation loss has not fallen in more than `patience` checks."""

    factor: Annotated[float, Field(gt=0, lt=1)] = 0.5
    patience: Annotated[int, Field(ge=0)] = 5


class RunConfig(Options):
    """How a run goes, whatever is learned; see `loop.py`."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    steps: Annotated[int, Field(ge=1)] = 10000
    batch: Annotated[int, Field(ge=1)] = 8
    learning_rate: Positive = 1.5e-3
    last_learning_rate: Annotated[float, Field(ge=0)] = 2e-5
    warm_up_steps: Annotated[int, Field(ge=0)] = 300
    # instead of the cosine; without a rise, and never below last_learning_rate
    plateau: PlateauConfig | None = None
    # muon: for the matrices, AdamW for the rest; see optimiser.py
    optimiser: Literal["adamw", "muon"] = "adamw"
    # of AdamW, which without weight_decay is Adam
    betas: tuple[Beta, Beta] = (0.9, 0.98)
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    clip_gradient: Positive = 5.0
    average: Annotated[float, Field(ge=0, lt=1)] = 0.999
    precision: Annotated[str, Field(pattern="^(auto|float32|bfloat16)$")] = "auto"
    workers: Annotated[int, Field(ge=0)] = 2
    threads: Annotated[int, Field(ge=0)] = 0
    tensorboard: bool = False
    check_every: Annotated[int, Field(ge=1)] = 500
    # steps after which a checkpoint is kept for good, as step_000500.pt; 0: none
    keep_every: Annotated[int, Field(ge=0)] = 0
    validation_mixes: Annotated[int, Field(ge=1)] = 96
    corpus: CorpusConfig = CorpusConfig()
    mixes: ExampleConfig = ExampleConfig()

    @model_validator(mode="after")
    def _one_schedule(self) -> RunConfig:
        if self.plateau is not None and self.warm_up_steps:
            raise ValueError(f"warm_up_steps is {self.warm_up_steps}, but with 'plateau' there is no rise; set it to 0")
        return self


class TrainConfig(RunConfig):
    """One training run of a network for speech."""

    mixes: MixConfig = MixConfig()
    loss: LossConfig = LossConfig()
    network: NetworkConfig = CompactConfig()


def load_train_config(path: Path, changes: dict[str, Any] | None = None) -> TrainConfig:
    """Read and check a YAML file; `changes` replace top-level fields. Every problem is named with its path."""
    text = read_text(path, "give a YAML file such as config/train/speech.yaml")
    return parse_yaml(text, str(path), TrainConfig, "fields such as 'steps:'", changes)
