"""What a sweep removes: what nobody holds. Witness for holds: another process, which is killed."""

import subprocess
import sys
from pathlib import Path

import pytest

from sepkit.errors import OutputError
from sepkit.files.hold import LOCK_NAME, held
from sepkit.files.whole_file import PART_PATTERN, whole_file
from sepkit.files.workspace import WORK_PREFIX, sweep, sweep_workspaces, workspace

HOLDER = """
import sys, time
from pathlib import Path
from sepkit.files.whole_file import whole_file
from sepkit.files.workspace import workspace

out = Path(sys.argv[1])
with workspace(out) as work, whole_file(out / "sub" / "page.html") as part:
    (work / "half.wav").write_bytes(b"half")
    part.write_bytes(b"half")
    print("ready", flush=True)
    time.sleep(60)
"""


def left(out: Path) -> list[str]:
    return sorted(path.name for path in out.rglob("*") if path.name.startswith(".sepkit-") or path.name == "half.wav")


@pytest.fixture
def holder(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLDER, tmp_path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        yield process
        process.kill()


def test_what_a_living_process_holds_stays_and_what_a_killed_one_left_goes(tmp_path, holder):
    before = left(tmp_path)
    assert len(before) == 3
    sweep(tmp_path)
    assert left(tmp_path) == before
    holder.kill()
    holder.wait()
    sweep_workspaces(tmp_path)
    assert [name.startswith(WORK_PREFIX) for name in left(tmp_path)] == [False]
    sweep(tmp_path)
    assert left(tmp_path) == []


def test_a_sweep_finds_what_was_left_before_there_were_holds(tmp_path):
    (tmp_path / f"{WORK_PREFIX}old").mkdir()
    (tmp_path / f"{WORK_PREFIX}old/half.wav").touch()
    (tmp_path / PART_PATTERN.replace("*", "1")).touch()
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/notes.part").write_text("mine")
    sweep(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["sub", "notes.part"]


def test_a_sweep_follows_no_link_out(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    part = tmp_path / "elsewhere" / PART_PATTERN.replace("*", "1")
    part.touch()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/link").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "out/loop").symlink_to("loop")
    (tmp_path / f"out/{WORK_PREFIX}1").symlink_to(tmp_path / "elsewhere")
    sweep(tmp_path / "out")
    assert part.exists()


def test_workspaces_beside_each_other_outlive_each_others_sweeps(tmp_path):
    with workspace(tmp_path) as one, workspace(tmp_path) as two:
        sweep(tmp_path)
        assert one.is_dir() and two.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_link_in_the_place_of_a_temporary_or_a_lock_leads_nowhere(tmp_path):
    (tmp_path / "precious").write_text("keep me")
    (tmp_path / PART_PATTERN.replace("*", "t")).symlink_to(tmp_path / "precious")
    with pytest.raises(OutputError, match="cannot be written"), whole_file(tmp_path / "a.txt", "t") as part:
        part.write_text("other")
    (tmp_path / LOCK_NAME).symlink_to(tmp_path / "precious")
    with pytest.raises(OutputError, match="is a link"), held(tmp_path, "batch"):
        pass
    assert (tmp_path / "precious").read_text() == "keep me"
