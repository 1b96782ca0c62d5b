"""How a published file is brought: from real servers that break off, lie, know no ranges or redirect in a circle."""

from __future__ import annotations

import hashlib
import random
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sepkit.errors import WeightsError
from sepkit.models import weights
from sepkit.models.fetch import fetch, part_of
from sepkit.models.weights import WeightFile
from tests.models.host import Host, breaking, hosting, in_ranges, whole_only

CONTENT = random.Random(0).randbytes(1_000_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
NAME = "net.th"


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    for name in ("SEPKIT_OFFLINE", "SEPKIT_MIRROR", "http_proxy", "HTTP_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def host() -> Iterator[Host]:
    with hosting() as host:
        host.files[NAME] = CONTENT
        yield host


def published(url: str | None, sha256: str = DIGEST, size_bytes: int = len(CONTENT), **more: object) -> WeightFile:
    path = weights.torch_checkpoints() / "family" / NAME
    file = WeightFile("net", path, size_bytes, sha256, "a paper", "MIT", "MIT", url)
    return replace(file, **more)  # type: ignore[arg-type]  # by its name


def lies_alone(file: WeightFile, *beside: str) -> bool:
    return {path.name for path in file.path.parent.iterdir()} == {*beside}


def failure(file: WeightFile, trust: bool = False) -> str:
    """The one line of a fetch that fails and leaves nothing."""
    with pytest.raises(WeightsError) as caught:
        fetch(file, progress=False, trust=trust)
    assert "\n" not in str(caught.value)
    assert lies_alone(file), list(file.path.parent.iterdir())
    return str(caught.value)


def test_what_is_absent_or_damaged_is_brought_and_what_is_right_is_not_asked_for(host):
    file = published(host.url(NAME))
    fetch(file, progress=False)
    assert file.path.read_bytes() == CONTENT and lies_alone(file, NAME)
    file.path.write_bytes(b"damaged")
    fetch(file, progress=False)
    assert file.path.read_bytes() == CONTENT
    host.files.clear()
    fetch(file, progress=False)
    assert len(host.asked) == 2


def test_a_connection_that_breaks_is_taken_up_where_it_broke(host):
    host.ways[NAME] = breaking(300_000, times=3)
    file = published(host.url(NAME))
    fetch(file, progress=False)
    assert file.path.read_bytes() == CONTENT
    assert [asked.range for asked in host.asked] == [None, "bytes=300000-", "bytes=600000-", "bytes=900000-"]


def test_the_next_fetch_goes_on_with_the_part_and_checks_the_whole(host):
    host.ways[NAME] = breaking(100_000, times=4)
    file = published(host.url(NAME))
    with pytest.raises(WeightsError, match=r"broke off after 400,000 of 1,000,000 bytes.*goes on from there"):
        fetch(file, progress=False)
    assert part_of(file).read_bytes() == CONTENT[:400_000] and lies_alone(file, part_of(file).name)
    del host.ways[NAME]
    fetch(file, progress=False)
    assert host.asked[-1].range == "bytes=400000-"
    assert file.path.read_bytes() == CONTENT and lies_alone(file, NAME)


@pytest.mark.parametrize("part", [b"of another file", CONTENT[:-1] + b"?", CONTENT + b"too much"])
def test_a_part_of_another_file_is_begun_anew(host, part):
    file = published(host.url(NAME))
    file.path.parent.mkdir(parents=True)
    part_of(file).write_bytes(part)
    fetch(file, progress=False)
    assert file.path.read_bytes() == CONTENT and lies_alone(file, NAME)
    assert host.asked[-1].range is None


def test_a_server_without_ranges_gives_the_whole_again(host):
    host.ways[NAME] = whole_only
    file = published(host.url(NAME))
    file.path.parent.mkdir(parents=True)
    part_of(file).write_bytes(CONTENT[:400_000])
    fetch(file, progress=False)
    assert file.path.read_bytes() == CONTENT
    assert [asked.range for asked in host.asked] == ["bytes=400000-"]


def test_where_no_digest_is_known_no_part_is_kept_or_taken_up(host):
    host.ways[NAME] = breaking(100_000, times=4)
    file = published(host.url(NAME), sha256="")
    assert "broke off after 400,000 of 1,000,000 bytes); try again" in failure(file, trust=True)
    part_of(file).write_bytes(b"left by a kill")
    fetch(file, progress=False, trust=True)
    assert file.path.read_bytes() == CONTENT
    assert host.asked[4].range is None


def circle(handler, content):
    handler.give(b"", 302, location="/" + NAME)


def page(handler, content):
    handler.give(b"<html>Please log in</html>", content_type="text/html; charset=utf-8")


def page_in_disguise(handler, content):
    handler.give(b"\n<!DOCTYPE html><html>" + CONTENT, content_type="application/octet-stream")


def another_range(handler, content):
    handler.give(content[7:], 206, content_range=f"bytes 7-{len(content) - 1}/{len(content)}")


def endless(handler, content):
    handler.give(content + content + b"!", content_length="")
    handler.close_connection = True


def short_and_silent_about_it(handler, content):
    handler.give(content[:10], content_length="")
    handler.close_connection = True


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        (lambda handler, _: handler.send_error(403), "HTTP 403 Forbidden"),
        (circle, "redirects in a circle"),
        (page, "gives an HTML page in place of the file"),
        (page_in_disguise, "gives an HTML page in place of the file"),
        (another_range, "gave another part"),
        (endless, "does not end after 2,000,000 bytes"),
        (short_and_silent_about_it, f"is not the published file: SHA-256 begins with .*, expected {DIGEST}"),
        (lambda handler, content: whole_only(handler, b"x" + content[1:]), "is not the published file"),
        (lambda handler, content: whole_only(handler, content[:-1]), "is not the published file"),
    ],
)
def test_what_is_not_the_file_is_one_line_and_leaves_nothing(host, way, reason):
    host.ways[NAME] = way
    assert re.search(
        rf"^net: {host.url(NAME)} cannot be fetched \(.*{reason}.*; try again", failure(published(host.url(NAME)))
    )


