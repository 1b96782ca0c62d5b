"""`sepkit train speech`, `text` and `speakers`: from folders of recordings to weights.

What stays in the output folder: `last.pt`, `best.pt` and those of `keep_every` (to go on from), `history.json` and
`.png`, `split.csv` (what was used on which side), and `compact.safetensors` or as the network is called (the best
averaged weights, as the member reads them).
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from sepkit.errors import ConfigError, SepkitError
from sepkit.models.device import resolve
from sepkit.training import corpus
from sepkit.training.config import RunConfig, TrainConfig
from sepkit.training.corpus import Corpus, Recording, Side

if TYPE_CHECKING:
    from sepkit.training.export import Exported
    from sepkit.training.loop import Maker, Shown
    from sepkit.training.speakers_config import SpeakersConfig
    from sepkit.training.speech import SpeechTask
    from sepkit.training.text import TextTask
    from sepkit.training.text_config import TextConfig

Say = Callable[[str], None]

VALIDATION_SEED = 1
"""Validation mixes are drawn with this added to the run's seed."""


def train_speech(
    config: TrainConfig,
    data: Path,
    folder: Path,
    device: str = "auto",
    resume: bool = False,
    start: Path | None = None,
    say: Say = print,
) -> Path:
    """Train the configuration's network; returns the exported weights.

    resume: go on from `last.pt` as if nothing had happened. start: begin a new run from exported weights.
    """
    from sepkit.training.mixes import MixMaker

    make_new(folder, resume)
    sides = prepare(corpus.find(data, config.corpus), config, folder, say)
    for side, chosen in sides.items():
        kinds = {each.kind for each in chosen}
        if "speech" not in kinds or len(kinds) < 2:
            raise ConfigError(
                f"corpus: the {side} side has {', '.join(sorted(kinds)) or 'nothing'}, but needs speech and a "
                "background; raise corpus.validation_part or name more groups in corpus.validation"
            )
    makers = {
        side: MixMaker(Corpus(recordings, folder / "corpus", config.corpus.shares), config.mixes, seed)
        for (side, recordings), seed in zip(sides.items(), (config.seed, config.seed + VALIDATION_SEED), strict=True)
    }
    task = make_task(config)
    if not resume:
        task.load(start)
    return train(config, task, makers, folder / f"{config.network.kind}.safetensors", device, resume, say)


def train_text(
    config: TextConfig,
    data: Path,
    folder: Path,
    device: str = "auto",
    resume: bool = False,
    start: Path | None = None,
    baseline: bool = False,
    say: Say = print,
) -> Path:
    """Train the configuration's network on labelled sounds; returns the exported weights.

    baseline: the same network, never told what is asked for.
    """
    from sepkit.training import labelled
    from sepkit.training.text_mixes import SoundMixer

    make_new(folder, resume)
    sides = prepare(labelled.find(data, config.corpus), config, folder, say)
    labels = tuple(sorted({each.kind for each in sides["train"]}))
    for side, chosen in sides.items():
        if len(labels) < 2 or len({each.kind for each in chosen}) < 2:
            raise ConfigError(
                f"corpus: the {side} side has fewer than two labels; name other groups in corpus.validation"
            )
    makers = {
        side: SoundMixer(
            Corpus(recordings, folder / "corpus", config.corpus.shares),
            labels,
            config.labels,
            config.mixes,
            _seed(config, side),
            plain=side == "validation",
        )
        for side, recordings in sides.items()
    }
    task = make_text_task(config, labels, baseline)
    if not resume:
        task.load(start)
    return train(config, task, makers, folder / f"{config.network.kind}.safetensors", device, resume, say)


def train_speakers(
    config: SpeakersConfig,
    data: Path,
    folder: Path,
    device: str = "auto",
    resume: bool = False,
    start: Path | None = None,
    say: Say = print,
) -> Path:
    """Train the configuration's network on mixes of voices; returns the exported weights."""
    from sepkit.training.predictions import Predictions
    from sepkit.training.speakers import SpeakersTask

    make_new(folder, resume)
    task = SpeakersTask(config)  # sizes that no network has are told before hours of decoding
    makers = _mixes_ready(config, data, folder, say) or _mixes_of_voices(config, data, folder, say)
    if not resume:
        task.load(start)
    shown = Predictions(task, makers["validation"], config.validation_mixes, folder / "predictions")
    return train(config, task, makers, folder / f"{config.kind}.safetensors", device, resume, say, shown)


def _mixes_ready(config: SpeakersConfig, data: Path, folder: Path, say: Say) -> Mapping[Side, Maker] | None:
    """Of a LibriMix tree; None where `data` is none."""
    from sepkit.training import librimix

    sides = librimix.find(data, config.speakers, config.mixes.mixture)
    if sides is None:
        return None
    for side, chosen in sides.items():
        say(f"{side}: {len(chosen)} mixes, the first {chosen[0].path}")
    _write_split(folder, ((side, "mix", each.name.split("/")[0], each.name) for side in sides for each in sides[side]))
    return {
        side: librimix.LibriMixer(chosen, config.mixes, _seed(config, side), side == "validation")
        for side, chosen in sides.items()
    }


