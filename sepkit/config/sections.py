"""The configuration: every section of the YAML file as a typed, frozen model."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, SerializeAsAny, ValidationError, ValidationInfo, field_validator, model_validator

from sepkit.config import plugins
from sepkit.config.bounds import Bound, parse_bounds
from sepkit.config.yaml_file import Options, OptionsError, parse_yaml, problems, read_text
from sepkit.errors import ConfigError

__all__ = ["Config", "Options", "dump_config", "load_config", "parse_config"]

EMBEDDED_CONFIG = "config/pilot.yaml"
"""The configuration that needs no download; errors about absent weights name it."""


SHAPING = (
    *("members", "stft", "fuse", "denoise", "post_mask", "equalise", "loudness", "windows", "skip_silence", "seed"),
)
"""What shapes the sound: all that counts of a configuration that is escalated to."""
JUDGING = {"gate", "escalate_to", "bypass_clean", "words"}


class _Plugin(Options):
    """A section that chooses a plug-in by name; its `options` are that plug-in's own model."""

    @model_validator(mode="before")
    @classmethod
    def _resolve_options(cls, raw: Any) -> Any:
        kind = {"separator": "separators", "denoiser": "denoisers", "metric": "metrics"}
        if not isinstance(raw, dict):
            return raw
        for key, folder in kind.items():
            name = raw.get(key)
            if key not in cls.model_fields or not isinstance(name, str):
                continue
            try:
                options_model = plugins.load(folder, name).Options
            except ConfigError as error:
                raise OptionsError([(key, str(error))]) from error
            given = raw.get("options") or {}
            if isinstance(given, Options):
                given = given.model_dump()
            try:
                return {**raw, "options": options_model.model_validate(given)}
            except ValidationError as error:
                inner = [(f"options.{path}".rstrip("."), text) for path, text in problems(error, options_model)]
                raise OptionsError(inner) from error
        return raw


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
    """Integrated loudness (ITU-R BS.1770) and the true-peak ceiling."""

    target_lufs: Annotated[float, Field(ge=-70, le=0)] | None = -16.0
    ceiling_dbtp: Annotated[float, Field(ge=-20, le=0)] | None = -1.0
    ceiling_by: Literal["limiter", "gain", "clip"] = "limiter"
    lookahead_ms: Annotated[float, Field(gt=0, le=50)] = 5.0
    release_ms: Annotated[float, Field(gt=0, le=2000)] = 100.0
    max_gain_db: Annotated[float, Field(ge=0, le=80)] = 40.0


class OutputConfig(Options):
    """What is written, and how."""

    format: Literal["same", "wav", "flac"] = "same"
    bit_depth: Literal["same", "16", "24", "32", "32f", "64f"] = "same"
    background: bool = False
    speech_suffix: Annotated[str, Field(pattern=r"^[\w.-]{0,40}$")] = "__speech_only"
    background_suffix: Annotated[str, Field(pattern=r"^[\w.-]{0,40}$")] = "__background"


class WindowsConfig(Options):
    """How a long file is cut; peak memory follows from these."""

    body_s: Annotated[float, Field(ge=0.1, le=3600)] = 60.0
    crossfade_s: Annotated[float, Field(ge=0, le=1)] = 0.01


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


class PilotConfig(Options):
    """The pair that the pilot run and `scripts.evaluate` use; paths are relative to the working folder."""

    mix: str = "data/pilot/mix.wav"
    reference: str | None = "data/pilot/speech.wav"
    background: str | None = "data/pilot/music.wav"
    words: str | None = "data/pilot/words.txt"


