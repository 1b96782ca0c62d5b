"""Which files a batch takes. Witness for patterns: pathlib's own glob, on trees without the cases that we
treat apart."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sepkit.batch.find import find, matcher

NOWHERE = Path("/nonexistent")


def lay(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


@pytest.mark.parametrize(
    "pattern",
    ["**/*.wav", "*.wav", "a/**/*.wav", "**/b/*.wav", "*/?.wav", "**/[cd].*", "**/a/**/c.wav", "a/b/c.wav"],
)
def test_patterns_mean_what_pathlib_means(tmp_path, pattern):
    lay(tmp_path, "c.wav", "a/c.wav", "a/b/c.wav", "a/b/d.flac", "e/b/a/c.wav", "e/cc.wav", "b/d.txt")
    expected = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.glob(pattern))
    assert expected
    assert find(tmp_path, pattern, NOWHERE).sources == expected


@given(st.lists(st.sampled_from(["a", "b", "*", "**", "?", "a.wav"]), min_size=1, max_size=4), st.data())
def test_matching_never_crosses_a_part(pattern, data):
    """A pattern without `**` has exactly as many parts as the paths that it matches."""
    path = data.draw(st.lists(st.sampled_from(["a", "b", "a.wav"]), min_size=1, max_size=5))
    if matcher("/".join(pattern))("/".join(path)) and "**" not in pattern:
        assert len(pattern) == len(path)


def test_case_does_not_matter_and_hidden_files_must_be_named(tmp_path):
    lay(tmp_path, "A.WAV", "._A.wav", ".trash/b.wav", "__MACOSX/._a.wav")
    assert find(tmp_path, "**/*.wav", NOWHERE).sources == ["A.WAV"]
    assert find(tmp_path, ".trash/*.wav", NOWHERE).sources == [".trash/b.wav"]


def test_the_folder_of_the_outputs_is_not_fed_back(tmp_path):
    lay(tmp_path, "a.wav", "out/a.wav", "out/b/c.wav", "outer/a.wav")
    assert find(tmp_path, "**/*.wav", tmp_path / "out").sources == ["a.wav", "outer/a.wav"]
    (tmp_path / "alias").symlink_to(tmp_path / "out")
    assert find(tmp_path, "**/*.wav", tmp_path / "alias").sources == ["a.wav", "outer/a.wav"]


def test_links_to_files_are_read_and_links_to_folders_are_not_followed(tmp_path):
    lay(tmp_path / "in", "a.wav")
    lay(tmp_path / "elsewhere", "b.wav", "sub/c.wav")
    (tmp_path / "in/b.wav").symlink_to(tmp_path / "elsewhere/b.wav")
    (tmp_path / "in/folder").symlink_to(tmp_path / "elsewhere/sub")
    (tmp_path / "in/loop").symlink_to(tmp_path / "in")
    assert find(tmp_path / "in", "**/*.wav", NOWHERE).sources == ["a.wav", "b.wav"]


def test_what_is_no_readable_file_is_refused_with_its_reason(tmp_path):
    lay(tmp_path, "folder.wav/inner.wav")
    (tmp_path / "gone.wav").symlink_to("nothing")
    (tmp_path / "self.wav").symlink_to("self.wav")
    os.mkfifo(tmp_path / "pipe.wav")
    found = find(tmp_path, "**/*.wav", NOWHERE)
    assert found.sources == ["folder.wav/inner.wav"]
    assert sorted(found.refused) == ["gone.wav", "pipe.wav", "self.wav"]
    assert "leads nowhere" in found.refused["gone.wav"]
    assert "not a regular file" in found.refused["pipe.wav"]


def test_files_and_folders_without_permission_are_refused(public_path):
    lay(public_path, "open.wav", "shut.wav", "shut/a.wav")
    (public_path / "shut.wav").chmod(0)
    (public_path / "shut").chmod(0)
    code = (
        "import os, sys; from pathlib import Path; from sepkit.batch.find import find\n"
        "if os.getuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "found = find(Path(sys.argv[1]), '**/*.wav', Path('/nonexistent'))\n"
        "print(found.sources, sorted(found.refused.items()))"
    )
    done = subprocess.run([sys.executable, "-c", code, public_path], capture_output=True, text=True, check=False)
    (public_path / "shut").chmod(0o755)
    assert done.stdout.strip() == (
        "['open.wav'] [('shut', 'this folder cannot be read (Permission denied)'), "
        "('shut.wav', 'no permission to read it')]"
    ), done.stderr


def test_odd_names_come_back_as_the_file_system_has_them(tmp_path):
    names = ["new\nline.wav", "🎙.wav", os.fsdecode(b"\xff\xfe.wav"), "x" * 251 + ".wav"]
    lay(tmp_path, *names)
    assert sorted(find(tmp_path, "*.wav", NOWHERE).sources) == sorted(names)
