"""Several voices judged together: which file holds whose voice, then each with its own reference, pair by pair.

    inner products by the second ─┬ the order of most SI-SDR ─ a pair a voice ─ every metric of the pair
                                  └ seconds in which another order fits better ─ speech on the wrong stem

The order is that of whole files, however long.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.read import Source, open_source
from sepkit.audio.samples import Audio
from sepkit.errors import ConfigError
from sepkit.judge.evaluate import Evaluator, Excerpt, Follow, Sound, bring_together, fit_layouts, fit_lengths, stretch
from sepkit.judge.stems import in_one_table
from sepkit.metrics.base import Evaluation, Score, not_measured
from sepkit.render.base import Stem

Numbers = NDArray[np.float64]

WRONG = Score("wrong_stem", "Speech on the wrong stem", "%", "lower", basis="truth")
GAINS = {"si_sdr": ("si_sdri", "SI-SDRi"), "sdr": ("sdri", "SDRi (BSS Eval)")}
"""Ratios of which it is also said how much of them a voice gained over the mix: name and label of the row."""
ABOUTS = {
    "wrong_stem": "How much of the time that somebody speaks this voice lies in another voice's file.",
    "si_sdri": "How much SI-SDR the voice gained over the mix.",
    "sdri": "How much SDR the voice gained over the mix.",
}
"""What these rows say, to somebody who meets them on a page."""
NOTHING_TO_GAIN_DB = 100.0
"""A mix so near to a reference holds nothing else."""
FRAME_S = 1
BLOCK_FRAMES = 10
"""Frames that are read at a time."""
QUIET = 1e-4
"""−40 dB below a voice's loudest frame: it does not speak there."""
SILENT_POWER = 1e-10
"""Mean square of a reference that is silent: −100 dBFS."""
BOUND_DB = 100.0
"""SI-SDR counts no further than this, up or down, so that a silent file outweighs nothing."""
EQUAL = 1e-6
"""Of the energies in a frame: orders that differ by less fit equally well."""
MOST_VOICES = 8
NO_WORDS = "the words of this voice are not known (evaluate takes a file for each reference: --words)"


class SideBySide(NamedTuple):
    """A stretch of a mix, of the files and of the references, in the orders given; all of one rate, layout and length.

    start_s, end_s: where in the mix; whole_s: how long that is.
    """

    mix: Audio
    files: list[Audio]
    references: list[Audio]
    start_s: float
    end_s: float
    whole_s: float


