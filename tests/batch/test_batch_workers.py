"""Batches in worker processes and on GPUs: the same results, shared out, and what a death costs."""

import os

import psutil
import pytest

from sepkit.batch import BatchJob, run, run_batch
from sepkit.batch.engines import processes as workers
from sepkit.batch.engines.processes import THREAD_VARIABLES, render_in_workers, share
from sepkit.batch.find import find
from sepkit.batch.journal import Journal
from sepkit.batch.plan import Identity, make_plan
from sepkit.config import parse_config
from sepkit.errors import DeviceError
from sepkit.models.device import cores
from sepkit.render.pipeline import Pipeline
from tests.batch.folders import RATE_HZ, config, lay, outputs, statuses


def test_workers_give_the_same_tree_as_one_process(tmp_path):
    source = lay(tmp_path / "in", *(f"{index}.wav" for index in range(5)))
    (source / "bad.wav").write_text("no sound")
    one = run_batch(BatchJob(config(), source, tmp_path / "one"))
    two = run_batch(BatchJob(config(), source, tmp_path / "two", jobs=2))
    assert statuses(one) == statuses(two)
    assert outputs(tmp_path / "one") == outputs(tmp_path / "two")
    assert len(Journal(tmp_path / "two").records) == 5


def test_a_worker_renders_several_files_at_once(tmp_path, monkeypatch):
    """As on a GPU. Witness: one process, one file after the other."""
    source = lay(tmp_path / "in", *(f"{index}.wav" for index in range(7)))
    (source / "bad.wav").write_text("no sound")
    one = run_batch(BatchJob(config(), source, tmp_path / "one"))
    out, pipeline, begun, most = tmp_path / "threads", Pipeline(config()), set(), [0]
    plan = make_plan(source, find(source, "*", out), out, pipeline, Journal(out), Identity.of(pipeline))

    def tell(item, part):
        begun.add(item.path)
        most[0] = max(most[0], len(begun))

    for item, outcome in render_in_workers([config()], out, plan.items, tell, at_once=3):
        begun.discard(item.path)
        assert not outcome.error, outcome.error
    assert most[0] > 1
    assert outputs(out) == outputs(tmp_path / "one")
    assert statuses(one)["bad.wav"] == "failed"


def test_a_worker_killed_for_memory_fails_its_file_and_not_the_batch(tmp_path):
    """SIGKILL is what the system's out-of-memory killer sends."""
    source, out = lay(tmp_path / "in", "a.wav", "c.wav"), tmp_path / "out"
    lay(source, "b.wav", frames=RATE_HZ * 300)
    fine = config("windows: {body_s: 0.1, crossfade_s: 0.01}")
    pipeline = Pipeline(fine)
    plan = make_plan(source, find(source, "*", out), out, pipeline, Journal(out), Identity.of(pipeline))
    killed, shares, before = [], [], dict(os.environ)

    def tell(item, part):
        if item.path == "b.wav" and not killed:
            workers = [child for child in psutil.Process().children() if "spawn_main" in " ".join(child.cmdline())]
            killed.extend(workers)
            shares.extend(worker.environ()[name] for worker in workers for name in THREAD_VARIABLES)
            for worker in workers:
                worker.kill()

    outcomes = {item.path: outcome for item, outcome in render_in_workers([fine], out, plan.items, tell)}
    assert len(killed) == 1
    assert shares == [str(cores())] * len(THREAD_VARIABLES) and dict(os.environ) == before
    assert {path: bool(outcome.error) for path, outcome in outcomes.items()} == {
        "a.wav": False,
        "b.wav": True,
        "c.wav": False,
    }
    assert "signal 9" in outcomes["b.wav"].error
    assert (out / "c__speech_only.wav").is_file() and not (out / "b__speech_only.wav").exists()


@pytest.mark.parametrize(
    ("jobs", "items", "gpus", "devices"),
    [
        (None, 9, (), ["auto"]),
        (2, 9, (), ["auto", "auto"]),
        (5, 2, (), ["auto", "auto"]),
        (None, 9, ("cuda:0", "cuda:1"), ["cuda:0", "cuda:1"]),
        (None, 1, ("cuda:0", "cuda:1"), ["cuda:0"]),
        (1, 9, ("cuda:0", "cuda:1"), ["cuda:0"]),
        (3, 9, ("cuda:0", "cuda:1"), ["cuda:0", "cuda:1", "cuda:0"]),
        (9, 9, (), ["auto"] * 4),
    ],
)
def test_files_are_shared_among_gpus_or_jobs_at_most_one_a_core(monkeypatch, jobs, items, gpus, devices):
    monkeypatch.setattr(workers, "cores", lambda: 4)
    assert [each.device for each in share(config(), jobs, items, gpus)] == devices


def test_a_batch_goes_to_every_gpu_that_is_found(tmp_path, monkeypatch):
    """Here there are none: each worker must be refused the one it was given, before it reads any audio."""
    monkeypatch.setattr(run, "gpus", lambda: ("cuda:71", "cuda:72"))
    source = lay(tmp_path / "in", "a.wav", "b.wav")
    with pytest.raises(DeviceError, match=r"'cuda:7[12]' is not on this machine"):
        run_batch(BatchJob(parse_config("members: [{separator: compact}]"), source, tmp_path / "out"))
    named = BatchJob(parse_config("{device: cpu, members: [{separator: compact}]}"), source, tmp_path / "out")
    assert statuses(run_batch(named)) == {"a.wav": "done", "b.wav": "done"}