@pytest.mark.parametrize("exact", [True, False])
def test_a_length_that_cannot_be_is_refused_before_anything_comes(host, exact):
    """Where no digest tells, a size counts: to the byte, or to a tenth."""
    host.ways[NAME] = lambda handler, content: in_ranges(handler, content, sent=0)
    size = len(CONTENT) + 1 if exact else 1_200_000
    why = failure(published(host.url(NAME), "", size, exact_size=exact), trust=True)
    assert "it has 1,000,000 bytes there" in why
    assert ("1,000,001 are expected" if exact else "1,080,000 to 1,320,000 are expected") in why
    assert len(host.asked) == 1


def test_mirrors_are_asked_in_their_order_and_go_on_with_the_same_part(host):
    host.ways["first"] = breaking(100_000, times=4)
    host.files |= {"first": CONTENT, "third": CONTENT}
    file = published(host.url("first"), mirrors=(host.url("second"), host.url("third")))
    fetch(file, progress=False)
    assert file.path.read_bytes() == CONTENT
    assert [asked.path for asked in host.asked] == ["first"] * 4 + ["second", "third"]
    assert host.asked[-1].range == "bytes=400000-"


def test_every_address_says_why_it_failed(host):
    file = published(host.url("absent"), mirrors=("http://127.0.0.1:9/net.th", "file:///nowhere/net.th", "nonsense"))
    why = failure(file)
    for part in (r"absent cannot be fetched \(HTTP 404", r":9/net.th .*refused", r"nowhere.*No such file", "nonsense"):
        assert re.search(part, why), why


def test_a_mirror_root_stands_for_all_addresses(host, tmp_path, monkeypatch):
    """A mirror is a copy of the folder of weights: a folder, file:// or http://."""
    (tmp_path / "copy of it" / "family").mkdir(parents=True)
    (tmp_path / "copy of it" / "family" / NAME).write_bytes(CONTENT)
    host.files[f"mirror/family/{NAME}"] = CONTENT
    file = published(host.url("never asked"))
    for root in (str(tmp_path / "copy of it"), (tmp_path / "copy of it").as_uri(), host.url("mirror/")):
        monkeypatch.setenv("SEPKIT_MIRROR", root)
        fetch(file, progress=False)
        assert file.path.read_bytes() == CONTENT
        file.path.unlink()
    assert [asked.path for asked in host.asked] == [f"mirror/family/{NAME}"]
    monkeypatch.setenv("SEPKIT_MIRROR", str(tmp_path))
    assert re.search(r"No such file.*take SEPKIT_MIRROR away", failure(file))


def test_offline_no_connection_is_tried(host, tmp_path, monkeypatch):
    monkeypatch.setenv("SEPKIT_OFFLINE", "1")
    file = published(host.url(NAME))
    file.path.parent.mkdir(parents=True)
    assert re.search(r"SEPKIT_OFFLINE is set; .*copy http.*net.th to .*family/net.th", failure(file))
    assert host.asked == []
    (tmp_path / "family").mkdir()
    (tmp_path / "family" / NAME).write_bytes(CONTENT)
    monkeypatch.setenv("SEPKIT_MIRROR", str(tmp_path))
    fetch(file, progress=False)
    assert file.path.read_bytes() == CONTENT


def test_a_proxy_of_the_environment_is_used(host, monkeypatch):
    """A proxy is asked for the whole address of a host that does not exist."""
    host.files["http://weights.invalid/net.th"] = CONTENT
    monkeypatch.setenv("http_proxy", host.address)
    file = published("http://weights.invalid/net.th")
    fetch(file, progress=False)
    assert [asked.path for asked in host.asked] == ["http://weights.invalid/net.th"]


