"""A plug-in whose own code fails at run time is one line that names its file and line, whatever is asked of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.batch.folders import lay

MEMBER = """
from sepkit import config
from sepkit.separators.base import BaseSeparator, Estimates
class Options(config.Options): pass
class Separator(BaseSeparator):
    def separate(self, mix): return Estimates(mix.samples)
    def WHERE: return 1 / 0
"""
DENOISER = """
from sepkit import config
from sepkit.denoisers.base import BaseDenoiser
class Options(config.Options): pass
class Denoiser(BaseDenoiser):
    def denoise(self, samples, std): return samples
    def WHERE: return 1 / 0
"""
METRIC = """
from sepkit import config
from sepkit.metrics.silence import Metric as Silence
class Options(config.Options): pass
class Metric(Silence):
    def WHERE: return 1 / 0
"""
OF_MEMBER = "members: [{separator: odd}]\n"
OF_DENOISER = "members: [{separator: passthrough}]\ndenoise: {denoiser: odd}\n"
OF_METRIC = "members: [{separator: passthrough}]\ngate: {odd_s_max: 3}\nevaluate: {batch_metrics: [{metric: odd}]}\n"
BATCH, DRY, PLAN = ("batch", "in", "out"), ("batch", "in", "out", "--dry-run"), ("plan", "in")
CASES = [
    (MEMBER, "separate(self, mix)", OF_MEMBER, BATCH, 1),
    (MEMBER, "separate(self, mix)", OF_MEMBER, DRY, 2),
    (MEMBER, "separate(self, mix)", OF_MEMBER, PLAN, 2),
    (MEMBER, "weights(self)", OF_MEMBER, BATCH, 2),
    (MEMBER, "weights(self)", OF_MEMBER, DRY, 2),
    (MEMBER, "weights(self)", OF_MEMBER, PLAN, 2),
    (MEMBER, "load(self, device)", OF_MEMBER, PLAN, 2),
    (DENOISER, "denoise(self, samples, std)", OF_DENOISER, BATCH, 1),
    (DENOISER, "denoise(self, samples, std)", OF_DENOISER, PLAN, 2),
    (DENOISER, "weights(self)", OF_DENOISER, PLAN, 2),
    (DENOISER, "load(self, device)", OF_DENOISER, DRY, 2),
    (METRIC, "weights(self)", OF_METRIC, DRY, 2),
]


@pytest.mark.parametrize(("text", "where", "config", "command", "code"), CASES)
def test_one_line_with_file_and_line_and_the_right_exit_code(tmp_path, text, where, config, command, code):
    plugin = tmp_path / "dropped/odd.py"
    plugin.parent.mkdir()
    plugin.write_text(text.replace("WHERE", where))
    line = next(i for i, said in enumerate(plugin.read_text().splitlines(), 1) if "1 / 0" in said)
    lay(tmp_path / "in", "a.wav")
    (tmp_path / "mine.yaml").write_text(config)
    found = {"DROPPED": str(plugin.parent), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "tests.config.command", *command, "--config", "mine.yaml"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=os.environ | found | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )
    said = (
        f"'odd' cannot be run ({plugin}: ZeroDivisionError, line {line}: division by zero); mend it, or choose another"
    )
    assert done.returncode == code, done.stderr
    front = "a.wav: " if code == 1 else ""
    assert done.stderr.splitlines() == [f"sepkit: {front}{said}"]
