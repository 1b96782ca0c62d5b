"""How likely each known sound is, every 64 ms of a source of any length.

    source ─ windows of a minute ─ mean of the channels ─ 16 kHz ─ encoder ─ tags: how likely each sound is

A *tag* is a step of 64 ms of the network's innermost level. The level of a recording does not matter to the network, so
that what nobody can hear would count as much as what is loud: a silent tag holds no sound, and where all are silent the
network does not run. Place: a listener of `sepkit.models.events`; the metric `text_audio` asks for tags, too.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from sepkit.audio.read import Source
from sepkit.audio.resample import aligned_frames, resample
from sepkit.audio.samples import Samples
from sepkit.audio.windows import Span, Window, cut, read_mean, stretch_frames
from sepkit.models import memory
from sepkit.models.events import SILENT_POWER, Heard, Listener
from sepkit.models.prompted.bands import SAMPLE_RATE, TAG_FRAMES, analyse
from sepkit.models.prompted.network import PromptedNet

TAG_S = TAG_FRAMES / SAMPLE_RATE
BODY_S = 60.0
CONTEXT_S = 2.4
"""The encoder looks 2.29 s to either side: a second of level, 15 + 3 tags of its blocks and levels, 0.14 s of rounding
and of a window's half; what is left is more than the resampler's 0.02 s."""


def listener(network: PromptedNet) -> Listener:
    """Of the sounds that the network knows; its steps are tags."""
    return Listener(network.shape.sounds, TAG_S, functools.partial(hear, network))


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
    mean = read_mean(source, window.start, window.stop)
    if float(np.abs(mean).max()) ** 2 < SILENT_POWER:
        return np.zeros((count, len(network.shape.sounds)), np.float32)
    return tags(network, resample(mean, source.info.sample_rate, SAMPLE_RATE), skipped, skipped + count)


def tags(network: PromptedNet, samples: Samples, start: int = 0, stop: int | None = None) -> NDArray[np.float32]:
    """How likely each sound is in tags start … stop of (1, frames) at 16 kHz, (tags, sounds); 0 in silent ones."""
    sounding = _powers(samples)[start:stop, None] >= SILENT_POWER
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


def _powers(samples: Samples) -> NDArray[np.float64]:
    """The mean power of each tag of (1, frames)."""
    whole = np.pad(samples[0], (0, -samples.shape[1] % TAG_FRAMES)).reshape(-1, TAG_FRAMES)
    return np.asarray(np.square(whole, dtype=np.float64).mean(axis=1))
