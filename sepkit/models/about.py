"""What a person chooses a published model by: what it gives, at which rate, what was published of it, what it costs."""

from __future__ import annotations

from typing import NamedTuple


class About(NamedTuple):
    """Of a model, in the words of its family; whatever is not known stays away.

    task: what it is for, a task of `sepkit.render` ("speech", "edit", "speakers", "dialogue"). stems: what it gives, in
    its order. sample_rate: in Hz, of the network. figure, figure_source: what was published of it, with the set it was
    measured on, short ("dialogue SDR 15.64 dB, DnR v2"), and the address where that stands. seconds_a_second: measured
    here, CPU seconds for a second of audio, one thread; cost_from: the command that measures it. note: what else one
    must know.
    """

    task: str | None = None
    stems: tuple[str, ...] = ()
    sample_rate: int | None = None
    figure: str = ""
    figure_source: str = ""
    seconds_a_second: float | None = None
    cost_from: str = ""
    note: str = ""
