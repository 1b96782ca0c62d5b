"""How near a sound comes to the words of a prompt: the cosine, −1 to 1, of their vectors by CLAP.

It needs neither a truth nor a class that somebody listed. Cosines of one prompt can be compared with each other, those
of two prompts hardly. The network hears 10 s at 48 kHz, the mean of the channels; of a longer sound a bounded number of
clips from start to end, the same ones before and after (`sepkit.models.clap`).

Where CLAP's weights are not on the machine, sepkit's embedded network measures (`sepkit.models.prompted.tower`), and
the row says so: it knows some fifty sounds and hears the whole. The two give different numbers.

Source: Wu et al., "Large-scale Contrastive Language-Audio Pretraining with Feature Fusion and Keyword-to-Caption
Augmentation", ICASSP 2023, https://arxiv.org/abs/2211.06687, https://github.com/LAION-AI/CLAP (code CC0 1.0); the
weights are those inside AudioSep's checkpoint, https://github.com/Audio-AGI/AudioSep (licence not stated separately),
laion's music_speech_audioset_epoch_15_esc_89.98.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from sepkit.audio.samples import Samples
from sepkit.files.naming import clipped
from sepkit.metrics._inside import joined
from sepkit.metrics.base import BaseMetric, Better, Pair, Score, measured, not_measured
from sepkit.models import clap
from sepkit.models.clap import Clap
from sepkit.models.prompted import tower
from sepkit.models.prompted import weights as prompted
from sepkit.models.prompts import table
from sepkit.models.weights import WeightFile

SOURCE = "Wu et al., CLAP, https://github.com/LAION-AI/CLAP"
NO_PROMPT = "no one prompt is known; name the sound in the metric's options, prompt: dog bark"
NAMES = {"clap": "CLAP", "embedded": "sepkit's embedded network"}
WISH: dict[str, Better] = {"keep": "higher", "remove": "lower"}


class Options(clap.Weights):
    """prompt: the sound in English words ("a dog barks"); null takes that of the edit. clips: at most this many of 10 s
    are heard in each file.

    mode: whether the clean file is to hold the sound, keep, or to be rid of it, remove; null takes that of the edit,
    else keep. by: which network measures; null takes CLAP where its weights are on the machine, else the embedded one.

    weights: a checkpoint of CLAP of your own, laion's or AudioSep's; null takes the published one of AudioSep. sha256:
    of your own, whole or its first digits; null trusts the file.
    """

    prompt: Annotated[str, Field(pattern=r"\S")] | None = None
    mode: Literal["keep", "remove"] | None = None
    clips: int = Field(8, ge=1, le=10_000)
    by: Literal["clap", "embedded"] | None = None

    @model_validator(mode="after")
    def _whose(self) -> Options:
        if self.by == "embedded" and self.weights is not None:
            raise ValueError("weights are CLAP's; leave them out, or by: embedded")
        return self


def catalogue() -> tuple[WeightFile, WeightFile]:
    """The published checkpoint, and RoBERTa's tokenizer: those of the member `audiosep`."""
    return clap.published()


class Metric(BaseMetric):
    """Cosine of the prompt to mix and to clean."""

    about = "How well what is heard fits the words of the prompt, by a network that learned from captioned sounds."

    options: Options

    def weights(self) -> tuple[WeightFile, ...]:
        """Of CLAP checkpoint and tokenizer; of the embedded network its own, and the table of words."""
        if self._by == "embedded":
            return prompted.weight_file(), table.weight_file()
        return self._clap_files()

    def rows(self) -> tuple[Score, ...]:
        """One row."""
        label = f"Text-audio similarity ({NAMES[self._by]})"
        return (Score("text_audio", label, "cosine", WISH[self.options.mode or "keep"]),)

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Of the whole of both; of an edit, of what lies inside its windows, joined."""
        (row,) = self.rows()
        prompt, rate, where = self.options.prompt, pair.mix.sample_rate, ""
        if prompt is None and pair.edited is not None and pair.edited.prompt is not None:
            prompt = pair.edited.prompt
            row = replace(row, better=WISH[self.options.mode or pair.edited.mode or "keep"])
        heard = [pair.mix, pair.clean]
        if prompt is None:
            return (not_measured(row, NO_PROMPT),)
        if pair.edited is not None:
            if not pair.edited.inside:
                return (not_measured(row, "no window lies in the file"),)
            heard, where = [joined(audio, pair) for audio in heard], ", inside the windows"
        before, after = (self.similarity(audio.samples, rate, prompt) for audio in heard)
        return (measured(row, before, after, note=f'to "{clipped(prompt)}"{where}'),)

    def similarity(self, samples: Samples, sample_rate: int, prompt: str) -> float:
        """Cosine of a prompt to a sound (channels, frames)."""
        if self._by == "embedded":
            return float(tower.of_words(prompt) @ tower.of_sound(samples, sample_rate))
        words, sound = self._clap.of_words(prompt), self._clap.of_sound(samples, sample_rate, self.options.clips)
        return float(words @ sound)

    @cached_property
    def _by(self) -> Literal["clap", "embedded"]:
        if self.options.by is not None:
            return self.options.by
        here = self.options.weights is not None or all(file.path.is_file() for file in self._clap_files())
        return "clap" if here else "embedded"

    def _clap_files(self) -> tuple[WeightFile, WeightFile]:
        published, tokenizer = catalogue()
        return self.options.file(published, "clap", SOURCE), tokenizer

    @cached_property
    def _clap(self) -> Clap:
        return Clap(*self._clap_files())
