"""Segments of a source through a network that hears each as a whole, its voices in one order, joined.

    segments, `stride` apart ─ network, each once ─ level ─ the order of the one before ─ fades ─ voices

Place: below the published networks. In which order a network gives its voices changes from segment to segment, so that
each segment is put in the order in which its overlap agrees most with that of the segment before. Where neither voice
speaks in an overlap nothing can be told from it; the task `speakers` parts voices at such pauses anyway.

Source: agreement over the overlap is the rule of continuous speech separation, Z. Chen et al., 2020,
https://arxiv.org/abs/2001.11482. Fades, and what is kept from stretch to stretch: `separators/_segments.py`.
"""

from __future__ import annotations

from itertools import permutations

import torch
from torch import Tensor

from sepkit.separators import _segments
from sepkit.separators._batches import Batches
from sepkit.separators._segments import Kept, Name, Run, Segment
from sepkit.separators._voices.level import levelled
from sepkit.separators.base import Place


def estimate(mix: Tensor, run: Run, overlap: float, batches: Batches, place: Place | None, kept: Kept) -> Tensor:
    """Of a stretch (1, frames), (voices, frames). run: a network (batch, 1, frames) → (batch, 1, voices, frames)."""
    place = place or Place(0, (0, mix.shape[-1]), last=True)
    queue = _segments.queued([run], mix.shape[-1], overlap, place)
    found = {name: kept.stems[name] for name in queue if name in kept.stems}
    kept.forget(place.part)
    waiting = [name for name in queue if name not in found]
    names = iter(waiting)

    def put(voices: Tensor) -> None:
        name = next(names)
        segment = queue[name]
        found[name] = levelled(voices, mix[:, segment.start : segment.start + segment.length])

    batches.run(mix, [queue[name] for name in waiting], put)
    ordered = _in_one_order(queue, found)
    kept.stems |= {
        name: voices
        for name, voices in ordered.items()
        if not place.last and queue[name].start + queue[name].length > place.used[1] - place.again
    }
    total = torch.zeros(len(next(iter(ordered.values()))), mix.shape[-1])
    for name, voices in ordered.items():
        segment = queue[name]
        total[:, segment.start : segment.start + segment.length] += voices * _segments.fades(segment, overlap)
    return total


def _in_one_order(queue: dict[Name, Segment], found: dict[Name, Tensor]) -> dict[Name, Tensor]:
    """The voices of each segment, those of all in the order of the first."""
    ordered: dict[Name, Tensor] = {}
    before: Name | None = None
    for name in sorted(queue, key=lambda name: name.start):
        voices = found[name]
        if before is not None:
            shift = name.start - before.start
            earlier = ordered[before][:, shift:]
            common = min(earlier.shape[1], voices.shape[1])
            voices = voices[order(earlier[:, :common], voices[:, :common])]
        ordered[name] = voices
        before = name
    return ordered


def order(earlier: Tensor, later: Tensor) -> list[int]:
    """Which of the later voices goes with each of the earlier ones, both (voices, frames) of the same frames.

    That which leaves least between them: Σ|a_i − b_p(i)|² is least where Σ⟨a_i, b_p(i)⟩ is greatest.
    """
    alike = (earlier.double() @ later.double().T).tolist()
    orders = permutations(range(len(alike)))  # the first is that which changes nothing
    return list(max(orders, key=lambda each: sum(alike[row][column] for row, column in enumerate(each))))
