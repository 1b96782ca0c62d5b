"""How a Spleeter checkpoint is read: against one that TensorFlow wrote, and whatever else such a file may hold.

The checkpoint is that of `scripts/golden_spleeter.py`; damaged ones are written by `spleeter_weights`.
"""

from __future__ import annotations

import io
import pickle
import struct
import tarfile
from pathlib import Path

import numpy as np
import pytest

from sepkit.errors import WeightsError
from sepkit.separators.spleeter import Options, Separator, bundle, stored
from sepkit.separators.spleeter.crc32c import crc32c, masked
from tests.separators import spleeter_weights as weights

GOLDEN = Path(__file__).with_name("spleeter_golden.tar.gz")
LAST = "batch_normalization_11/gamma"


def loaded(path: Path, **options: object) -> Separator:
    built = Separator(Options(weights=str(path), **options))
    built.load("cpu")
    return built


@pytest.mark.parametrize(
    ("data", "check"),
    [
        (b"", 0),
        (b"123456789", 0xE3069283),  # the check value of the catalogue of CRCs
        (bytes(32), 0x8A9136AA),  # RFC 3720, appendix B.4, from here on
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_checks_are_those_of_the_standard(data, check):
    assert crc32c(data) == check


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 7, 8, 13, 64, 67, 1023, 4099])
def test_checks_of_any_length_are_those_of_long_division(length):
    data, register = np.random.default_rng(length).bytes(length), 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0x82F63B78 if register & 1 else 0)
    assert crc32c(data) == register ^ 0xFFFFFFFF


def test_what_tensorflow_wrote_comes_back_to_the_last_bit():
    expected = weights.numbers("4stems", weights.NARROW)
    (file,) = stored.files_of(str(GOLDEN), "spleeter", "", "MIT", None)
    found = stored.read((file,), lambda name: name != "global_step")
    assert found.keys() == expected.keys()
    assert all(np.array_equal(found[name], array) for name, array in expected.items())


def test_our_own_writer_writes_what_tensorflow_does():
    """So that the damaged files below are such as TensorFlow's could become."""
    arrays = weights.numbers("4stems", weights.NARROW) | {"global_step": np.array(0, np.int64)}
    with tarfile.open(GOLDEN) as archive:
        theirs = {Path(member.name).name: archive.extractfile(member).read() for member in archive}  # type: ignore[union-attr]
    index, data = weights.index_and_data(arrays)
    assert data == theirs["model.data-00000-of-00001"]
    assert bundle.entries(index) == bundle.entries(theirs["model.index"])


def test_an_archive_a_folder_and_any_folder_in_an_archive_are_the_same(tmp_path):
    files = weights.files(weights.numbers("2stems", weights.NARROW))
    places = [
        weights.folder(tmp_path / "2stems", files),
        weights.archive(tmp_path / "a.tar.gz", files),
        weights.archive(tmp_path / "b.tar", files, "2stems/"),
        weights.archive(tmp_path / "c.tgz", files, "../../../"),
    ]
    before = set(tmp_path.rglob("*"))
    states = [loaded(place)._network(Separator(Options(weights=str(place))).weights()).state_dict() for place in places]
    assert all(tensor.equal(states[0][name]) for state in states for name, tensor in state.items())
    assert set(tmp_path.rglob("*")) == before, "something was unpacked"


def test_what_a_training_leaves_beside_the_network_is_passed_over(tmp_path):
    arrays = weights.numbers("2stems", weights.NARROW)
    arrays |= {"global_step": np.array(3, np.int64), "beta1_power": np.float32(0.9) * np.ones(())}
    arrays |= {"conv2d/kernel/Adam": np.ones(3, np.float32), "conv2d/kernel/Adam_1": np.ones(3, np.float32)}
    loaded(weights.archive(tmp_path / "a.tar.gz", weights.files(arrays)))


