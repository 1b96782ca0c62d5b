"""The configuration as a whole: read, checked, told apart by its fingerprint, and written out again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from functools import reduce
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    field_validator,
    model_serializer,
    model_validator,
)

from sepkit.config import plugins
from sepkit.config.bounds import Bound, parse_bounds
from sepkit.config.labelled import Edits, Labelled, checked
from sepkit.config.sections import (
    DenoiseConfig,
    DialogueConfig,
    EqualiseConfig,
    EvaluateConfig,
    FuseConfig,
    LoudnessConfig,
    MemberConfig,
    MetricConfig,
    OutputConfig,
    PilotConfig,
    PostMaskConfig,
    ReportConfig,
    SilenceConfig,
    SourceConfig,
    SpeakersConfig,
    StftConfig,
    WindowsConfig,
)
from sepkit.config.shipped import located, shipped
from sepkit.config.yaml_file import Options, OptionsError, parse_yaml, read_text
from sepkit.errors import ConfigError

TRAINING = {"steps", "corpus"}
"""Fields that only the configuration of a training has."""

SHAPING = (
    *("members", "stft", "fuse", "denoise", "post_mask", "equalise", "loudness", "windows", "skip_silence", "seed"),
)
"""What shapes the sound: all that counts of a configuration that is escalated to."""
UNSAID = {
    "task": "speech",
    "source": SourceConfig().model_dump(mode="json"),
    "loudness.least_speech_s": 0.5,
    "fuse.mask": "power",
    "output.video_tracks": "replace",
}
"""Fields, by path, that came after the first journals, with the value that these mean: where they have it, they are
left out of a fingerprint, so that what was rendered before they came counts as done."""
JUDGING = {"gate", "escalate_to", "bypass_clean", "words"}
OF_ONE_TASK = {"edits": "edit", "speakers": "speakers", "dialogue": "dialogue"}
"""Fields that one task alone has; elsewhere they are neither read nor shown, nor count in a fingerprint."""


class Config(Options):
    """The whole pipeline."""

    task: str = "speech"
    edits: Edits = ()
    speakers: SpeakersConfig = SpeakersConfig()
    dialogue: DialogueConfig = DialogueConfig()
    seed: Annotated[int, Field(ge=0, lt=2**32)] = 0
    device: Annotated[str, Field(pattern=r"^(auto|cpu|mps|cuda(:\d+)?)$")] = "auto"
    source: SourceConfig = SourceConfig()
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
    report: ReportConfig | None = None
    gate: dict[str, bool | int | float] | None = None
    escalate_to: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    bypass_clean: bool = False
    words: Annotated[str, Field(min_length=1)] | None = None
    pilot: PilotConfig = PilotConfig()

    @model_validator(mode="before")
    @classmethod
    def _check_kind(cls, raw: Any) -> Any:
        if isinstance(raw, dict) and "members" not in raw and raw.keys() >= TRAINING:
            why = "this is the configuration of a training; it is for: sepkit train speech --config FILE --data DIR"
            raise OptionsError([("", why)])
        return raw

    @field_validator("task")
    @classmethod
    def _check_task(cls, name: str) -> str:
        try:
            plugins.load("render", name)
        except ConfigError as error:
            raise OptionsError([("", str(error))]) from error
        return name

    @field_validator("report", mode="before")
    @classmethod
    def _yes_or_no(cls, raw: Any) -> Any:
        return (ReportConfig() if raw else None) if isinstance(raw, bool) else raw

    @field_validator(*OF_ONE_TASK, mode="before")
    @classmethod
    def _check_task_has_it(cls, raw: Any, info: ValidationInfo) -> Any:
        task, whose = info.data.get("task"), OF_ONE_TASK[str(info.field_name)]
        if raw and task not in (None, whose):  # None: it is the mistake to mend first
            raise OptionsError([("", f"the task '{task}' has none; leave it out, or set task: {whose}")])
        return checked(raw) if info.field_name == "edits" else raw

    @model_serializer(mode="wrap")
    def _own_fields(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        found: dict[str, Any] = handler(self)
        return {name: value for name, value in found.items() if OF_ONE_TASK.get(name, self.task) == self.task}

    @field_validator("gate", mode="before")
    @classmethod
    def _check_bounds(cls, raw: Any, info: ValidationInfo) -> Any:
        if isinstance(raw, dict) and "evaluate" in info.data:  # else that is the mistake to mend first
            parse_bounds(raw, _chosen(info.data["evaluate"]))
        return raw

    def reading(self, track: str | None, salvage: bool) -> Config:
        """The same with another track, where one is given, and salvaging where that is asked for."""
        return self.model_copy(update={"source": self.source.asked(track, salvage)})

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
        for index, path in enumerate(self.escalate_to):
            other = parse_config(read_text(path, "give a YAML file", f"escalate_to.{index}"), path)
            if other.task != self.task:
                raise ConfigError(
                    f"{path}: task: {other.task}, but the configuration that escalates to it has {self.task}; "
                    "give both the same"
                )
            for name in ("gate", "escalate_to", "edits"):
                if getattr(other, name):
                    raise ConfigError(
                        f"{path}: {name}: is set, but this configuration is escalated to and the first one's holds; "
                        "leave it out here"
                    )
            found.append(self.model_copy(update={name: getattr(other, name) for name in SHAPING}))
        return tuple(found)

    def fingerprint(self) -> str:
        """SHA-256 of everything that can change the rendered samples or where they go.

        Evaluation (but for what the gate reads), report, pilot and device are excluded; the words are the journal's, as
        are the edits where each file has its own.
        """
        elsewhere = {"edits"} if isinstance(self.edits, Labelled) else set()
        unshaping = {"evaluate", "report", "pilot", "device"} | JUDGING | elsewhere
        shaping = _said(self.model_dump(mode="json", exclude=unshaping))
        if self.output.format == "source":  # of a sound it is the same, and a video's results have other names
            shaping["output"]["format"] = "same"
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
        return _said(self.model_dump(mode="json", include=set(SHAPING)))


def _said(shape: dict[str, Any]) -> dict[str, Any]:
    """`shape` without the fields of `UNSAID` that have the value there."""
    for path, value in UNSAID.items():
        *sections, name = path.split(".")
        inside = reduce(lambda found, section: found.get(section, {}), sections, shape)
        if inside.get(name) == value:
            del inside[name]
    return shape


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
    """The embedded default."""
    return shipped()["pilot"]


def load_config(path: str | Path) -> Config:
    """Read and check a YAML file, or a shipped configuration by its name ("best"); the error lists every problem, one a
    line, each with its path.

    The paths of `escalate_to` and of a file of `edits` begin at the file's folder; the configurations escalated to are
    read and checked too.
    """
    path = located(path)
    advice = "give a YAML file, or a shipped configuration by its name, as in --config pilot"
    config = parse_config(read_text(path, advice), str(path))
    if isinstance(config.edits, Labelled):
        config = config.model_copy(update={"edits": config.edits.seen_from(path.parent)})
    if config.escalate_to:
        paths = tuple(str((path.parent / each).absolute()) for each in config.escalate_to)
        config = config.model_copy(update={"escalate_to": paths})
        config.escalations()
    return config


def parse_config(text: str, name: str = "configuration") -> Config:
    """The same for YAML held as text; `name` stands in the errors."""
    return parse_yaml(text, name, Config, "sections such as 'members:'")


def dump_config(config: Config) -> str:
    """The resolved configuration as YAML, defaults included; `parse_config` reads it back to an equal one."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
