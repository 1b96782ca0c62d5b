"""Zip archives from strangers. Witness for unsafe names: how pathlib reads them."""

import os
import re
import stat
import struct
import zipfile
from pathlib import Path, PureWindowsPath
from urllib.parse import unquote_to_bytes

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepkit.batch import BatchJob, run_batch
from sepkit.batch.delivery import UnpackBound, check, pack, unpack
from sepkit.errors import OutputError, SourceError
from tests.batch.folders import config, lay, statuses

BOUND = UnpackBound()


def every(path: str) -> bool:
    return True


def archive_of(path: Path, members: dict[str, bytes], mode: int = 0) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            archive.writestr(info, data, zipfile.ZIP_DEFLATED)
    return path


def refused(tmp_path: Path, archive: Path, match: str, bound: UnpackBound = BOUND) -> None:
    """Refused with one line, before anything is unpacked."""
    target = tmp_path / "target"
    target.mkdir(exist_ok=True)
    with pytest.raises(SourceError, match=match) as caught:
        unpack(archive, target, every, bound)
    assert "\n" not in str(caught.value)
    assert list(target.iterdir()) == []


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("../a.wav", "leaves the folder"),
        ("a/../../b.wav", "leaves the folder"),
        ("a\\..\\..\\b.wav", "leaves the folder"),
        ("/etc/a.wav", "absolute"),
        ("\\\\server\\share\\a.wav", "absolute"),
        ("C:\\a.wav", "absolute"),
        ("c:a.wav", "absolute"),
    ],
)
def test_members_that_escape_are_refused_before_the_good_ones_are_unpacked(tmp_path, name, why):
    refused(tmp_path, archive_of(tmp_path / "d.zip", {"good.wav": b"x", name: b"x"}), why)


PART = st.sampled_from(["a", "..", ".", "", "b.wav", "C:", "~", " ..", "... "])


@given(st.lists(st.tuples(PART, st.sampled_from(["/", "\\"])), min_size=1, max_size=6))
def test_whatever_is_accepted_lands_inside(tmp_path_factory, parts):
    folder = tmp_path_factory.mktemp("zip")
    name = "".join(part + slash for part, slash in parts) + "end.wav"
    archive = archive_of(folder / "d.zip", {name: b"x"})
    target = folder / "target"
    target.mkdir()
    windows = PureWindowsPath(name)  # reads both slashes, drives and roots
    escapes = bool(windows.drive or windows.root) or ".." in windows.parts
    if escapes:
        with pytest.raises(SourceError):
            unpack(archive, target, every, BOUND)
    else:
        assert unpack(archive, target, every, BOUND) == {}
    landed = [path for path in folder.rglob("*") if path.is_file() and path.name != "d.zip"]
    assert len(landed) == (0 if escapes else 1)
    assert all(path.is_relative_to(target) for path in landed)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path, kind):
    refused(tmp_path, archive_of(tmp_path / "d.zip", {"a.wav": b"/etc/passwd"}, kind | 0o777), "link or a device")


def test_members_of_one_name_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("a/b.wav", b"1")
        archive.writestr("a\\b.wav", b"2")
    refused(tmp_path, tmp_path / "d.zip", "no name of its own")


def test_a_bomb_is_refused_by_ratio_and_by_bytes(tmp_path):
    bomb = archive_of(tmp_path / "d.zip", {"a.wav": bytes(70 << 20)})
    refused(tmp_path, bomb, "times its size")
    refused(tmp_path, bomb, "would unpack to 73400320 bytes", UnpackBound(largest_bytes=1 << 20))
    assert [member.filename for member in check(bomb, UnpackBound(largest_ratio=2000))] == ["a.wav"]


def test_a_header_that_lies_about_its_size_unpacks_no_more_than_it_says(tmp_path):
    archive = archive_of(tmp_path / "d.zip", {"a.wav": bytes(1 << 20), "b.wav": b"good"})
    raw = archive.read_bytes()
    assert raw.count(struct.pack("<I", 1 << 20)) == 2  # local header and directory
    archive.write_bytes(raw.replace(struct.pack("<I", 1 << 20), struct.pack("<I", 1000)))
    target = tmp_path / "target"
    target.mkdir()
    assert list(unpack(archive, target, every, BOUND)) == ["a.wav"]
    assert [path.name for path in target.iterdir()] == ["b.wav"]


def test_a_damaged_member_fails_alone(tmp_path):
    with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
        archive.writestr("bad.wav", b"HERE" * 100)
        archive.writestr("good.wav", b"fine")
    raw = (tmp_path / "d.zip").read_bytes()
    (tmp_path / "d.zip").write_bytes(raw.replace(b"HEREHERE", b"HEREther", 1))
    target = tmp_path / "target"
    target.mkdir()
    damaged = unpack(tmp_path / "d.zip", target, every, BOUND)
    assert list(damaged) == ["bad.wav"] and "CRC" in damaged["bad.wav"]
    assert [(path.name, path.read_bytes()) for path in target.iterdir()] == [("good.wav", b"fine")]


