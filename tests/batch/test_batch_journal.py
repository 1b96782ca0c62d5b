"""The journal: what was appended comes back, whatever a kill did to the last line. Witness for hashes:
sha256sum."""

import resource
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepkit.batch.journal import JOURNAL_NAME, Journal, Record, is_whole, sha256_of, stamp
from sepkit.errors import OutputError


def record(path: str, seconds: float = 1.5) -> Record:
    return Record(path, "1" * 64, "2" * 64, "3" * 64, (), 10.0, seconds, 1, {"lufs": {"before": -20.0}}, "")


def test_records_come_back(tmp_path):
    records = [record("a\nb.wav"), record("🎙.wav"), record("\udcff.wav")]
    journal = Journal(tmp_path)
    for each in records:
        journal.append(each)
    assert list(Journal(tmp_path).records.values()) == records


def test_a_later_record_replaces_an_earlier_one(tmp_path):
    journal = Journal(tmp_path)
    journal.append(record("a.wav", 1.0))
    journal.append(record("a.wav", 2.0))
    assert Journal(tmp_path).records == {"a.wav": record("a.wav", 2.0)}


def test_a_write_cut_anywhere_costs_the_torn_record_alone(tmp_path):
    journal = Journal(tmp_path)
    for name in ("a", "b", "c"):
        journal.append(record(name))
    path = tmp_path / JOURNAL_NAME
    whole = path.read_bytes()
    ends = [index + 1 for index, byte in enumerate(whole) if byte == ord("\n")]
    for cut in sorted({*range(0, len(whole), 13), *ends, *(end - 1 for end in ends)}):
        path.write_bytes(whole[:cut])
        kept = ["a", "b", "c"][: sum(end <= cut for end in ends)]
        reopened = Journal(tmp_path)
        assert list(reopened.records) == kept
        reopened.append(record("d"))
        assert list(Journal(tmp_path).records) == [*kept, "d"]


@given(st.binary(max_size=200))
def test_damage_inside_costs_the_damaged_lines_alone(tmp_path_factory, noise):
    folder = tmp_path_factory.mktemp("journal")
    journal = Journal(folder)
    journal.append(record("a"))
    path = folder / JOURNAL_NAME
    path.write_bytes(path.read_bytes() + noise + b"\n")
    Journal(folder).append(record("b"))
    assert list(Journal(folder).records) == ["a", "b"]


@given(st.binary(max_size=200))
def test_damaged_lines_are_told_once_and_then_gone(tmp_path_factory, noise):
    """Witness: the bytes of a journal that was never damaged."""
    folder = tmp_path_factory.mktemp("journal")
    for name in ("a", "\udcff"):
        Journal(folder).append(record(name))
    path = folder / JOURNAL_NAME
    whole = path.read_bytes()
    first, last = whole.splitlines(keepends=True)
    path.write_bytes(first + b"{" + noise + b"\n" + last + b"torn")
    journal = Journal(folder)
    assert "damaged and left out" in journal.notes()[0]
    journal.drop_damaged()
    assert path.read_bytes() == whole and list(folder.iterdir()) == [path]
    journal.append(record("b"))
    assert list(Journal(folder).records) == ["a", "\udcff", "b"] and Journal(folder).notes() == []


def test_a_full_disk_is_one_line_and_costs_the_record_in_hand_alone(tmp_path):
    journal = Journal(tmp_path)
    journal.append(record("a"))
    path = tmp_path / JOURNAL_NAME
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20, limits[1]))
    try:
        with pytest.raises(OutputError, match="free some space"):
            journal.append(record("b"))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert list(Journal(tmp_path).records) == ["a"]
    journal.append(record("c"))
    assert list(Journal(tmp_path).records) == ["a", "c"]


def test_a_file_is_whole_only_with_the_bytes_it_was_written_with(tmp_path):
    path = tmp_path / "sub/a.wav"
    path.parent.mkdir()
    path.write_bytes(bytes(range(256)) * 9000)
    expected = stamp(tmp_path, path)
    witness = subprocess.run(["sha256sum", path], capture_output=True, text=True, check=True).stdout.split()[0]
    assert expected.sha256 == sha256_of(path) == witness
    assert (expected.path, expected.size_bytes) == ("sub/a.wav", 256 * 9000)
    assert is_whole(tmp_path, expected)
    with path.open("r+b") as file:
        file.seek(1_000_000)
        file.write(b"!")
    assert not is_whole(tmp_path, expected)
    path.write_bytes(b"")
    assert not is_whole(tmp_path, expected)
    path.unlink()
    assert not is_whole(tmp_path, expected)