def files(change=lambda arrays: None, model="2stems", **replaced) -> dict[str, bytes]:
    """A small checkpoint's files, its arrays changed; then files replaced by what a function makes of them."""
    arrays = weights.numbers(model, weights.NARROW)
    change(arrays)
    found = weights.files(arrays)
    for name, make in replaced.items():
        full = {"index": "model.index", "data": "model.data-00000-of-00001", "named": "checkpoint"}[name]
        found[full] = make(found[full])
    return {name: content for name, content in found.items() if content is not None}


def flipped(at):
    return lambda content: content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def named(text):
    return lambda content: f'model_checkpoint_path: "{text}"\n'.encode()


def unwhole(arrays):
    arrays[LAST] = arrays[LAST].astype(np.float64)


def recompressed(index):
    """Its first block said to be compressed, with a check to suit."""
    (begin, size), *_ = (bundle._handle(value) for _, value in rows_of_blocks(index))
    block = index[begin : begin + size] + b"\1"
    return block + struct.pack("<I", masked(crc32c(block))) + index[len(block) + 4 :]


def rows_of_blocks(index):
    _, at = bundle._varint(index[-48:], 0)
    _, at = bundle._varint(index[-48:], at)
    return bundle._rows(bundle._block(index, *bundle._handle(index[-48:], at)))


MISFITS = {
    "one is missing": (lambda: files(lambda a: a.pop(LAST)), rf"1 tensors are missing.*{LAST}"),
    "one too many": (lambda: files(lambda a: a.update(strange=np.ones(2, np.float32))), "1 too many.*strange"),
    "another shape": (lambda: files(lambda a: a.update({LAST: np.ones(9, np.float32)})), f"1 of another shape.*{LAST}"),
    "another model": (lambda: files(model="4stems"), r"for 2stems, 0 tensors are missing, 148 too many"),
    "another family": (
        lambda: weights.files({"dense/kernel": np.ones((2, 3), np.float32)}),
        "there is no tensor 'conv2d/kernel'",
    ),
    "other numbers": (lambda: files(unwhole), f"'{LAST}' holds numbers of TensorFlow's type 2, not 32-bit floats"),
    "data of another file": (lambda: files(data=lambda c: c[::-1]), r"the numbers of '.*' are not those that were wri"),
    "one bit of the data": (lambda: files(data=flipped(100)), "CRC-32C differs"),
    "data cut short": (lambda: files(data=lambda c: c[:-1]), "lies beyond the .* bytes of data, which are cut short"),
    "no data": (lambda: files(data=lambda c: None), r"model\.data-00000-of-00001"),
    "one bit of the index": (lambda: files(index=flipped(50)), "a block of its index is not as it was written"),
    "index cut short": (lambda: files(index=lambda c: c[:-1]), "its index does not end as one of TensorFlow's"),
    "index too short": (lambda: files(index=lambda c: c[-48:]), "names a block beyond its end"),
    "no index": (lambda: files(index=lambda c: None), r"model\.index"),
    "index without end": (lambda: files(index=lambda c: c[:-48] + b"\xff" * 40 + c[-8:]), "a number in its index has"),
    "compressed": (lambda: files(index=recompressed), "is compressed"),
    "nothing named": (lambda: files(named=lambda c: b"\xff\xfe"), "'checkpoint' has no line"),
    "another name": (lambda: files(named=named("other")), r"other\.index"),
    "a name elsewhere": (lambda: files(named=named("../model")), r"names '\.\./model', which is no file beside it"),
    "a name from the root": (lambda: files(named=named("/etc/passwd")), "names '/etc/passwd', which is no file beside"),
    "no name": (lambda: files(named=named("")), "names '', which is no file beside it"),
    "not named": (lambda: files(named=lambda c: None), "checkpoint"),
}


