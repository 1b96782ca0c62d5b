"""The member `demucs`: experts and shifts over a mix, at 44.1 kHz stereo. The package says where it is from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from pydantic import Field, model_validator

from sepkit import config
from sepkit.errors import ConfigError, WeightsError
from sepkit.models.weights import WeightFile
from sepkit.separators import _segments
from sepkit.separators._batches import Batches
from sepkit.separators._precision import fastest
from sepkit.separators._segments import Expert, Kept, Run
from sepkit.separators.base import BaseSeparator, Estimates, Mix, Passes, Place
from sepkit.separators.demucs import films
from sepkit.separators.demucs.bags import (
    Bag,
    local_file,
    published_bags,
    published_file,
    published_files,
    read_bag,
    read_network,
)

SAMPLE_RATE = 44100
MAX_SHIFT_FRAMES = SAMPLE_RATE // 2
"""A shift is up to half a second, as in upstream's `apply_model`."""
_EPSILON = 1e-8
"""Added to the standard deviation, as in upstream's `Separator.separate_tensor`."""

_PUBLISHED_STEMS = ("drums", "bass", "other", "vocals")
"""The order in every published network (the six-stem one goes on with guitar and piano)."""


class Options(config.Options):
    """What is run, and how finely.

    bag: a published bag (htdemucs, htdemucs_ft, hdemucs_mmi, mdx_extra, mdx_extra_q …; for films cdx23_dnr), a single
    network's signature, or a name in `folder`. folder: a local repository of `.th` and bag `.yaml` files, as
    `demucs --repo` reads it. stem: the one that is wanted. shifts: runs at random offsets, averaged; each is
    a whole run. segment_s: what the network sees at once; null takes the bag's own (7.8 s for HTDemucs, 44 s
    for MDX); shorter needs less memory and less context. overlap: of neighbouring segments, as a part of one.
    """

    bag: Annotated[str, Field(pattern=r"^[\w.-]{1,100}$")] = "htdemucs_ft"
    folder: str | None = None
    stem: str = "vocals"
    shifts: Annotated[int, Field(ge=0, le=20)] = 4
    segment_s: Annotated[float, Field(ge=1, le=600)] | None = None
    overlap: Annotated[float, Field(ge=0, le=0.9)] = 0.25

    @model_validator(mode="after")
    def _published(self) -> Options:
        if self.folder is None and self.bag not in (*published_bags(), *published_files()):
            raise ValueError(
                f"unknown bag '{self.bag}'; choose one of {', '.join(published_bags())}, or give its folder"
            )
        if self.folder is None and self.stem != "vocals":
            raise ValueError(f"stem '{self.stem}' needs a folder; of the published bags only the vocals are used")
        return self