def test_a_member_of_damaged_lzma_fails_alone(tmp_path):
    noise = np.random.default_rng(0).bytes(20_000)
    with zipfile.ZipFile(tmp_path / "d.zip", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("bad.wav", noise)
        archive.writestr("good.wav", b"fine")
    raw = bytearray((tmp_path / "d.zip").read_bytes())
    raw[60:1000] = b"\xff" * 940
    (tmp_path / "d.zip").write_bytes(raw)
    target = tmp_path / "target"
    target.mkdir()
    assert list(unpack(tmp_path / "d.zip", target, every, BOUND)) == ["bad.wav"]
    assert [(path.name, path.read_bytes()) for path in target.iterdir()] == [("good.wav", b"fine")]


@pytest.mark.parametrize("names", [("a.wav", "a.wav/b.wav"), ("a.wav/b.wav", "a.wav")])
def test_a_file_and_a_folder_of_one_name_cost_the_second_alone(tmp_path, names):
    archive = archive_of(tmp_path / "d.zip", {names[0]: b"1", names[1]: b"2", "c.wav": b"3"})
    target = tmp_path / "target"
    target.mkdir()
    assert list(unpack(archive, target, every, BOUND)) == [names[1]]
    files = {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert files == {names[0]: b"1", "c.wav": b"3"}


def test_names_too_long_for_any_disk_fail_alone_up_to_the_report(tmp_path):
    long = ("n" * 6000 + ".wav", ("d" * 200 + "/") * 30 + "e.wav", "o" * 300 + "/e.wav", "p/" * 1900 + "e.wav")
    lay(tmp_path / "in", "good.wav")
    archive = archive_of(tmp_path / "d.zip", dict.fromkeys(long, b"x"))
    with zipfile.ZipFile(archive, "a") as opened:
        opened.write(tmp_path / "in/good.wav", "good.wav")
    report = run_batch(BatchJob(config("report: true"), archive, tmp_path / "out"))
    assert statuses(report) == {**dict.fromkeys(long, "failed"), "good.wav": "done"}, report.text()
    assert all(re.search("File name too long|folders deep", row.error) for row in report.with_status("failed"))


def test_text_named_zip_and_a_truncated_zip_are_one_line(tmp_path):
    (tmp_path / "text.zip").write_text("hello")
    refused(tmp_path, tmp_path / "text.zip", "cannot be read as a zip")
    archive = archive_of(tmp_path / "d.zip", {"a.wav": b"x" * 1000})
    archive.write_bytes(archive.read_bytes()[:-30])
    refused(tmp_path, archive, "cannot be read as a zip")


def test_only_what_matches_is_unpacked_and_folders_are_no_members(tmp_path):
    archive = archive_of(
        tmp_path / "d.zip", {"a/": b"", "a/b.wav": b"1", "w\\": b"", "w\\c.wav": b"2", "notes.txt": b"3"}
    )
    target = tmp_path / "target"
    target.mkdir()
    assert unpack(archive, target, lambda path: path.endswith(".wav"), BOUND) == {}
    files = {path.relative_to(target).as_posix(): path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert files == {"a/b.wav": b"1", "w/c.wav": b"2"}


def test_packing_is_stored_sorted_and_the_same_every_time(tmp_path):
    names = ["z.wav", "a/b.wav", "new\nline.wav", "\udcff.wav"]
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(name.encode("utf-8", "surrogateescape") * 50)
    pack(tmp_path, names, tmp_path / "1.zip")
    (tmp_path / "z.wav").touch()
    pack(tmp_path, reversed(names), tmp_path / "2.zip")
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "1.zip") as archive:
        assert archive.namelist() == ["a/b.wav", "new\nline.wav", "z.wav", "%FF.wav"]
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert archive.testzip() is None
        assert archive.read("z.wav") == b"z.wav" * 50


def test_what_is_packed_has_names_of_its_own_that_are_safe_on_windows_and_unpacks(tmp_path):
    names = ["a%FF.wav", "a%ff.wav", "a\udcff.wav", "50 %.wav", "%5C", "\\"]
    names += ["x\\..\\..\\evil.wav", "c:x.wav", "\\\\server\\a.wav"]
    for name in names:
        (tmp_path / name).write_bytes(os.fsencode(name))
    pack(tmp_path, names, tmp_path / "d.zip")
    with zipfile.ZipFile(tmp_path / "d.zip") as archive:
        packed = {name: archive.read(name) for name in archive.namelist()}
    assert {unquote_to_bytes(name) for name in packed} == set(map(os.fsencode, names))
    assert all(unquote_to_bytes(name) == content for name, content in packed.items())
    assert all(len(PureWindowsPath(name).parts) == 1 and not PureWindowsPath(name).drive for name in packed)
    (tmp_path / "target").mkdir()
    assert unpack(tmp_path / "d.zip", tmp_path / "target", every, BOUND) == {}
    assert {path.name for path in (tmp_path / "target").iterdir()} == set(packed)


def test_packing_that_fails_leaves_nothing(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"1")
    with pytest.raises(OutputError):
        pack(tmp_path, ["a.wav", "missing.wav"], tmp_path / "out/d.zip")
    assert list((tmp_path / "out").iterdir()) == []
