"""Fuse: each member's estimates become a ratio mask on the STFT X of the mix; the masks become one.

Place in the flow: after the members, before the gate.

    M_i = |V_i|² / (|V_i|² + |A_i|² + ε),   M = rule(M_1, M_2, …),   V̂ = M·X          mask: power
    M_i = |V_i| / √(|V_i|² + |A_i|² + ε),   likewise                                  mask: root
    V̂ = mean(V_1, V_2, …)                                                            mask: none

V_i is the STFT of what member i wants, A_i that of the rest. `max` keeps every piece of speech that any
member found, and every leak; `min` only what all agree on; `mean` and `weights` lie between. The power mask is Wiener's
for estimates that are known as powers; an estimate that comes as a signal is nearer to the root: it takes less of what
a member kept in part. Without a mask the members' own phases count, too, which is worth it where one filters them.

Source: the ratio mask of Wiener filtering, as in Liutkus & Badeau, "Generalized Wiener filtering with
fractional power spectrograms", ICASSP 2015, with exponent 2; its root, the "square-root Wiener filter" of
Lim & Oppenheim, "Enhancement and bandwidth compression of noisy speech", Proc. IEEE 1979.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.samples import Samples
from sepkit.audio.stft import Spectrum, Stft, power

Mask = NDArray[np.float32]

EPSILON = np.finfo(np.float32).tiny
"""ε, 1.2e-38, the smallest normal float32: it only turns 0/0 into 0. It lies about 380 dB below full scale,
so that a mask does not depend on the level of the recording, as it would with the customary 1e-8."""


Watch = Callable[[int, Mask], None]
"""Shown each group of masks as it is made: its first step, and (1 + members, steps, bins), the fused one first."""


def fuse(
    mix: Samples,
    estimates: Sequence[tuple[Samples, Samples | None, float]],
    rule: str,
    stft: Stft,
    watch: Watch | None = None,
    kind: str = "power",
) -> Samples:
    """Apply the members' combined mask to the mix, each channel on its own; (channels, frames) like the mix.

    estimates: (wanted, rest, weight) per member, arrays of the mix's shape; rest None means mix − wanted.
    rule: "max", "min", "mean" or "weights" (the mean weighted by each member's weight). kind: of mask, "power", "root"
    or "none", which goes with the last two rules; then the masks are made only to be watched.
    """
    assert estimates, "there is nothing to fuse"
    if kind == "none" and not watch:
        return _mean(estimates, rule)
    combine = _rule(rule, [weight for _, _, weight in estimates])
    if watch:
        combine = _watched(combine, watch, stft.steps(mix.shape[1]))
    signals = [mix]
    for wanted, rest, _ in estimates:
        signals += [wanted] if rest is None else [wanted, rest]

    def apply(spectra: list[Spectrum]) -> Spectrum:
        queue = iter(spectra)
        X = next(queue)
        # The STFT is linear: where the rest is mix − wanted, A = X − V costs no transform.
        pairs = ((V, X - V if rest is None else next(queue)) for V, (_, rest, _) in zip(queue, estimates, strict=True))
        X *= combine(_ratio_mask(V, A, kind) for V, A in pairs)
        return X

    masked = stft.filter(signals, apply)
    return _mean(estimates, rule) if kind == "none" else masked


def _mean(estimates: Sequence[tuple[Samples, Samples | None, float]], rule: str) -> Samples:
    """Of what the members want, by their shares."""
    shares = _shares(rule, [weight for _, _, weight in estimates])
    mean: Samples = reduce(np.add, (share * each[0] for share, each in zip(shares, estimates, strict=True)))
    return mean


def _ratio_mask(V: Spectrum, A: Spectrum, kind: str) -> Mask:
    """|V|² / (|V|² + |A|² + ε), or its root."""
    wanted, total = power(V), power(A)
    total += wanted
    total += EPSILON
    mask: Mask = np.divide(wanted, total, out=wanted)
    return np.sqrt(mask, out=mask) if kind == "root" else mask


def _watched(combine: Callable[[Iterator[Mask]], Mask], watch: Watch, steps: int) -> Callable[[Iterator[Mask]], Mask]:
    """The same, with `watch` looking on. `Stft.filter` comes with the groups of one channel after those of another."""
    seen = 0

    def combine_shown(masks: Iterator[Mask]) -> Mask:
        nonlocal seen
        each = list(masks)
        fused = combine(iter([mask.copy() for mask in each]))
        watch(seen % steps, np.stack([fused, *each]))
        seen += len(fused)
        return fused

    return combine_shown


def _rule(rule: str, weights: Sequence[float]) -> Callable[[Iterator[Mask]], Mask]:
    """The function that makes one mask of the members' masks."""
    if rule == "max":
        return lambda masks: reduce(np.maximum, masks)
    if rule == "min":
        return lambda masks: reduce(np.minimum, masks)
    shares = _shares(rule, weights)
    return lambda masks: reduce(np.add, (share * mask for share, mask in zip(shares, masks, strict=True)))


def _shares(rule: str, weights: Sequence[float]) -> NDArray[np.float32]:
    """Each member's part of a mean."""
    assert rule in ("mean", "weights"), f"unknown rule '{rule}'"
    shares = np.ones(len(weights)) if rule == "mean" else np.asarray(weights)
    parts: NDArray[np.float32] = (shares / shares.sum()).astype(np.float32)
    return parts