class Config(Options):
    """The whole pipeline."""

    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = "auto"
    members: Annotated[tuple[MemberConfig, ...], Field(min_length=1)]
    stft: StftConfig = StftConfig()
    fuse: FuseConfig = FuseConfig()
    denoise: DenoiseConfig | None = None
    post_mask: PostMaskConfig | None = PostMaskConfig()
    equalise: EqualiseConfig | None = EqualiseConfig()
    loudness: LoudnessConfig = LoudnessConfig()
    output: OutputConfig = OutputConfig()
    windows: WindowsConfig = WindowsConfig()
    skip_silence: SilenceConfig | None = None
    evaluate: EvaluateConfig = EvaluateConfig()
    report: bool = False
    gate: dict[str, bool | int | float] | None = None
    escalate_to: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    bypass_clean: bool = False
    words: Annotated[str, Field(min_length=1)] | None = None
    pilot: PilotConfig = PilotConfig()

    @field_validator("gate", mode="before")
    @classmethod
    def _check_bounds(cls, raw: Any, info: ValidationInfo) -> Any:
        if isinstance(raw, dict) and "evaluate" in info.data:  # else that is the mistake to mend first
            parse_bounds(raw, _chosen(info.data["evaluate"]))
        return raw

    def bounds(self) -> tuple[Bound, ...]:
        """The gate's bounds on metrics."""
        return parse_bounds(self.gate or {}, _chosen(self.evaluate))

    def gate_metrics(self) -> tuple[MetricConfig, ...]:
        """The metrics that the gate reads."""
        read = (MetricConfig(metric=bound.metric, options=bound.options) for bound in self.bounds())
        return _each_once(read)

    def batch_metrics(self) -> tuple[MetricConfig, ...]:
        """What is measured on each file of a batch: what is asked, what the gate reads, WER where words are known."""
        found = _each_once((*self.evaluate.batch_metrics, *self.gate_metrics()))
        if self.words is None or any(each.metric == "wer" for each in found):
            return found
        named = [each for each in self.evaluate.metrics if each.metric == "wer"]
        return (*found, *(named[:1] or [MetricConfig.named("wer")]))

    def escalations(self) -> tuple[Config, ...]:
        """The configurations of `escalate_to`: what shapes the sound is theirs, all else is this one's."""
        found = []
        for path in self.escalate_to:
            other = parse_config(read_text(path, EMBEDDED_CONFIG), path)
            for name in ("gate", "escalate_to"):
                if getattr(other, name):
                    raise ConfigError(
                        f"{path}: {name}: is set, but this configuration is escalated to and the first one's holds; "
                        "leave it out here"
                    )
            found.append(self.model_copy(update={name: getattr(other, name) for name in SHAPING}))
        return tuple(found)

    def fingerprint(self) -> str:
        """SHA-256 of everything that can change the rendered samples or where they go.

        Evaluation (but for what the gate reads), report, pilot and device are excluded; the words are the journal's.
        """
        shaping = self.model_dump(mode="json", exclude={"evaluate", "report", "pilot", "device"} | JUDGING)
        if self.gate or self.bypass_clean:
            shaping["judged"] = {
                "gate": self.gate or {},
                "metrics": [each.model_dump(mode="json") for each in self.gate_metrics()],
                "longest_s": self.evaluate.longest_s,
                "escalate_to": [each._shape() for each in self.escalations()] if self.gate else [],
                "bypass_clean": self.bypass_clean,
            }
        return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()

    def _shape(self) -> dict[str, Any]:
        return self.model_dump(mode="json", include=set(SHAPING))


def _chosen(evaluate: EvaluateConfig) -> list[tuple[str, Options]]:
    """Every metric that is named, those of a batch first."""
    return [(each.metric, each.options) for each in (*evaluate.batch_metrics, *evaluate.metrics)]


def _each_once(metrics: Iterable[MetricConfig]) -> tuple[MetricConfig, ...]:
    found: list[MetricConfig] = []
    for each in metrics:
        if each not in found:
            found.append(each)
    return tuple(found)


def default_config_path() -> Path:
    """The embedded default: packed with the wheel, or beside the package in a clone."""
    packed = Path(__file__).parents[1] / "configs" / "pilot.yaml"
    return packed if packed.is_file() else Path(__file__).parents[2] / EMBEDDED_CONFIG


def load_config(path: str | Path) -> Config:
    """Read and check a YAML file; the error lists every problem, one a line, each with its path.

    The paths of `escalate_to` begin at the file's folder; those configurations are read and checked too.
    """
    config = parse_config(read_text(path, EMBEDDED_CONFIG), str(path))
    if config.escalate_to:
        paths = tuple(str((Path(path).parent / each).absolute()) for each in config.escalate_to)
        config = config.model_copy(update={"escalate_to": paths})
        config.escalations()
    return config


def parse_config(text: str, name: str = "configuration") -> Config:
    """The same for YAML held as text; `name` stands in the errors."""
    return parse_yaml(text, name, Config, "sections such as 'members:'")


def dump_config(config: Config) -> str:
    """The resolved configuration as YAML, defaults included; `parse_config` reads it back to an equal one."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
