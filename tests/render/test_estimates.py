"""What a separator gives back is held against its contract in one place, and named where it does not keep it."""

import numpy as np
import pytest
import soundfile

from sepkit.audio.samples import Audio
from sepkit.batch.single import run_files
from sepkit.config import parse_config
from sepkit.errors import SepkitError
from sepkit.render.pipeline import Pipeline
from tests.dropped import dropped_in

SEPARATOR = """
import numpy as np
from sepkit import config
from sepkit.separators.base import BaseSeparator, Estimates


class Options(config.Options):
    pass


class Separator(BaseSeparator):
    sources = ("low", "high")

    def separate(self, mix):
        x = mix.samples
        return RETURNED
"""
CONFIG = "members: [{separator: odd}]\nloudness: {target_lufs: null, ceiling_dbtp: null}"
CASES = [
    ("Estimates(x, None, {'low': x})", r"its separate did not give source 'high'; it must give every source that"),
    ("Estimates(x)", r"its separate did not give source 'low'"),
    ("Estimates(None, x, {'low': x, 'high': x})", r"its separate did not give wanted"),
    ("Estimates(x[:, 1:], None, {'low': x, 'high': x})", r"its wanted came as float32 \(2, 799\).* float32 \(2, 800\)"),
    ("Estimates(x, x[:1], {'low': x, 'high': x})", r"its rest came as float32 \(1, 800\)"),
    ("Estimates(x, None, {'low': x, 'high': x.T})", r"its source 'high' came as float32 \(800, 2\)"),
    ("Estimates(x, None, {'low': x.astype(int), 'high': x})", r"its source 'low' came as int64 \(2, 800\)"),
    ("Estimates(x.tolist(), None, {'low': x, 'high': x})", r"its wanted came as list"),
    ("Estimates(x, None, {'low': x * np.float32('nan'), 'high': x})", r"its source 'low' holds NaN or Inf"),
    ("Estimates(x, x + np.float32('inf'), {'low': x, 'high': x})", r"its rest holds NaN or Inf"),
    ("x", r"its separate gave a ndarray; it must give Estimates"),
]


@pytest.mark.parametrize(("returned", "said"), CASES)
def test_what_a_separator_must_not_give_is_named(tmp_path, returned, said):
    (tmp_path / "odd.py").write_text(SEPARATOR.replace("RETURNED", returned), encoding="utf-8")
    noise = np.random.default_rng(0).uniform(-0.1, 0.1, (2, 800)).astype(np.float32)
    with dropped_in(tmp_path, "separators"), pytest.raises(SepkitError, match=rf"^member 'odd': {said}"):
        Pipeline(parse_config(CONFIG)).run(Audio(noise, 8000))


def test_it_is_one_line_of_a_command(tmp_path):
    (tmp_path / "odd.py").write_text(SEPARATOR.replace("RETURNED", "Estimates(x)"), encoding="utf-8")
    soundfile.write(tmp_path / "a.wav", np.zeros(800), 8000)
    with dropped_in(tmp_path, "separators"):
        (result,) = run_files([str(tmp_path / "a.wav")], str(tmp_path / "out"), parse_config(CONFIG)).results
    assert str(result.error).startswith("member 'odd': its separate did not give source 'low'")
