"""The YAML of a training for the task speakers; config/train/speakers.yaml has a unit beside every field."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, create_model, field_validator, model_validator

from sepkit.config.yaml_file import Options, OptionsError, parse_yaml, problems, read_text
from sepkit.training.config import ExampleConfig, Part, Range, RunConfig, Share, must_rise

MOST_SPEAKERS = 3
"""The loss tries every order of the voices."""


class VoiceMixConfig(ExampleConfig):
    """What a mix of voices is made of. Probabilities are parts, 0 … 1."""

    segment_s: Annotated[float, Field(ge=0.5, le=60)] = 4.0
    # dB, of each further voice against the first
    level_db: Range = (-5.0, 5.0)
    # that one voice alone is there; that all speak from the first to the last moment, else a part of the time together
    alone: Part = 0.15
    full: Part = 0.5
    overlap: tuple[Part, Part] = (0.0, 1.0)
    # that a voice pauses, and for how long
    pause: Part = 0.3
    pause_s: Range = (0.3, 2.0)
    # that there is noise, and how far below the voices
    noise: Part = 0.2
    noise_db: Range = (5.0, 25.0)
    speed: Part = 0.5
    speed_range: Range = (0.9, 1.1)
    equalise: Part = 0.2
    # of a mix: all its voices are in one room
    reverberate: Part = 0.2
    loudness_dbfs: Range = (-38.0, -14.0)
    # so many mixes come first in which all speak from the first to the last moment, without room, noise or equaliser
    easy_mixes: Annotated[int, Field(ge=0)] = 0
    # which mixes of a LibriMix tree; of it, only `alone` and `loudness_dbfs` are used beside
    mixture: Literal["mix_clean", "mix_both"] = "mix_clean"

    def easy(self) -> VoiceMixConfig:
        """Of those that come first."""
        absent = ("alone", "pause", "noise", "equalise", "reverberate")
        return self.model_copy(update={"full": 1.0, **dict.fromkeys(absent, 0.0)})

    @model_validator(mode="after")
    def _ranges(self) -> VoiceMixConfig:
        must_rise(self.level_db, self.overlap, self.pause_s, self.noise_db, self.speed_range, self.loudness_dbfs)
        if self.pause_s[0] < 0 or self.speed_range[0] < 0.5 or self.speed_range[1] > 2:
            raise ValueError("pause_s begins at 0 or above, speed_range lies in 0.5 … 2")
        return self


class VoiceLossConfig(Options):
    """How much each part of the loss counts; see `permutation.py`."""

    waveform: Share = 1.0
    si_sdr: Share = 0.0
    spectrum: Share = 0.0
    masks: Share = 0.0
    # dB below the mix at which an error no longer teaches
    floor_db: Annotated[float, Field(ge=0, le=100)] = 30.0

    @model_validator(mode="after")
    def _one_at_least(self) -> VoiceLossConfig:
        if not self.waveform + self.si_sdr + self.spectrum + self.masks:
            raise ValueError("waveform, si_sdr, spectrum and masks are all 0; raise one")
        return self


class SpeakersConfig(RunConfig):
    """One training run. network: its kind, and the sizes of that kind's `Shape` (separators/speakers/networks)."""

    mixes: VoiceMixConfig = VoiceMixConfig()
    loss: VoiceLossConfig = VoiceLossConfig()
    network: dict[str, Any] = Field(default_factory=lambda: {"kind": "compact_pair"}, validate_default=True)

    @field_validator("network")
    @classmethod
    def _sizes(cls, given: dict[str, Any]) -> dict[str, Any]:
        """With every size that the kind has."""
        from sepkit.separators.speakers import networks

        kind = given.get("kind")
        if kind not in networks.KINDS:
            raise OptionsError([("kind", f"{kind!r} is none of {', '.join(networks.KINDS)}")])
        sizes = _model(networks.shape_of(kind))
        try:
            checked = sizes.model_validate({name: size for name, size in given.items() if name != "kind"})
        except ValidationError as error:
            raise OptionsError(list(problems(error, sizes))) from error
        wrong = [(name, f"sizes are 1 or more, found {size}") for name, size in checked if _least(size) < 1]
        if checked.speakers not in range(2, MOST_SPEAKERS + 1):  # type: ignore[attr-defined]
            wrong.append(("speakers", f"2 or {MOST_SPEAKERS} are asked, found {checked.speakers}"))  # type: ignore[attr-defined]
        if wrong:
            raise OptionsError(wrong)
        return {"kind": kind, **checked.model_dump()}

    @property
    def kind(self) -> str:
        """Of the network."""
        return str(self.network["kind"])

    @property
    def speakers(self) -> int:
        """How many voices the network gives."""
        return int(self.network["speakers"])

    @property
    def shape(self) -> Any:
        """The network's sizes."""
        from sepkit.separators.speakers import networks

        return networks.shape_of(self.kind)(**{name: size for name, size in self.network.items() if name != "kind"})


def load_speakers_config(path: Path, changes: dict[str, Any] | None = None) -> SpeakersConfig:
    """Read and check a YAML file; `changes` replace top-level fields."""
    text = read_text(path, "give a YAML file such as config/train/speakers.yaml")
    return parse_yaml(text, str(path), SpeakersConfig, "fields such as 'steps:'", changes)


def _model(shape: Any) -> type[Options]:
    """A dataclass of sizes as a section: unknown names and wrong types are errors."""
    from dataclasses import MISSING, fields
    from typing import get_type_hints

    hints = get_type_hints(shape)
    sizes: dict[str, Any] = {
        each.name: (hints[each.name], ... if each.default is MISSING else each.default) for each in fields(shape)
    }
    return create_model("Sizes", __base__=Options, **sizes)


def _least(size: Any) -> float:
    """The smallest number in a size; what is no number is none to judge."""
    if isinstance(size, (tuple, list)):
        return min(map(_least, size), default=1)
    return size if isinstance(size, int) and not isinstance(size, bool) else 1