def _mixes_of_voices(config: SpeakersConfig, data: Path, folder: Path, say: Say) -> Mapping[Side, Maker]:
    """Made on the fly from folders of single speakers."""
    from sepkit.training import voices
    from sepkit.training.voice_mixes import VoiceMixer

    sides = prepare(voices.find(data, config.corpus), config, folder, say)
    for side, chosen in sides.items():
        count = len({each.group for each in chosen if each.kind == "speech"})
        if count < config.speakers:
            raise ConfigError(
                f"corpus: the {side} side has {count} speakers, but a mix takes {config.speakers}; set "
                "corpus.validation_part (0.1 is a tenth of the speakers), or name others in corpus.validation"
            )
    if config.mixes.noise and not any(each.kind == "noise" for each in sides["train"]):
        say(f"no mix has noise, for {data} holds no folder noise")
    makers = {}
    for side, chosen in sides.items():
        drawn = Corpus(chosen, folder / "corpus", config.corpus.shares)
        makers[side] = VoiceMixer(drawn, config.speakers, config.mixes, _seed(config, side), side == "validation")
    return makers


def _seed(config: RunConfig, side: Side) -> int:
    """Of a side's mixes."""
    return config.seed + (VALIDATION_SEED if side == "validation" else 0)


def make_new(folder: Path, resume: bool) -> None:
    """The folder of a run; another run in it is an error."""
    folder.mkdir(parents=True, exist_ok=True)
    if not resume and (folder / "last.pt").is_file():
        raise ConfigError(f"--out: {folder} holds a run already; go on with --resume, or name another folder")


def train(
    config: RunConfig,
    task: Exported,
    makers: Mapping[Side, Maker],
    target: Path,
    device: str,
    resume: bool,
    say: Say,
    shown: Shown | None = None,
) -> Path:
    """The run itself, in the folder of `target`, which gets the best averaged weights."""
    from sepkit.training.export import export
    from sepkit.training.loop import Trainer

    folder, torch_device = target.parent, resolve(device)
    trainer = Trainer(config, task, makers["train"], makers["validation"], folder, torch_device, shown)
    if resume:
        trainer.resume()
    say(f"training on {torch_device}, {'bfloat16' if trainer.bfloat16 else 'float32'}, from step {trainer.step}")
    trainer.run()
    export(task, folder / "best.pt", target)
    return target


def make_task(config: TrainConfig) -> SpeechTask:
    """The network that the configuration names."""
    from sepkit.training.compact import CompactTask
    from sepkit.training.config import CompactConfig
    from sepkit.training.deepfilternet import DeepFilterTask

    if isinstance(config.network, CompactConfig):
        return CompactTask(config, config.network)
    return DeepFilterTask(config, config.network)


def make_text_task(config: TextConfig, labels: tuple[str, ...], baseline: bool) -> TextTask:
    """The network that the configuration names."""
    from sepkit.training.prompted import PromptedTask
    from sepkit.training.text_config import PromptedConfig
    from sepkit.training.unet import UNetTask

    if isinstance(config.network, PromptedConfig):
        return PromptedTask(config, config.network, labels, baseline)
    return UNetTask(config, config.network, labels, baseline)


def prepare(recordings: list[Recording], config: RunConfig, folder: Path, say: Say) -> dict[Side, list[Recording]]:
    """Decode and split the recordings, and write down which went where."""

    def progress(done: int, count: int) -> None:
        if done % 200 == 0 or done == count:
            say(f"decoded {done} of {count} recordings")

    recordings = corpus.decode(recordings, folder / "corpus", max(1, config.workers), progress)
    sides = corpus.split(recordings, config.corpus)
    _write_split(folder, ((side, each.kind, each.group, each.name) for side in sides for each in sides[side]))
    for side, chosen in sides.items():
        say(f"{side}: {len(chosen)} recordings, {len({each.group for each in chosen})} groups")
    return sides


def _write_split(folder: Path, rows: Iterable[tuple[Side, str, str, str]]) -> None:
    """What is used on which side."""
    with (folder / "split.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("side", "kind", "group", "file"))
        writer.writerows(rows)


def smoke_run(folder: Path, device: str = "auto", say: Say = print) -> Path:
    """The whole way on a made-up corpus; an error if the loss does not fall."""
    import json

    from sepkit.training.smoke import SMOKE, write_corpus

    write_corpus(folder / "made-up")
    target = train_speech(SMOKE, folder / "made-up", folder / "run", device, say=say)
    history = json.loads((folder / "run" / "history.json").read_text(encoding="utf-8"))
    first, last = history[0]["train"]["loss"], history[-1]["train"]["loss"]
    if not last < first:
        raise SepkitError(f"smoke: the loss rose from {first:.3f} to {last:.3f}; training is broken on this machine")
    say(f"smoke: the loss fell from {first:.3f} to {last:.3f}; weights in {target}")
    return target
