"""The golden files of tests/separators/test_separator_spleeter.py: what Spleeter makes of random weights.

    python -m venv golden && golden/bin/pip install tensorflow-cpu==2.12.1 pandas 'numpy<2'
    golden/bin/pip install --no-deps spleeter==2.4.2
    golden/bin/python -m scripts.golden_spleeter           # makes them, by Python 3.11 or older
    python -m scripts.golden_spleeter --compare            # how far sepkit lies from them

Spleeter (Hennequin et al., MIT, https://github.com/deezer/spleeter) is given the numbers of
tests/separators/spleeter_weights.py. Its STFT and the way back are made to run in 64 bits: TensorFlow's transform in 32
bits alone puts Spleeter 100 dB from what its equations give, and this prints how far. Stored are every 499th sample of
each stem, the names and shapes of all variables at the published size, and a small checkpoint as TensorFlow itself
writes it.
"""

from __future__ import annotations

import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from tests.separators import spleeter_weights as weights

FOLDER = Path(__file__).parents[1] / "tests" / "separators"
GOLDEN, CHECKPOINT = FOLDER / "spleeter_golden.npz", FOLDER / "spleeter_golden.tar.gz"
EVERY = 499
CASES = {
    "2stems": ("2stems", weights.WIDE, "zeros"),
    "4stems": ("4stems", weights.NARROW, "zeros"),
    "5stems": ("5stems", weights.NARROW, "average"),
    "2stems-16kHz": ("2stems-16kHz", weights.NARROW, "average"),
}
"""What is stored: a model as Spleeter calls it, the width of its layers, what becomes of what it does not hear."""
SMALL = "4stems"
"""The case whose checkpoint is kept."""


def main() -> None:
    """Compute and store, or compare."""
    if sys.argv[1:] == ["--compare"]:
        compare()
        return
    stored: dict[str, Any] = {}
    for name, (model, filters, extension) in CASES.items():
        with (
            separating(model, filters, extension) as (outputs, waveform),
            session_with_numbers(model, filters) as session,
        ):
            as_it_is = session.run(outputs, {waveform: weights.sound().T})
            if name == SMALL:
                write_checkpoint(session)
        with (
            transforms_in_64_bits(),
            separating(model, filters, extension) as (outputs, waveform),
            session_with_numbers(model, filters) as session,
        ):
            found = session.run(outputs, {waveform: weights.sound().T})
        for stem in stems(model):
            print(f"{name} {stem}: Spleeter as it is, {difference_db(as_it_is[stem], found[stem]):.1f} dB")
            stored[f"{name} {stem}"] = found[stem].T[:, ::EVERY]
    for model in weights.STEMS:
        with separating(model, weights.WIDE, "zeros"):
            stored[f"{model} names"] = np.array([f"{v.op.name} {tuple(v.shape)}" for v in variables()])
    np.savez_compressed(GOLDEN, **stored)
    print(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes; {CHECKPOINT}: {CHECKPOINT.stat().st_size} bytes")


def stems(model: str) -> tuple[str, ...]:
    """What a model gives."""
    return weights.STEMS[model.removesuffix("-16kHz")]


def difference_db(found: Any, expected: Any) -> float:
    """How far arrays of one shape lie apart, beside the second."""
    wide = np.asarray(expected, float)
    return float(10 * np.log10(np.sum((found - wide) ** 2) / np.sum(wide**2)))


@contextmanager
def separating(model: str, filters: tuple[int, ...], extension: str) -> Iterator[tuple[Any, Any]]:
    """Spleeter's own graph: the stems, and where the sound goes in."""
    import tensorflow as tf
    from spleeter.model import EstimatorSpecBuilder
    from spleeter.utils.configuration import load_configuration

    params = load_configuration(f"spleeter:{model}")
    params["model"]["params"]["conv_n_filters"] = list(filters)
    params["mask_extension"] = extension
    with tf.Graph().as_default():
        waveform = tf.compat.v1.placeholder(tf.float32, (None, 2))
        yield EstimatorSpecBuilder({"waveform": waveform}, params).outputs, waveform


@contextmanager
def session_with_numbers(model: str, filters: tuple[int, ...]) -> Iterator[Any]:
    """A session of the graph, whose variables are our numbers."""
    import tensorflow as tf

    numbers = weights.numbers(model.removesuffix("-16kHz"), filters)
    assert {v.op.name for v in variables()} == set(numbers)
    with tf.compat.v1.Session() as session:
        for variable in variables():
            variable.load(numbers[variable.op.name], session)
        yield session


@contextmanager
def transforms_in_64_bits() -> Iterator[None]:
    """Spleeter's calls of TensorFlow's transforms, which come back in 32."""
    import spleeter.model
    import tensorflow as tf

    own = spleeter.model.stft, spleeter.model.inverse_stft

    def there(x: Any, *args: Any, **more: Any) -> Any:
        return tf.cast(own[0](tf.cast(x, tf.float64), *args, **more), tf.complex64)

    def back(x: Any, *args: Any, **more: Any) -> Any:
        return tf.cast(own[1](tf.cast(x, tf.complex128), *args, **more), tf.float32)

    spleeter.model.stft, spleeter.model.inverse_stft = there, back
    try:
        yield
    finally:
        spleeter.model.stft, spleeter.model.inverse_stft = own


def variables() -> list[Any]:
    """Of the graph."""
    import tensorflow as tf

    found: list[Any] = tf.compat.v1.global_variables()
    return found


def write_checkpoint(session: Any) -> None:
    """As Spleeter's training saves it, and as its archives are packed; the graph itself is left out."""
    import tensorflow as tf

    step = tf.compat.v1.train.get_or_create_global_step()
    session.run(step.initializer)
    with tempfile.TemporaryDirectory() as folder:
        tf.compat.v1.train.Saver(save_relative_paths=True).save(session, f"{folder}/model", write_meta_graph=False)
        with tarfile.open(CHECKPOINT, "w:gz") as archive:
            for path in sorted(Path(folder).iterdir()):
                archive.add(path, f"./{path.name}")


def compare() -> None:
    """Print the difference of each case, in dB of the stem."""
    from sepkit.separators.base import Mix
    from sepkit.separators.spleeter import Options, Separator

    golden = np.load(GOLDEN)
    for name, (model, filters, extension) in CASES.items():
        with tempfile.TemporaryDirectory() as folder:
            arrays = weights.numbers(model.removesuffix("-16kHz"), filters)
            path = weights.folder(Path(folder) / "model", weights.files(arrays))
            options = {"model": model, "weights": str(path), "mask_extension": extension}
            member = Separator(Options.model_validate(options))
            member.load("cpu")
            found = member.separate(Mix(weights.sound())).sources
        for stem in stems(model):
            print(f"{name} {stem}: {difference_db(found[stem][:, ::EVERY], golden[f'{name} {stem}']):.1f} dB")


if __name__ == "__main__":
    main()