class Likeness(NamedTuple):
    """What references s and files ŝ have in common, by frames of `FRAME_S`, summed over all channels.

    common: ⟨ŝ_j, s_i⟩, (frames, references i, files j). spoken: |s_i|², (frames, references). heard: |ŝ_j|², (frames,
    files). sizes: samples of each frame, the last one's are fewer, (frames,).
    """

    common: Numbers
    spoken: Numbers
    heard: Numbers
    sizes: Numbers

    @property
    def silent(self) -> NDArray[np.bool_]:
        """Which references are, (references,)."""
        found: NDArray[np.bool_] = self.spoken.sum(axis=0) <= SILENT_POWER * self.sizes.sum()
        return found

    def si_sdr_db(self) -> Numbers:
        """Of each reference and file as wholes, (references, files), within ±`BOUND_DB`; of silent references 0."""
        common, spoken, heard = (part.sum(axis=0) for part in (self.common, self.spoken, self.heard))
        wanted = np.square(common) / np.where(self.silent, 1.0, spoken)[:, None]
        error = np.maximum(heard - wanted, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = 10 * np.log10(wanted / error)
        bounded = np.clip(np.nan_to_num(ratios, nan=-BOUND_DB), -BOUND_DB, BOUND_DB)  # 0 / 0 is of a silent file
        return np.where(self.silent[:, None], 0.0, bounded)

    def order(self) -> tuple[int, ...]:
        """The file of each reference, from 0: the order of the largest sum of SI-SDR.

        Where a reference is silent, that of the least squared error: SI-SDR forgives the level, and a faint copy of the
        one voice would pass for it.
        """
        fits = self.common.sum(axis=0) if self.silent.any() else self.si_sdr_db()
        return _best(fits)

    def wrong_share(self, order: Sequence[int]) -> float | None:
        """Part of the speech that lies on another file than by `order`; None where nobody speaks or all files are one.

        A voice speaks in a frame where it is not `QUIET`. Of the voices that do, the order of the frame is the one with
        the largest Σ_i ⟨ŝ_j(i), s_i⟩, which is that of the least squared error Σ_i |ŝ_j(i) − s_i|² over all files. A
        voice that it gives another file than `order` does is on the wrong one for that frame. Where `order` fits as
        well, up to `EQUAL`, nobody is.
        """
        power = self.spoken / self.sizes[:, None]
        speaks = power > np.maximum(QUIET * power.max(axis=0), SILENT_POWER)
        if not speaks.any() or not np.ptp(self.common, axis=2).any():
            return None
        fits = self.common * speaks[:, :, None]
        there = np.array([_best(frame) for frame in fits])  # (frames, references)
        voices = np.arange(len(order))
        gain = np.take_along_axis(fits, there[:, :, None], axis=2)[:, :, 0] - fits[:, voices, list(order)]
        better = gain.sum(axis=1) > EQUAL * (self.spoken.sum(axis=1) + self.heard.sum(axis=1))
        wrong = (there != np.array(order)) & speaks & better[:, None]
        return float((wrong * self.sizes[:, None]).sum() / (speaks * self.sizes[:, None]).sum())


def likeness(mix: Sound, files: Sequence[Sound], references: Sequence[Sound]) -> Likeness:
    """Read all side by side, at the mix's rate and channel count. Memory does not grow with their length."""
    with _opened(mix, files, references) as sources:
        return Likeness(*map(np.concatenate, zip(*_frames(sources, len(files)), strict=True)))


def side_by_side(mix: Sound, files: Sequence[Sound], references: Sequence[Sound], longest_s: float) -> SideBySide:
    """The middle `longest_s` of all, as `bring_together` takes it of one pair."""
    with _opened(mix, files, references) as sources:
        info = sources["mix"].info
        length = min(_least_frames(sources), round(longest_s * info.sample_rate))
        start = (_least_frames(sources) - length) // 2
        heard = [stretch(each, start, length, sources["mix"]) for each in sources.values()]
    span_s = start / info.sample_rate, (start + length) / info.sample_rate
    return SideBySide(heard[0], heard[1 : 1 + len(files)], heard[1 + len(files) :], *span_s, info.duration_s)


@contextmanager
def _opened(mix: Sound, files: Sequence[Sound], references: Sequence[Sound]) -> Iterator[dict[str, Source]]:
    """Of one length and layout; the mix comes first, then the files."""
    given = {"mix": mix, **_named("clean", files), **_named("reference", references)}
    with ExitStack() as stack:
        sources = {name: stack.enter_context(open_source(sound)) for name, sound in given.items()}
        fit_lengths(sources)
        fit_layouts(sources)
        yield sources


def _least_frames(sources: Mapping[str, Source]) -> int:
    """That all have, of the mix's."""
    rate = sources["mix"].info.sample_rate
    return min(each.info.frames * rate // each.info.sample_rate for each in sources.values())


def _frames(sources: Mapping[str, Source], voices: int) -> Iterator[tuple[Numbers, ...]]:
    """The parts of a `Likeness`, a block at a time."""
    mix, *others = sources.values()
    rate = mix.info.sample_rate
    frames = _least_frames(sources)
    step = FRAME_S * rate
    for start in range(0, frames, BLOCK_FRAMES * step):
        length = min(BLOCK_FRAMES * step, frames - start)
        sound = np.stack([stretch(each, start, length, mix).samples for each in others]).astype(np.float64)
        for first in range(0, length, step):
            frame = sound[:, :, first : first + step].reshape(2 * voices, -1)
            heard, said = frame[:voices], frame[voices:]
            energies = (np.square(each).sum(axis=1)[None] for each in (said, heard))
            yield (said @ heard.T)[None], *energies, np.array([float(frame.shape[1])])


def evaluate_voices(
    mix: Sound,
    files: Sequence[Sound],
    references: Sequence[Sound],
    words: Sequence[str],
    evaluator: Evaluator,
    longest_s: float,
    follow: Follow | None = None,
) -> Evaluation:
    """Every row of every voice, beside how much speech lies on the wrong file.

    words: of each reference, or none. Rows of the first reference keep their names; see `judge.stems`.
    """
    _require(files, references, words)
    found = likeness(mix, files, references)
    order = found.order()
    stems = [Stem(f"speaker_{number + 1}", "", "", "", judged=True) for number in range(len(references))]
    measured = []
    for number, (stem, reference, file) in enumerate(zip(stems, references, order, strict=True)):
        said = words[number] if words else None
        excerpt = bring_together(mix, files[file], reference, None, said, longest_s, no_words="" if said else NO_WORDS)
        found_here = evaluator.evaluate(silenced(excerpt), _part(follow, number, len(stems)))
        measured.append((stem, replace(found_here, scores=with_gains(found_here.scores))))
    whole = in_one_table(measured)
    notes = dict.fromkeys(chain.from_iterable(each.notes for _, each in measured))
    scores = (*whole.scores, wrong_stem(found, order))
    numbers = tuple(file + 1 for file in order)
    return replace(whole, scores=scores, notes=tuple(notes), permutation=numbers)


def silenced(excerpt: Excerpt) -> Excerpt:
    """The same with a reference that counts as silent silent altogether."""
    reference = excerpt.pair.reference
    if reference is None or np.mean(np.square(reference.samples, dtype=np.float64)) > SILENT_POWER:
        return excerpt
    silence = Audio(np.zeros_like(reference.samples), reference.sample_rate)
    return replace(excerpt, pair=replace(excerpt.pair, reference=silence))


def wrong_stem(found: Likeness, order: Sequence[int]) -> Score:
    """The row of it, in per cent."""
    share = found.wrong_share(order)
    if share is None:
        why = "all files are the same" if not np.ptp(found.common, axis=2).any() else "nobody speaks"
        return not_measured(WRONG, why)
    return replace(WRONG, after=100 * share, note="of the time of all voices, in frames of 1 s")


def with_gains(scores: Iterable[Score]) -> tuple[Score, ...]:
    """The rows, and after each ratio how much of it was gained over the mix, as `GAINS` names it."""
    return tuple(row for score in scores for row in ((score, _gain(score)) if score.name in GAINS else (score,)))


def _gain(ratio: Score) -> Score:
    name, label = GAINS[ratio.name]
    row = replace(ratio, name=name, label=label, before=None, after=None, exact=(None, None))
    if ratio.before is not None and ratio.before < NOTHING_TO_GAIN_DB and ratio.after is not None:
        return replace(row, after=ratio.after - ratio.before)
    if ratio.exact[0] is not None and ratio.exact[0] >= NOTHING_TO_GAIN_DB:
        return not_measured(row, "the mix holds this voice alone")
    return row


def averaged(evaluations: Sequence[Evaluation]) -> tuple[Score, ...]:
    """Each row once: its mean over the voices that have it. Where none has, the reason of the first."""
    return tuple(_mean(same) for same in zip(*(each.scores for each in evaluations), strict=True))


def _mean(same: Sequence[Score]) -> Score:
    has = [score for score in same if score.after is not None]
    if not has:
        return same[0]
    before = [score.before for score in has if score.before is not None]
    after = [score.after for score in has if score.after is not None]
    mean_before = float(np.mean(before)) if len(before) == len(has) else None
    return replace(has[0], before=mean_before, after=float(np.mean(after)), why=None, exact=(None, None))


def _best(fits: Numbers) -> tuple[int, ...]:
    """Of (references, files): the file of each reference in the permutation with the largest sum."""
    from scipy.optimize import linear_sum_assignment

    return tuple(map(int, linear_sum_assignment(fits, maximize=True)[1]))


def _named(name: str, sounds: Sequence[Sound]) -> dict[str, Sound]:
    return {f"{name} {number}": sound for number, sound in enumerate(sounds, 1)}


def _part(follow: Follow | None, number: int, count: int) -> Follow | None:
    return follow and (lambda label, part: follow(label, (number + part) / count))


def _require(files: Sequence[Sound], references: Sequence[Sound], words: Sequence[str]) -> None:
    if not 2 <= len(files) <= MOST_VOICES:
        raise ConfigError(f"--clean: {len(files)} given; give a file for each of 2 to {MOST_VOICES} voices")
    for name, given in (("--reference", references), ("--words", words)):
        if len(given) != len(files) and (given or name == "--reference"):
            raise ConfigError(
                f"{name}: {len(given)} given for {len(files)} of --clean; give the option once for each voice"
                + (", in the order of --reference, or leave it out" if name == "--words" else "")
            )