@pytest.mark.parametrize("name", MISFITS)
@pytest.mark.parametrize("kept", ["folder", "archive"])
def test_what_does_not_fit_is_one_line_that_names_it(name, kept, tmp_path):
    make, words = MISFITS[name]
    path = weights.folder(tmp_path / "bad", make()) if kept == "folder" else weights.archive(tmp_path / "bad", make())
    with pytest.raises(WeightsError, match=words) as caught:
        loaded(path)
    assert "\n" not in str(caught.value) and "bad" in str(caught.value)


class Code:
    def __reduce__(self):
        return (Path.touch, (Path("was-run"),))


def holding(name: str, kind: bytes = tarfile.REGTYPE, size: int = 0) -> bytes:
    """An archive that says that it holds this."""
    member = tarfile.TarInfo(name)
    member.type, member.size, member.linkname = kind, size, "/etc/passwd"
    return member.tobuf() + bytes(1024)


def twice() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        for front in ("a/", "b/"):
            archive.addfile(tarfile.TarInfo(f"{front}checkpoint"))
    return file.getvalue()


BROKEN = {
    "noise": (bytes(range(256)) * 40, r"cannot be read \(it is no \.tar\.gz, or damaged\)"),
    "code": (pickle.dumps({"model": Code()}), "cannot be read"),
    "an HTML page": (b"<!DOCTYPE html><html></html>", r"cannot be read \(it is no \.tar\.gz, or damaged\)"),
    "nothing": (b"", r"cannot be read \(it is no \.tar\.gz, or damaged\)"),
    "an empty archive": (bytes(10240), "there is no 'checkpoint' in it"),
    "a link": (holding("checkpoint", tarfile.SYMTYPE), "there is no 'checkpoint' in it"),
    "huge": (holding("model.index", size=1 << 40), "has 1099511627776 bytes, at most 1073741824 are read"),
    "twice": (twice(), "holds 'checkpoint' twice"),
}


@pytest.mark.parametrize("name", [*BROKEN, "cut short", "a byte of the packing"])
def test_damaged_archives_and_code_are_refused(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = GOLDEN.read_bytes()
    cut = {"cut short": whole[: len(whole) // 2], "a byte of the packing": flipped(len(whole) // 2)(whole)}
    content, words = BROKEN.get(name) or (cut[name], "cannot be read")
    (tmp_path / "bad.tar.gz").write_bytes(content)
    with pytest.raises(WeightsError, match=rf"bad\.tar\.gz cannot be read.*{words}|{words}") as caught:
        loaded(tmp_path / "bad.tar.gz", model="4stems")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "was-run").exists()


def test_numbers_of_an_index_are_held_against_what_there_can_be():
    """Messages that no check guards once somebody has written them so."""
    for fields, words in [
        (weights._field(1, 1) + weights._field(2, weights._field(2, weights._field(1, 1 << 60))), "larger than any"),
        (weights._field(1, 1) + weights._field(5, 1 << 50), "larger than any file"),
        (weights._field(1, 1) + weights._field(3, 1), "in slices"),
        (weights._field(1, 1) + weights._field(7, b"x"), "in slices"),
        (b"\x0b", "written in no known way"),
        (b"\x12\x7f", "longer than its message"),
        (b"\xff" * 11, "has no end"),
    ]:
        with pytest.raises(bundle.DamagedError, match=words):
            bundle.entries(weights._table([(b"", weights._field(1, 1)), (b"a", fields)]))
    for header, words in [(weights._field(1, 2), "tells of 2 files"), (weights._field(1, 1) + b"\x10\1", "big-endian")]:
        with pytest.raises(bundle.DamagedError, match=words):
            bundle.entries(weights._table([(b"", header)]))


def test_a_digest_is_of_an_archive(tmp_path):
    contents = files()
    archive, folder = weights.archive(tmp_path / "a.tar.gz", contents), weights.folder(tmp_path / "f", contents)
    with pytest.raises(WeightsError, match="expected 0123456789abcdef"):
        loaded(archive, sha256="0123456789abcdef")
    with pytest.raises(WeightsError, match=r"options\.sha256: .* is a folder"):
        loaded(folder, sha256="0123456789abcdef")