def test_without_a_digest_the_first_fetch_needs_trust_and_holds_ever_after(host):
    file = published(host.url(NAME), sha256="")
    file.path.parent.mkdir(parents=True)
    assert "nobody publishes a SHA-256 of net.th" in failure(file) and host.asked == []
    fetch(file, progress=False, trust=True)
    beside = f"{NAME}.sha256"
    assert lies_alone(file, NAME, beside)
    checked = subprocess.run(["sha256sum", "-c", beside], cwd=file.path.parent, capture_output=True, text=True)
    assert checked.stdout == f"{NAME}: OK\n"

    file.path.write_bytes(b"damaged")
    with pytest.raises(WeightsError, match="damaged or not the one that was trusted"):
        weights.verify(file)
    fetch(file, progress=False)  # it is known by now what has to come
    weights.verify(file)
    file.path.unlink()
    host.files[NAME] = bytes(len(CONTENT))
    with pytest.raises(WeightsError, match=r"is not the one that was trusted.*sepkit models remove net"):
        fetch(file, progress=False, trust=True)


def test_what_the_user_copied_here_is_taken_and_can_be_trusted(tmp_path):
    file = published("http://127.0.0.1:9/net.th", sha256="")
    file.path.parent.mkdir(parents=True)
    file.path.write_bytes(CONTENT)
    weights.verify(file)
    fetch(file, progress=False)
    assert weights.digest_of(file) == ""
    fetch(file, progress=False, trust=True)
    assert weights.digest_of(file) == DIGEST


def test_a_remembered_digest_that_is_none_is_one_line(host):
    file = published(host.url(NAME), sha256="")
    fetch(file, progress=False, trust=True)
    file.path.with_name(f"{NAME}.sha256").write_text("?")
    with pytest.raises(WeightsError, match=r"net.th.sha256: is no line of sha256sum"):
        weights.verify(file)


def test_two_fetches_at_once_download_once(host):
    """The first is let go on when the second says that it waits."""
    waits = threading.Event()

    def slow(handler, content):
        waits.wait(60)
        in_ranges(handler, content)

    host.ways[NAME] = slow
    file = published(host.url(NAME))
    first = threading.Thread(target=fetch, args=(file, False))
    first.start()
    while not host.asked:
        time.sleep(0.01)
    command = (
        "import sys; from pathlib import Path; from sepkit.models.fetch import fetch; "
        "from sepkit.models.weights import WeightFile; "
        f"fetch(WeightFile('net', Path({str(file.path)!r}), {len(CONTENT)}, {DIGEST!r}, '', '', '', {file.url!r}), "
        "told=lambda line: print(line, flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", command], stdout=subprocess.PIPE, text=True) as second:
        assert second.stdout is not None
        assert "another process fetches net.th; waiting for it" in second.stdout.readline()
        waits.set()
        assert second.wait(60) == 0
    first.join()
    assert len(host.asked) == 1
    assert file.path.read_bytes() == CONTENT and lies_alone(file, NAME)


def test_a_disk_that_takes_no_more_is_one_line_and_leaves_nothing(host):
    """A limit on the size of files refuses the bytes as a full disk does."""
    file = published(host.url(NAME))
    code = (
        "import resource; from pathlib import Path; from sepkit.models.fetch import fetch; "
        "from sepkit.models.weights import WeightFile; resource.setrlimit(resource.RLIMIT_FSIZE, (500000, 500000)); "
        f"fetch(WeightFile('net', Path({str(file.path)!r}), {len(CONTENT)}, {DIGEST!r}, '', '', '', {file.url!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "net.th cannot be written (File too large); make room" in done.stderr.splitlines()[-1]
    assert lies_alone(file)


def test_what_is_larger_than_the_disk_is_refused_before_it_comes(host):
    host.ways[NAME] = lambda handler, content: handler.give(b"", content_length=str(10**18))
    why = failure(published(host.url(NAME), size_bytes=10**18))
    assert re.search(r"cannot be written \(1,000,000,000,000 MB are needed, and [\d,]+ MB are free there\)", why)


def test_a_cache_that_cannot_be_written_is_one_line(host, tmp_path, monkeypatch):
    (tmp_path / "no folder").write_text("")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "no folder"))
    with pytest.raises(WeightsError, match=r"family cannot be written \(Not a directory\); .*TORCH_HOME"):
        fetch(published(host.url(NAME)), progress=False)
    assert host.asked == []


def test_what_comes_with_a_package_cannot_be_fetched():
    with pytest.raises(WeightsError, match="comes with its package"):
        fetch(published(None), progress=False)
