"""The sections of the YAML file, each a typed, frozen model."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SerializeAsAny, ValidationError, field_validator, model_validator

from sepkit.config import known_names, plugins
from sepkit.config.yaml_file import Options, OptionsError, problems
from sepkit.errors import ConfigError


class _Plugin(Options):
    """A section that chooses a plug-in by name; its `options` are that plug-in's own model."""

    @model_validator(mode="before")
    @classmethod
    def _resolve_options(cls, raw: Any) -> Any:
        kind = {"separator": "separators", "denoiser": "denoisers", "metric": "metrics"}
        if not isinstance(raw, dict):
            return raw
        key = next(key for key in kind if key in cls.model_fields)
        if not isinstance(raw.get(key), str):
            return {**raw, "options": Options()}  # whose they are is the mistake to mend first
        try:
            raw = known_names.spelled_out(raw) if key == "separator" else raw
            name, given = raw[key], raw.get("options")
            options_model = plugins.load(kind[key], name).Options
        except ConfigError as error:
            raise OptionsError([(key, str(error))]) from error
        if isinstance(given, Options):
            given = given.model_dump()
        try:
            return {**raw, "options": options_model.model_validate({} if given is None else given)}
        except ValidationError as error:
            inner = [(f"options.{path}".rstrip("."), text) for path, text in problems(error, options_model)]
            raise OptionsError(inner) from error


class MemberConfig(_Plugin):
    """One separator of the ensemble."""

    separator: str
    weight: Annotated[float, Field(gt=0, le=1000)] = 1.0
    options: SerializeAsAny[Options]


class StftConfig(Options):
    """The transform on which masks are made: a periodic Hann window, `hop_frames` apart."""

    fft_frames: Annotated[int, Field(ge=64, le=65536)] = 2048
    hop_frames: Annotated[int, Field(ge=16, le=32768)] = 512

    @model_validator(mode="after")
    def _overlap(self) -> StftConfig:
        if self.fft_frames % 2 or self.fft_frames % self.hop_frames or self.fft_frames // self.hop_frames < 2:
            raise ValueError("fft_frames must be even and at least twice hop_frames, and a whole multiple of it")
        return self


class FuseConfig(Options):
    """How the members' masks become one."""

    rule: Literal["max", "mean", "min", "weights"] = "max"
    mask: Literal["power", "root", "none"] = "power"

    @model_validator(mode="after")
    def _mean(self) -> FuseConfig:
        if self.mask == "none" and self.rule in ("max", "min"):
            raise ValueError(
                f"mask: none is for the rules mean and weights, not for {self.rule}; change one of the two"
            )
        return self


class DenoiseConfig(_Plugin):
    """out = (1 − wet)·x + wet·((1 − dry)·D(x) + dry·x)."""

    denoiser: str
    wet: Annotated[float, Field(ge=0, le=1)] = 0.35
    dry: Annotated[float, Field(ge=0, le=1)] = 0.05
    options: SerializeAsAny[Options]


class PostMaskConfig(Options):
    """β-Wiener on the estimate against the residual of the mix."""

    beta: Annotated[float, Field(gt=0, le=8)] = 1.5


class EqualiseConfig(Options):
    """A high-pass and a high shelf, each second order; a null leaves it out."""

    high_pass_hz: Annotated[float, Field(gt=0, le=1000)] | None = 70.0
    shelf_hz: Annotated[float, Field(ge=1000, le=20000)] | None = 12000.0
    shelf_gain_db: Annotated[float, Field(ge=-24, le=24)] = 1.5


class LoudnessConfig(Options):
    """Integrated loudness (ITU-R BS.1770) of where someone speaks, and the true-peak ceiling.

    least_speech_s: with less speech the level is left as it is; 0: the whole file counts as speech.
    """

    target_lufs: Annotated[float, Field(ge=-70, le=0)] | None = -16.0
    ceiling_dbtp: Annotated[float, Field(ge=-20, le=0)] | None = -1.0
    ceiling_by: Literal["limiter", "gain", "clip"] = "limiter"
    lookahead_ms: Annotated[float, Field(gt=0, le=50)] = 5.0
    release_ms: Annotated[float, Field(gt=0, le=2000)] = 100.0
    max_gain_db: Annotated[float, Field(ge=0, le=80)] = 40.0
    least_speech_s: Annotated[float, Field(ge=0, le=60)] = 0.5


DEFAULT_TRACK, ALL_TRACKS = "default", "all"


