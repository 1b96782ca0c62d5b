"""What is compared on a set for `task: edit`: the configurations, and what tells how much each part of one is worth.

Every method keeps the prompt's sound alone inside the windows. What is no configuration (a gain, the oracle) is faded
in and out as an edit is, and leaves all else untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sepkit.audio.samples import Audio
from sepkit.compare.method import ORACLE, UNPROCESSED, Answer, Answerer, Method, Models, Truths, identity, line
from sepkit.compare.oracle import oracle_of
from sepkit.compare.pairs import SetPair
from sepkit.config import Config
from sepkit.config.edits import Edit
from sepkit.config.sections import MemberConfig
from sepkit.stages.fade import envelope

CONSTANT_GAIN = "constant gain"
GAIN = 0.5
"""−6 dB: of two sounds as loud as each other, the one that gains most SDR."""
AGNOSTIC = "text-agnostic network"
NMF = "NMF"
SWAPPED, NO_GATE = "swapped prompt", "no gate"


class Found(NamedTuple):
    """The methods in the order of the tables, and what a reader should know of them, a sentence each."""

    methods: list[Method]
    remarks: list[str]


def edit_methods(configs: Sequence[tuple[str, Config]], pairs: Sequence[SetPair], baseline: Path | None) -> Found:
    """configs: by label. baseline: weights of `sepkit train text --baseline`."""
    models = Models()
    plain = [(label, config.model_copy(update={"edits": ()})) for label, config in configs]
    swaps = all(pair.background and pair.asked and pair.asked.other_prompt for pair in pairs)
    members: dict[str, dict[str, Any]] = {NMF: {"separator": "nmf", "options": {"prompt": "sound"}}}
    if baseline is not None:
        options = {"weights": str(baseline.absolute()), "asks": "nothing"}
        members = {AGNOSTIC: {"separator": "prompted", "options": options}} | members
    others = [(label, _with_member(plain[0][1], member)) for label, member in members.items()]
    found = [
        Method(UNPROCESSED, UNPROCESSED, lambda mix, truths, _: Answer(dict.fromkeys(truths, mix))),
        Method(CONSTANT_GAIN, f"{CONSTANT_GAIN} {GAIN}", _inside(_turned_down)),
        *(_asked(models, label, config, _edit) for label, config in (*plain, *others)),
        *(method for label, config in plain for method in _variants(models, label, config, swaps)),
        Method(ORACLE, f"{ORACLE} inside", _inside(oracle_of), competes=False),
    ]
    return Found(found, [*_remarks(), *_left_out(baseline, swaps)])


def _variants(models: Models, label: str, config: Config, swaps: bool) -> Iterator[Method]:
    """The same configuration asked otherwise."""
    yield _asked(models, f"{label} [{NO_GATE}]", config, _ungated, competes=False)
    if swaps:
        yield _asked(models, f"{label} [{SWAPPED}]", config, _swapped, competes=False, of_the_rest=True)


def _asked(
    models: Models,
    label: str,
    config: Config,
    edit: Callable[[SetPair], Edit],
    competes: bool = True,
    of_the_rest: bool = False,
) -> Method:
    def answer(mix: Audio, truths: Truths, pair: SetPair) -> Answer:
        return models.answer(config.model_copy(update={"edits": (edit(pair),)}), mix, truths)

    told = f"{identity(config)} {edit.__name__}"
    return Method(label, told, answer, line(config), competes=competes, of_the_rest=of_the_rest)


def _edit(pair: SetPair) -> Edit:
    assert pair.asked is not None
    return pair.asked.edit


def _ungated(pair: SetPair) -> Edit:
    assert pair.asked is not None
    return pair.asked.without_gate


def _swapped(pair: SetPair) -> Edit:
    assert pair.asked is not None
    return pair.asked.swapped


def _with_member(config: Config, member: Mapping[str, Any]) -> Config:
    return config.model_copy(update={"members": (MemberConfig.model_validate(member),)})


def _turned_down(mix: Audio, truths: Truths) -> dict[str, Audio]:
    return dict.fromkeys(truths, Audio(GAIN * mix.samples, mix.sample_rate))


def _inside(estimates: Callable[[Audio, Truths], Mapping[str, Audio]]) -> Answerer:
    """Estimates of a whole mix as an edit of its windows."""

    def answer(mix: Audio, truths: Truths, pair: SetPair) -> Answer:
        spans = _edit(pair).spans(mix.sample_rate, mix.frames)
        rise = envelope(spans.windows, spans.fade_frames, 0, mix.frames)
        found = estimates(mix, truths)
        kept = {name: mix.samples - rise * (mix.samples - each.samples) for name, each in found.items()}
        return Answer({name: Audio(samples, mix.sample_rate) for name, samples in kept.items()})

    return answer


def _remarks() -> Iterator[str]:
    yield f"{CONSTANT_GAIN}: the mix turned down by 6 dB, which gains SDR and no SI-SDR"
    yield f"{NMF}: components of the mix, chosen by how near they come to the prompt"
    yield f"[{NO_GATE}]: the same edit throughout the file"
    yield f"[{SWAPPED}]: asked for the other sound, and measured against that one"


def _left_out(baseline: Path | None, swaps: bool) -> Iterator[str]:
    if baseline is None:
        yield f"{AGNOSTIC}: left out; give its weights, those of `sepkit train text --baseline`, by --baseline"
    if not swaps:
        yield f"[{SWAPPED}]: left out; not every mix has other/ and other_prompt"
