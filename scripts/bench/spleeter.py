"""The member `spleeter` beside Spleeter itself: CPU-seconds for a second of stereo, one thread, random weights.

    python -m scripts.bench.spleeter golden/bin/python [MODEL …] [--quick]

golden/bin/python: of the environment that `scripts.golden_spleeter` describes. Each of the two is a process of its own,
which is loaded once and then works when it is told to, so that they take turns. Each stem of Spleeter is inverted, as
sepkit does.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from tests.separators import spleeter_weights as weights

SECONDS, ROUNDS = 48.0, 5
QUICK_SECONDS, QUICK_ROUNDS = 3.0, 1
READY = "ready"
OURS, THEIRS = "--ours", "--theirs"


def main(arguments: list[str]) -> None:
    """Print a table, or be one of the two sides."""
    if arguments[0] in (OURS, THEIRS):
        with (ours if arguments[0] == OURS else theirs)(arguments[1], float(arguments[2])) as work:
            _serve(work)
        return
    quick = "--quick" in arguments
    seconds, rounds = (QUICK_SECONDS, QUICK_ROUNDS) if quick else (SECONDS, ROUNDS)
    models = [name for name in arguments[1:] if name != "--quick"] or list(weights.STEMS)
    rows = [_row(model, arguments[0], seconds, rounds) for model in models]
    from scripts.bench.measuring import table

    print(table(["CPU-seconds a second", "Spleeter", "sepkit", "ratio", "ratios from", "to"], rows))


def _row(model: str, python: str, seconds: float, rounds: int) -> tuple[str | float, ...]:
    sides = [_started(sys.executable, OURS, model, seconds), _started(python, THEIRS, model, seconds)]
    try:
        taken = [[_told(side) / seconds for side in sides] for _ in range(rounds)]
    finally:
        for side in sides:
            side.kill()
            side.wait()
    ratios = [own / other for own, other in taken]
    return (
        model,
        median(other for _, other in taken),
        median(own for own, _ in taken),
        median(ratios),
        min(ratios),
        max(ratios),
    )


def _started(python: str, side: str, model: str, seconds: float) -> subprocess.Popen[str]:
    """One side, once it has worked for the first time."""
    settings = os.environ | {"OMP_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    command = [python, "-m", "scripts.bench.spleeter", side, model, str(seconds)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=settings)
    assert process.stdout is not None
    if process.stdout.readline().strip() != READY:
        sys.exit(f"{' '.join(command)}: did not begin; see above, and scripts.golden_spleeter for what it needs")
    return process


def _told(process: subprocess.Popen[str]) -> float:
    """The CPU-seconds of a side for once more."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def _serve(work: Callable[[], Any]) -> None:
    work()
    print(READY, flush=True)
    for _ in sys.stdin:
        begun = time.process_time()
        work()
        print(time.process_time() - begun, flush=True)


@contextmanager
def ours(model: str, seconds: float) -> Iterator[Callable[[], Any]]:
    """The member on a sound."""
    from sepkit.separators.base import Mix
    from sepkit.separators.spleeter import Options, Separator

    with tempfile.TemporaryDirectory() as folder:
        path = weights.folder(Path(folder) / model, weights.files(weights.numbers(model)))
        member = Separator(Options.model_validate({"model": model, "weights": str(path)}))
        member.load("cpu")
    mix = Mix(weights.sound(seconds))
    yield lambda: member.separate(mix)


@contextmanager
def theirs(model: str, seconds: float) -> Iterator[Callable[[], Any]]:
    """Spleeter's graph on the same."""
    import tensorflow as tf

    from scripts.golden_spleeter import separating, session_with_numbers

    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    sound = weights.sound(seconds).T
    with (
        separating(model, weights.WIDE, "zeros") as (outputs, waveform),
        session_with_numbers(model, weights.WIDE) as session,
    ):
        yield lambda: session.run(outputs, {waveform: sound})


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
