"""What a batch refuses, its dry run and a plan refuse too, with the same words; and nothing is made."""

import shutil
import zipfile
from pathlib import Path

import pytest

import tests.bands
from sepkit.batch import BatchJob, run_batch
from sepkit.batch.preview import plan_text
from sepkit.config import load_config
from sepkit.errors import ConfigError, SourceError
from tests.batch.folders import PASSTHROUGH, lay
from tests.dropped import dropped_in

BANDS = "task: bands\nmembers: [{separator: thirds}]\n"
CASES = [
    (BANDS + "bypass_clean: true", "bypass_clean: the task 'bands' cannot tell whether a file has a background"),
    (BANDS + "gate: {wer_pct_max: 30}", "gate: WER cannot be measured for the task 'bands'"),
    (
        "task: bands\nmembers: [{separator: thirds}, {separator: passthrough}]",
        "members: the task 'bands' takes 1, found 2",
    ),
    (
        "task: bands\nmembers: [{separator: passthrough}]",
        r"members.0.separator: 'passthrough' does not tell low, middle, high apart, which the task 'bands' needs",
    ),
    (
        BANDS + "gate: {loudness_lufs_min: -24}\nescalate_to: [two.yaml]",
        "members: the task 'bands' takes 1, found 2",
    ),
]


@pytest.fixture(autouse=True)
def bands():
    with dropped_in(Path(tests.bands.__file__).parent, "render", "separators"):
        yield


@pytest.mark.parametrize(("text", "said"), CASES)
def test_batch_dry_run_and_plan_refuse_alike_and_make_nothing(tmp_path, text, said):
    lay(tmp_path / "in", "a.wav")
    (tmp_path / "two.yaml").write_text("task: bands\nmembers: [{separator: thirds}, {separator: thirds}]")
    (tmp_path / "bands.yaml").write_text(text)
    config = load_config(tmp_path / "bands.yaml")
    before = sorted(tmp_path.rglob("*"))
    for ask in (
        lambda: run_batch(BatchJob(config, tmp_path / "in", tmp_path / "out", quiet=True)),
        lambda: run_batch(BatchJob(config, tmp_path / "in", tmp_path / "out", dry_run=True, quiet=True)),
        lambda: plan_text(config, tmp_path / "in", (), False),
    ):
        with pytest.raises(ConfigError, match=f"^{said}"):
            ask()
        assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("zipped", [False, True])
def test_a_batch_of_no_file_makes_nothing(tmp_path, zipped):
    """Nothing of the name, nothing but sepkit's own results, an archive that would land elsewhere."""
    (tmp_path / "plain.yaml").write_text(PASSTHROUGH)
    config = load_config(tmp_path / "plain.yaml")
    source = lay(tmp_path / "in", "a__speech_only.wav", "b/b.wav")
    if zipped:
        source = Path(shutil.make_archive(str(tmp_path / "d"), "zip", source))
        with zipfile.ZipFile(tmp_path / "bad.zip", "w") as bad:
            bad.writestr("../a.wav", b"")
    before = sorted(tmp_path.rglob("*"))
    asked = [(source, "*.flac", "no file matches"), (source, "*_only.wav", "no file matches .* results of sepkit: 1")]
    asked += [(tmp_path / "bad.zip", "*.wav", "leaves the folder by")] if zipped else []
    for folder, pattern, why in asked:
        with pytest.raises(SourceError, match=why):
            run_batch(BatchJob(config, folder, tmp_path / "new/out", pattern, quiet=True))
        assert sorted(tmp_path.rglob("*")) == before
    assert run_batch(BatchJob(config, source, tmp_path / "new/out", "b/*.wav", quiet=True)).exit_code == 0


def test_a_plan_leaves_the_folders_own_results_out_as_a_batch_does(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "plain.yaml").write_text(PASSTHROUGH)
    config = load_config(tmp_path / "plain.yaml")
    lay(tmp_path / "in", "a.wav")
    run_batch(BatchJob(config, tmp_path / "in", tmp_path / "in/clean", quiet=True))
    assert (tmp_path / "in/clean/a__speech_only.wav").is_file()
    told = plan_text(config, tmp_path / "in", (), False).splitlines()
    assert told[0] == "sources: 1, 0.5 s of audio (8000 Hz, 1 channel)"
    assert "left out, for they are results of sepkit: 1 (clean/a__speech_only.wav)" in told
    again = run_batch(BatchJob(config, tmp_path / "in", tmp_path / "other", quiet=True, dry_run=True))
    assert "left out, for they are results of sepkit: 1 (clean/a__speech_only.wav)" in again.notes
