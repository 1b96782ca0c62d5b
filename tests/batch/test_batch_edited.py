"""What somebody has edited since sepkit wrote it is never removed or replaced, and it is said where it stays."""

from sepkit.batch import BatchJob, run_batch
from sepkit.batch.journal import JOURNAL_NAME
from sepkit.batch.single import run_files
from tests.batch.folders import config, lay, outputs, statuses
from tests.test_three_stems import CONFIG as BANDS
from tests.test_three_stems import lay as lay_tones
from tests.test_three_stems import sepkit

STRICT = "gate: {loudness_lufs_min: 0}\n"
LENIENT = "gate: {length_equal: true}\n"
BACKGROUND = "output: {background: true}\n"
MINE = b"mine"
WHY = "for it is not known to be as sepkit wrote it"
SPEECH = """
members: [{separator: passthrough}]
post_mask: null
equalise: null
loudness: {target_lufs: null}
"""


def test_an_edited_stem_that_is_not_written_any_more_stays_and_is_said(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav", "b.wav"), tmp_path / "out"
    run_batch(BatchJob(config(BACKGROUND), source, out))
    (out / "a__background.wav").write_bytes(MINE)
    report = run_batch(BatchJob(config(), source, out))
    assert sorted(outputs(out)) == ["a__background.wav", "a__speech_only.wav", "b__speech_only.wav"]
    assert (out / "a__background.wav").read_bytes() == MINE
    assert [row.note for row in report.rows] == [
        f"an older a__background.wav stays beside the new result, {WHY}",
        "removed b__background.wav, which is not written any more",
    ]
    assert set(statuses(run_batch(BatchJob(config(), source, out))).values()) == {"skipped"}


def test_an_edited_file_stays_where_its_new_result_goes_to_quarantine_and_back(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    run_batch(BatchJob(config(LENIENT), source, out))
    (out / "a__speech_only.wav").write_bytes(MINE)
    report = run_batch(BatchJob(config(STRICT), source, out))
    held = ["quarantine/a.wav__reasons.txt", "quarantine/a__speech_only.wav"]
    assert sorted(outputs(out)) == ["a__speech_only.wav", *held] and outputs(out)["a__speech_only.wav"] == MINE
    assert f"an older a__speech_only.wav stays beside the new result, {WHY}" in report.rows[0].note
    (out / held[1]).write_bytes(b"mine too")
    report = run_batch(BatchJob(config(LENIENT), source, out))
    found = outputs(out)
    assert sorted(found) == ["a__speech_only.wav", "a__speech_only.wav.kept", held[1]]
    assert (found["a__speech_only.wav.kept"], found[held[1]]) == (MINE, b"mine too")
    assert f"what was a__speech_only.wav before is kept as a__speech_only.wav.kept, {WHY}" in report.rows[0].note


def test_an_edited_file_whose_place_is_needed_is_set_aside_each_time(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav"), tmp_path / "out"
    run_batch(BatchJob(config(STRICT), source, out))
    name = "quarantine/a__speech_only.wav"
    rendered = outputs(out)
    for number in (1, 2):
        (out / name).write_bytes(MINE + bytes([number]))
        run_batch(BatchJob(config(STRICT), source, out))
    assert outputs(out) == rendered | {f"{name}.kept": MINE + b"\1", f"{name}.kept2": MINE + b"\2"}


def test_without_its_journal_a_batch_replaces_nothing_that_is_different(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav", "b.wav"), tmp_path / "out"
    run_batch(BatchJob(config(), source, out))
    before = outputs(out)
    (out / JOURNAL_NAME).unlink()
    (out / "b__speech_only.wav").write_bytes(MINE)
    run_batch(BatchJob(config(), source, out))
    assert outputs(out) == before | {"b__speech_only.wav.kept": MINE}


def test_another_task_leaves_no_old_stem_without_a_word(tmp_path):
    """A batch removes what its journal knows, unedited; `run` has no journal, and says what stays."""
    lay_tones(tmp_path / "in", "a.wav")
    (tmp_path / "bands.yaml").write_text(BANDS)
    (tmp_path / "speech.yaml").write_text(SPEECH)
    out, single = tmp_path / "out", tmp_path / "single"
    batch = ["batch", tmp_path / "in", out, "--config"]
    assert sepkit(*batch, tmp_path / "bands.yaml").returncode == 0
    (out / "a__high.wav").write_bytes(MINE)
    told = sepkit(*batch, tmp_path / "speech.yaml").stdout
    assert sorted(outputs(out)) == ["a__high.wav", "a__speech_only.wav"] and outputs(out)["a__high.wav"] == MINE
    assert f"an older a__high.wav stays beside the new result, {WHY}" in told
    assert "removed a__low.wav" in told and "removed a__middle.wav" in told
    run = ["run", tmp_path / "in/a.wav", "-o", f"{single}/", "--config"]
    assert sepkit(*run, tmp_path / "bands.yaml").returncode == 0
    told = sepkit(*run, tmp_path / "speech.yaml").stderr
    assert sorted(outputs(single)) == ["a__high.wav", "a__low.wav", "a__middle.wav", "a__speech_only.wav"]
    for stem in ("high", "low", "middle"):
        assert f"an older {single}/a__{stem}.wav stays beside the new result, {WHY}" in told


def test_run_asks_before_a_quarantined_file_is_replaced(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav") / "a.wav", tmp_path / "out"
    run_files([str(source)], str(out), config(STRICT))
    held = out / "quarantine/a__speech_only.wav"
    held.write_bytes(MINE)
    asked = []

    def never(path):
        asked.append(path)
        return False

    (failed,) = run_files([str(source)], str(out), config(STRICT), may_overwrite=never).results
    assert asked == [held] and "quarantine/a__speech_only.wav: is there already" in str(failed.error)
    (passed,) = run_files([str(source)], str(out), config(), may_overwrite=never).results
    assert held.read_bytes() == MINE and f"an older {held} stays beside the new result, {WHY}" in passed.notes
    assert run_files([str(source)], str(out), config(STRICT)).exit_code == 3
    assert held.read_bytes() != MINE
    assert sorted(outputs(out)) == ["quarantine/a.wav__reasons.txt", "quarantine/a__speech_only.wav"]


def test_a_result_that_the_user_named_says_what_stays_beside_it(tmp_path):
    source, out = lay(tmp_path / "in", "a.wav") / "a.wav", tmp_path / "out"
    run_files([str(source)], str(out / "clean.wav"), config(BACKGROUND))
    (result,) = run_files([str(source)], str(out / "clean.wav"), config()).results
    assert result.notes == (f"an older {out}/clean__background.wav stays beside the new result, {WHY}",)