class Separator(BaseSeparator):
    """The bag's weighted mean of its experts' estimates, equal to upstream's own for the same offsets."""

    sample_rate = SAMPLE_RATE
    channels = 2
    uses_device = True
    needs_statistics = True

    def __init__(self, options: Options) -> None:
        super().__init__(options)
        self._settings = options
        self._experts: list[Expert] = []
        self._kept = Kept()
        self._film = options.folder is None and options.bag in films.BAGS
        if self._film:
            self.sources = films.SOURCES

    def weights(self) -> tuple[WeightFile, ...]:
        """The experts' files; of a published bag those with a say in the vocals (one of htdemucs_ft's)."""
        return tuple(file for _, file in self._files())

    def load(self, device: str) -> None:
        """Check and load the experts with a say in the stem; then `context_s` and `grid_frames` are known."""
        from sepkit.separators.demucs.network import fuse_attention, keep_stem, side_by_side
        from sepkit.separators.demucs.processor import on_processor

        bag = self._bag()
        self._experts = []
        for index, file in self._files():
            network = read_network(file)
            stem = 0 if self._film else self._stem_of(network, bag, index, file)
            if weight := bag.weight(index, stem):
                self._set_segment(network, bag)
                length, seen = self._segment_of(network)
                if self._film:
                    _require_film(network, file)
                else:
                    stem = keep_stem(network.eval().to(device), stem)
                fuse_attention(network.eval().to(device))
                if device == "cpu":
                    on_processor(network)
                heard = side_by_side(network, films.ORDER) if self._film else network
                forward = fastest(heard, device, f"demucs ({bag.models[index]})")
                self._experts.append(Expert(index, weight, stem, forward, length, seen))
        if not self._experts:
            raise WeightsError(
                f"{self._settings.bag}: none of its networks has a weight for '{self._settings.stem}'; "
                "mend the bag's YAML file"
            )
        self._measure_segments()
        self._batches = Batches(device, grows=device != "cpu")

    def describe(self) -> str:
        """The bag, how many of its networks have a say in the stem, how often each runs."""
        networks, shifts = len(self._bag().models), self._settings.shifts
        length_s = self._experts[0].length / SAMPLE_RATE
        given = " and ".join(self.sources) or self._settings.stem
        return (
            f"{self._settings.bag}, {given}: {len(self._experts)} of {networks} networks, "
            f"{shifts or 'no'} shift{'' if shifts == 1 else 's'}, segments of {length_s:g} s"
        )

    def begin(self, sample_rate: int) -> None:
        """Forget what was kept of the source before."""
        self._kept = Kept()

    def passes(self, frames: int, place: Place) -> Passes:
        """Every expert's and shift's segments."""
        return _segments.passes(self._runs(0), frames, self._settings.overlap, place)

    def separate(self, mix: Mix) -> Estimates:
        """Estimate the stem, or each source, in (2, frames) at 44.1 kHz, normalised by `mix.mean` and `mix.std`."""
        import torch

        assert self._experts, "load() comes before separate()"
        std = mix.std + _EPSILON
        with torch.inference_mode():
            scaled = torch.from_numpy((mix.samples - mix.mean) / std)
            runs, overlap = self._runs(mix.seed), self._settings.overlap
            rows = self.channels * max(1, len(self.sources))
            estimate = _segments.estimate(scaled, runs, overlap, self._batches, mix.place, self._kept, rows)
        found = (np.asarray(estimate) * std + mix.mean).astype(np.float32, copy=False)
        if not np.isfinite(found).all():
            raise WeightsError(
                f"demucs ({self._settings.bag}): the network gave NaN or Inf; "
                "check its files with 'sepkit models verify'"
            )
        if not self.sources:
            return Estimates(found)
        sources = dict(zip(self.sources, found.reshape(-1, *mix.samples.shape), strict=True))
        return Estimates(sources["speech"], None, sources)

    def _runs(self, seed: int) -> list[Run]:
        """Each expert, `shifts` times, begun up to half a second early.

        Upstream's shift trick, but an offset belongs to (seed, expert, shift), not to the global `random`:
        every window of a file draws the same, and their segments lie on one grid.
        """
        shifts, weights = self._settings.shifts, sum(expert.weight for expert in self._experts)
        runs = []
        for expert in self._experts:
            offsets = [shift_offset(seed, expert.index, shift) for shift in range(shifts)] or [MAX_SHIFT_FRAMES]
            share = expert.weight / weights / len(offsets)
            runs += [Run(expert, offset - MAX_SHIFT_FRAMES, share) for offset in offsets]
        return runs

    def _files(self) -> list[tuple[int, WeightFile]]:
        """(place in the bag, file) of each expert that may be needed."""
        bag, name, folder = self._bag(), self._settings.bag, self._settings.folder
        if folder is not None:
            return [(index, local_file(name, folder, signature)) for index, signature in enumerate(bag.models)]
        vocals = 0 if self._film else _PUBLISHED_STEMS.index("vocals")
        wanted = [index for index in range(len(bag.models)) if bag.weight(index, vocals)]
        return [(index, published_file(name, bag.models[index])) for index in wanted]

    def _bag(self) -> Bag:
        return read_bag(self._settings.bag, self._settings.folder)

    def _stem_of(self, network: Any, bag: Bag, index: int, file: WeightFile) -> int:
        """Which output of the network is the wanted stem; a network that does not fit is refused."""
        sources, stem = list(network.sources), self._settings.stem
        if stem not in sources:
            raise ConfigError(f"options.stem: '{stem}' is not in {file.path}; choose one of {', '.join(sources)}")
        if bag.weights is not None and len(bag.weights[index]) != len(sources):
            raise WeightsError(f"{file.model}: weights[{index}] needs one number for each of {', '.join(sources)}")
        if (network.samplerate, network.audio_channels) != (SAMPLE_RATE, self.channels):
            raise WeightsError(
                f"{file.model}: {file.path} is for {network.audio_channels} channels at "
                f"{network.samplerate} Hz; give one for {self.channels} at {SAMPLE_RATE}"
            )
        return sources.index(stem)

    def _set_segment(self, network: Any, bag: Bag) -> None:
        """Hand the bag's segment to a network; a transformer never sees more than it was trained on."""
        from demucs.htdemucs import HTDemucs

        transformer, asked_s = isinstance(network, HTDemucs), self._settings.segment_s
        if bag.segment is not None and not (transformer and bag.segment > network.segment):
            network.segment = bag.segment
        if transformer and asked_s is not None and asked_s > network.segment:
            raise ConfigError(
                f"options.segment_s: {asked_s:g} is longer than '{self._settings.bag}' can take; "
                f"give at most {float(network.segment):g}"
            )

    def _segment_of(self, network: Any) -> tuple[int, Callable[[int], int]]:
        """A segment's frames, and how many frames the network is given for a segment of so many, as upstream does."""
        from demucs.htdemucs import HTDemucs

        segment_s = self._settings.segment_s
        length = int(SAMPLE_RATE * (segment_s or network.segment))
        if isinstance(network, HTDemucs) and segment_s is not None:
            return length, lambda _: length
        return length, getattr(network, "valid_length", lambda frames: frames)

    def _measure_segments(self) -> None:
        """Stretches that begin on the grid have the whole file's segments; the context holds the cut ones."""
        lengths = {expert.length for expert in self._experts}
        if len(lengths) > 1:
            seconds = ", ".join(f"{length / SAMPLE_RATE:g}" for length in sorted(lengths))
            raise ConfigError(
                f"options.segment_s: the networks of '{self._settings.bag}' differ in theirs ({seconds} s); "
                f"give one for all, at most {min(lengths) / SAMPLE_RATE:g}"
            )
        (segment_frames,) = lengths
        self.grid_frames = int((1 - self._settings.overlap) * segment_frames)
        # A segment that begins before a stretch is over within one segment; half a second more covers the
        # shift and the little that waveform networks see beyond their segment.
        self.context_s = (segment_frames + MAX_SHIFT_FRAMES) / SAMPLE_RATE


def _require_film(network: Any, file: WeightFile) -> None:
    """Refuse a network of other sources."""
    if tuple(network.sources) != films.THEIRS:
        raise WeightsError(
            f"{file.model}: {file.path} gives {', '.join(network.sources)}; it must give {', '.join(films.THEIRS)}, so "
            "bring the right file there"
        )


def shift_offset(seed: int, expert: int, shift: int) -> int:
    """How many frames of the half second of padding one run leaves out, 0 to `MAX_SHIFT_FRAMES`."""
    return int(np.random.default_rng([seed, expert, shift]).integers(0, MAX_SHIFT_FRAMES, endpoint=True))


def catalogue() -> tuple[WeightFile, ...]:
    """The files of every published bag that its vocals need."""
    return tuple(file for bag in published_bags() for file in Separator(Options(bag=bag)).weights())
