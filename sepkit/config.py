"""The YAML file as typed, frozen models. An unknown or repeated key or a wrong value is an error with its path."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Hashable, Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, ValidationError, model_validator

from sepkit import plugins
from sepkit.errors import ConfigError

EMBEDDED_CONFIG = "config/pilot.yaml"
"""The configuration that needs no download; errors about absent weights name it."""


class Options(BaseModel):
    """Base of every section: immutable, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())


Model = TypeVar("Model", bound=Options)


class _OptionsError(ValueError):
    """Problems found inside a plug-in's options, kept apart so that their paths can be completed outside."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {text}" for path, text in problems))
        self.problems = problems


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
                raise _OptionsError([(key, str(error))]) from error
            given = raw.get("options") or {}
            if isinstance(given, Options):
                given = given.model_dump()
            try:
                return {**raw, "options": options_model.model_validate(given)}
            except ValidationError as error:
                inner = [(f"options.{path}".rstrip("."), text) for path, text in _problems(error, options_model)]
                raise _OptionsError(inner) from error
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
    pilot: PilotConfig = PilotConfig()

    def fingerprint(self) -> str:
        """SHA-256 of everything that can change the rendered samples (evaluation, pilot and device excluded)."""
        shaping = self.model_dump(mode="json", exclude={"evaluate", "pilot", "device"})
        return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()


class _UniqueKeyLoader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice; YAML itself would let the last one win silently."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, Hashable):
                raise yaml.constructor.ConstructorError(None, None, "a key must be text", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key '{key}' stands twice; keep one", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


def default_config_path() -> Path:
    """The embedded default: packed with the wheel, or beside the package in a clone."""
    packed = Path(__file__).parent / "configs" / "pilot.yaml"
    return packed if packed.is_file() else Path(__file__).parent.parent / EMBEDDED_CONFIG


def load_config(path: str | Path) -> Config:
    """Read and check a YAML file; the error lists every problem, one a line, each with its path."""
    return parse_config(read_text(path, EMBEDDED_CONFIG), str(path))


def parse_config(text: str, name: str = "configuration") -> Config:
    """The same for YAML held as text; `name` stands in the errors."""
    return parse_yaml(text, name, Config, "sections such as 'members:'")


def read_text(path: str | Path, example: str) -> str:
    """The text of a configuration; the error names `example`, a file that is one."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read ({error}); give a YAML file such as {example}") from error


def parse_yaml(text: str, name: str, model: type[Model], expected: str, changes: dict[str, Any] | None = None) -> Model:
    """YAML as a model of `Options`; `changes` replace top-level fields, `expected` says what should have been there."""
    try:
        raw = yaml.load(text, Loader=_UniqueKeyLoader)
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(raw, dict):
        raise ConfigError(f"{name}: expected {expected}, found {type(raw).__name__}")
    try:
        return model.model_validate({**raw, **(changes or {})})
    except ValidationError as error:
        raise ConfigError("\n".join(f"{name}: {path}: {text}" for path, text in _problems(error, model))) from error


def dump_config(config: Config) -> str:
    """The resolved configuration as YAML, defaults included; `parse_config` reads it back to an equal one."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def _problems(error: ValidationError, model: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """Each problem as (path, what was found and what is allowed)."""
    for item in error.errors():
        if item["type"] == "too_short" and item["input"]:
            continue  # it only says that the items named in the other problems were left out
        path = ".".join(str(part) for part in item["loc"])
        inner = item.get("ctx", {}).get("error")
        if isinstance(inner, _OptionsError):
            yield from ((f"{path}.{sub}" if path else sub, text) for sub, text in inner.problems)
        elif item["type"] == "extra_forbidden":
            yield path, _unknown_key(item["loc"], model)
        elif item["type"] == "missing":
            yield path, "this field is required and absent"
        else:
            found = "" if isinstance(item["input"], (dict, list)) else f", found {item['input']!r}"
            yield path, f"{item['msg'].removeprefix('Value error, ')}{found}"


def _unknown_key(loc: tuple[int | str, ...], model: type[BaseModel]) -> str:
    """Names the keys that are known at this place, the likeliest one first."""
    known: list[str] = []
    here: Any = model
    for part in loc[:-1]:
        if isinstance(part, int) or here is None:
            continue
        field = here.model_fields.get(part)
        here = next(_models_in(field.annotation), None) if field else None
    if here is not None:
        known = list(here.model_fields)
    close = difflib.get_close_matches(str(loc[-1]), known, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    return f"unknown key{hint}" + (f" (known here: {', '.join(known)})" if known else "")


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models named in an annotation such as `tuple[MemberConfig, ...]` or `DenoiseConfig | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in getattr(annotation, "__args__", ()):
        yield from _models_in(argument)