class SourceConfig(Options):
    """What is taken of a source: which sound track, and whether one that is cut short or damaged is taken at all.

    track: a number from 1, a language as the file names it ("eng"), "default", or "all" (`sepkit run` alone).
    """

    track: Annotated[int, Field(ge=1)] | Annotated[str, Field(pattern=r"^[A-Za-z][\w-]{1,34}$")] = DEFAULT_TRACK
    salvage: bool = False

    @field_validator("track", mode="before")
    @classmethod
    def _no_yes_or_no(cls, raw: Any) -> Any:
        if isinstance(raw, bool):  # what YAML makes of yes, and of no, which is a language too
            raise ValueError('give a number from 1, or a language in quotes, such as "no"')
        return raw

    def asked(self, track: str | None, salvage: bool) -> SourceConfig:
        """The same with another track, where one is given, and salvaging where that is asked for."""
        given: dict[str, Any] = {} if track is None else {"track": int(track) if track.isdecimal() else track}
        try:
            return SourceConfig.model_validate({**self.model_dump(), **given, "salvage": salvage or self.salvage})
        except ValidationError as error:
            raise ConfigError(
                f"--track: '{track}' found; give a number from 1, a language such as eng, or {ALL_TRACKS}"
            ) from error


class OutputConfig(Options):
    """What is written, and how.

    format: source gives a video for a video, of any other source what same gives. video_tracks: whether the video's
    sound is replaced, or the stems stand beside it.
    """

    format: Literal["same", "source", "wav", "flac"] = "same"
    bit_depth: Literal["same", "16", "24", "32", "32f", "64f"] = "same"
    video_tracks: Literal["replace", "add"] = "replace"
    background: bool = False
    speech_suffix: Annotated[str, Field(pattern=r"^[\w.-]{0,40}$")] = "__speech_only"
    background_suffix: Annotated[str, Field(pattern=r"^[\w.-]{0,40}$")] = "__background"

    @model_validator(mode="after")
    def _apart(self) -> OutputConfig:
        if self.speech_suffix.casefold() == self.background_suffix.casefold():  # one file on macOS and Windows
            raise ValueError(
                f"speech_suffix '{self.speech_suffix}' and background_suffix '{self.background_suffix}' make one name; "
                "give two that differ in more than case"
            )
        return self


class WindowsConfig(Options):
    """How a long file is cut; peak memory follows from these."""

    body_s: Annotated[float, Field(ge=0.1, le=3600)] = 60.0
    crossfade_s: Annotated[float, Field(ge=0, le=1)] = 0.01


class SpeakersConfig(Options):
    """Of `task: speakers`: how many people, whether what is no voice is written, and how far windows overlap.

    count: auto finds up to 8, a stem each; channels splits a source whose channels hold a speaker each.
    """

    count: Literal[2, 3, "auto", "channels"] = 2
    rest: bool = False
    overlap_s: Annotated[float, Field(ge=0.5, le=10)] = 2.5


class MixGains(Options):
    """Of each stem in a remix, in dB."""

    speech: Annotated[float, Field(ge=-120, le=24)] = 0.0
    music: Annotated[float, Field(ge=-120, le=24)] = 0.0
    effects: Annotated[float, Field(ge=-120, le=24)] = 0.0

    @property
    def each(self) -> tuple[float, float, float]:
        """In the order of the stems."""
        return self.speech, self.music, self.effects

    @property
    def said(self) -> str:
        """For a plan."""
        return ", ".join(f"{name} {gain_db:+g} dB" for name, gain_db in self)


class DialogueConfig(Options):
    """Of `task: dialogue`: the gains of its remix; null makes none."""

    mix_gains_db: MixGains | None = None


class SilenceConfig(Options):
    """Spans that no model hears: quiet, or unlikely to be speech; they come out as the source at a floor."""

    speech_probability: Annotated[float, Field(gt=0, lt=1)] = 0.2
    quieter_than_dbfs: Annotated[float, Field(ge=-120, le=0)] = -60.0
    keep_s: Annotated[float, Field(ge=0, le=10)] = 0.5
    floor_db: Annotated[float, Field(ge=-120, le=0)] | None = -60.0


class MetricConfig(_Plugin):
    """One metric of the evaluation."""

    metric: str
    options: SerializeAsAny[Options]

    @classmethod
    def named(cls, metric: str) -> MetricConfig:
        """The metric with its default options."""
        return cls.model_validate({"metric": metric})


class EvaluateConfig(Options):
    """What is measured on a pair, and on each file of a batch."""

    metrics: tuple[MetricConfig, ...] = ()
    batch_metrics: tuple[MetricConfig, ...] = ()
    longest_s: Annotated[float, Field(ge=1, le=36000)] = 600.0
    snippet_s: Annotated[float, Field(ge=1, le=60)] = 6.0
    snippets: Annotated[int, Field(ge=0, le=20)] = 3


class ReportConfig(Options):
    """The pages to look at.

    pages: how many files of a batch have a page of their own; of more files, those worth a look. 0: none.
    """

    pages: int | Literal["all"] = 200

    @field_validator("pages", mode="before")
    @classmethod
    def _number_or_all(cls, raw: Any) -> Any:
        if raw == "all" or (isinstance(raw, int) and not isinstance(raw, bool) and raw >= 0):
            return raw
        raise ValueError("a number of files from 0, or all, is asked")


class PilotConfig(Options):
    """The pair that the pilot run and `scripts.evaluate` use; paths are relative to the working folder."""

    mix: str = "data/pilot/mix.wav"
    reference: str | None = "data/pilot/speech.wav"
    background: str | None = "data/pilot/music.wav"
    words: str | None = "data/pilot/words.txt"
