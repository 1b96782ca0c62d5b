"""The table of word pieces: rows whose mean over a phrase's pieces points where the sentence encoder points.

    rows(piece) ─ mean over the phrase ─ length 1 ─┐
    encoder(phrase) ─ principal axes ─ length 1 ───┴ cosine: the loss is one minus its mean

A row's length is its weight in the mean, so that "the" and "of" learn to be short. The table begins with each piece
encoded alone (Tulkens and van Dongen, "Model2Vec", 2024, https://github.com/MinishLab/model2vec).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

BATCH = 512
RATE = 4e-3
"""Of Adam at the beginning; falls to nought as a cosine."""
LEVELS = 127
"""Of int8, to either side."""


class Table(NamedTuple):
    """values: int8 (pieces, dimensions). scales: float32 (pieces,), of one step. A row is values · scale."""

    values: NDArray[np.int8]
    scales: NDArray[np.float32]


def axes(vectors: NDArray[np.float32], dimensions: int) -> NDArray[np.float32]:
    """(384, dimensions): the principal axes about the origin, which keep cosines as well as so few can."""
    strengths, directions = np.linalg.eigh(vectors.T.astype(np.float64) @ vectors)
    del strengths  # ascending
    return np.ascontiguousarray(directions[:, ::-1][:, :dimensions]).astype(np.float32)


def train(
    begin: NDArray[np.float32], pieces: list[list[int]], targets: NDArray[np.float32], passes: int, seed: int
) -> NDArray[np.float32]:
    """The rows after `passes` over the phrases. begin: (pieces, dimensions). targets: (phrases, dimensions), unit."""
    import torch
    from torch.nn import functional

    generator = torch.Generator().manual_seed(seed)
    rows = torch.nn.Parameter(torch.from_numpy(begin.copy()))
    optimiser = torch.optim.Adam([rows], lr=RATE)
    steps = passes * (len(pieces) // BATCH)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(passes):
        order = torch.randperm(len(pieces), generator=generator).numpy()
        for start in range(0, len(order) - BATCH + 1, BATCH):
            chosen = order[start : start + BATCH]
            bags = [pieces[index] for index in chosen]
            offsets = torch.tensor(np.cumsum([0] + [len(bag) for bag in bags[:-1]]))
            found = functional.embedding_bag(
                torch.tensor([piece for bag in bags for piece in bag]), rows, offsets, mode="mean"
            )
            loss = 1 - functional.cosine_similarity(found, torch.from_numpy(targets[chosen])).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return rows.detach().numpy()


def quantised(rows: NDArray[np.float32]) -> Table:
    """Each row in int8, its largest value at full scale."""
    scales = np.maximum(np.abs(rows).max(axis=1), 1e-12) / LEVELS
    return Table(np.round(rows / scales[:, None]).astype(np.int8), scales.astype(np.float32))
