"""How likely each known sound is, every 64 ms of a source of any length.

    source ─ windows of a minute ─ mean of the channels ─ 16 kHz ─ encoder ─ tags: how likely each sound is

A *tag* is a step of 64 ms of the network's innermost level. The level of a recording does not matter to the network, so
that what nobody can hear would count as much as what is loud: a silent tag holds no sound, and where all are silent the
network does not run. Place: below `events`, and whatever else asks what is heard.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from sepkit.audio.read import Source
from sepkit.audio.resample import aligned_frames, resample
from sepkit.audio.samples import Samples
from sepkit.audio.windows import Span, Window, channels_at_once, cut, stretch_frames
from sepkit.models import memory
from sepkit.models.prompted.bands import SAMPLE_RATE, TAG_FRAMES, analyse
from sepkit.models.prompted.network import PromptedNet

TAG_S = TAG_FRAMES / SAMPLE_RATE
BODY_S = 60.0
CONTEXT_S = 2.4
"""The encoder looks 2.29 s to either side: a second of level, 15 + 3 tags of its blocks and levels, 0.14 s of rounding
and of a window's half; what is left is more than the resampler's 0.02 s."""
SILENT_DBFS = -90.0
"""Mean power of a tag below which nothing is heard: above the dither of 16 bits, −96 dBFS."""
_SILENT_POWER = 10 ** (SILENT_DBFS / 10)


class Heard(NamedTuple):
    """A stretch of tags. first: its first tag, counted from the source's beginning. likely: 0 … 1, (tags, sounds)."""

    first: int
    likely: NDArray[np.float32]


def hear(
    network: PromptedNet, source: Source, span: tuple[int, int] | None = None, body_s: float = BODY_S
) -> Iterator[Heard]:
    """The tags of a source in order, window by window; with `span`, those that overlap these frames (start, stop)."""
    rate, channels, frames = source.info.sample_rate, source.info.channels, source.info.frames
    start, stop = span or (0, frames)
    grid_frames = aligned_frames(TAG_FRAMES, SAMPLE_RATE, rate)
    context_frames = math.ceil(CONTEXT_S * rate)
    aligned = Span(start // grid_frames * grid_frames, stop)
    for window in cut(frames, stretch_frames(body_s, rate, channels), context_frames, grid_frames, 0, aligned):
        first = max(_tag(window.body_start, rate), _tag(start, rate))
        count = -(-window.body_stop * SAMPLE_RATE // (rate * TAG_FRAMES)) - first
        if count > 0:
            yield Heard(first, _window(network, source, window, first - _tag(window.start, rate), count))


def _tag(frame: int, sample_rate: int) -> int:
    """The tag that a source's frame lies in."""
    return frame * SAMPLE_RATE // (sample_rate * TAG_FRAMES)


def _window(network: PromptedNet, source: Source, window: Window, skipped: int, count: int) -> NDArray[np.float32]:
    """So many tags of a window, without those that are skipped at its beginning."""
    mean = _mean(source, window.start, window.stop)
    if float(np.abs(mean).max()) ** 2 < _SILENT_POWER:
        return np.zeros((count, len(network.shape.sounds)), np.float32)
    return tags(network, resample(mean, source.info.sample_rate, SAMPLE_RATE), skipped, skipped + count)


def tags(network: PromptedNet, samples: Samples, start: int = 0, stop: int | None = None) -> NDArray[np.float32]:
    """How likely each sound is in tags start … stop of (1, frames) at 16 kHz, (tags, sounds); 0 in silent ones."""
    sounding = _powers(samples)[start:stop, None] >= _SILENT_POWER
    if not sounding.any():
        return np.zeros((len(sounding), len(network.shape.sounds)), np.float32)
    found = likely(network, samples)[start:stop]
    return np.where(sounding, found[: len(sounding)], np.float32(0))


def likely(network: PromptedNet, samples: Samples) -> NDArray[np.float32]:
    """What the network says of (1, frames) at 16 kHz, silent or not: (tags, sounds), the last tag beyond the end."""
    device = next(network.parameters()).device
    with memory.kept(), torch.inference_mode():
        X = analyse(torch.from_numpy(samples).to(device))
        found = torch.sigmoid(network.likely(network.found(X)[1]))[0]
        return np.asarray(found.float().cpu().numpy(), np.float32)


def _mean(source: Source, start: int, stop: int) -> Samples:
    """Of all channels, (1, frames); hardly more than a pair of them is held at a time."""
    total = np.zeros((1, stop - start), np.float32)
    for channels in channels_at_once(source.info.sample_rate, source.info.channels):
        total += source.read(start, stop - start, channels).sum(axis=0, keepdims=True, dtype=np.float32)
    return total / np.float32(source.info.channels)


def _powers(samples: Samples) -> NDArray[np.float64]:
    """The mean power of each tag of (1, frames)."""
    whole = np.pad(samples[0], (0, -samples.shape[1] % TAG_FRAMES)).reshape(-1, TAG_FRAMES)
    return np.asarray(np.square(whole, dtype=np.float64).mean(axis=1))
