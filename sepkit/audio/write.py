"""Writing sound: what format a result gets, and a writer that leaves a whole file or none.

Last in the flow. Integers are made here, not by libsndfile: it reads them by 2^(bits−1) and writes them by
2^(bits−1) − 1, so that what passes through untouched would come out changed. One scale both ways keeps it.
"""

from __future__ import annotations

import os
import secrets
import shutil
import struct
import sys
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

from sepkit.audio.broadcast import history_line
from sepkit.audio.metadata import Metadata, read_metadata
from sepkit.audio.read import SourceInfo, probe
from sepkit.audio.riff import COPY_BYTES
from sepkit.audio.source_file import audio_chunk
from sepkit.audio.source_info import SAMPLE_BITS
from sepkit.audio.tagging import left_out, native_tags, write_metadata
from sepkit.errors import OutputError, SourceError
from sepkit.files.naming import shown
from sepkit.files.unfinished import Hold, hold
from sepkit.files.whole_file import PART_PATTERN, make_folder

_SUFFIXES = {
    "WAV": (".wav", ".wave"),
    "WAVEX": (".wav", ".wave"),
    "RF64": (".wav", ".rf64"),
    "W64": (".w64",),
    "AIFF": (".aiff", ".aif", ".aifc"),
    "CAF": (".caf",),
    "AU": (".au", ".snd"),
    "FLAC": (".flac",),
}
"""The containers that are written, and the suffixes that fit them, the default first."""

RESULT_SUFFIXES = frozenset(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)

_SUBTYPES = {"16": "PCM_16", "24": "PCM_24", "32": "PCM_32", "32f": "FLOAT", "64f": "DOUBLE"}

_EIGHT_BIT = ("PCM_U8", "PCM_S8")
"""WAV holds 8 bits unsigned, FLAC and CAF signed; the samples are the same."""

FLAC_SUBTYPES = (*_EIGHT_BIT, "PCM_16", "PCM_24")
FLAC_MAX_CHANNELS = 8
FLAC_MAX_SAMPLE_RATE_HZ = 655_350
"""What a FLAC by libsndfile holds."""

CONTAINERS_TO_4_GIB = ("WAV", "WAVEX", "AIFF", "AU")
LARGEST_BYTES_TO_4_GIB = 2**32 - 2**20
"""4 GiB less room for the header; what belongs to the file comes off it too."""

CODED_FRAMES = 2**16
"""Integers are made in stretches that stay in the processor's cache."""


Format = Literal["same", "source", "wav", "flac"]
BitDepth = Literal["same", "16", "24", "32", "32f", "64f"]
"""What a configuration's `output` chooses from."""


def output_format(info: SourceInfo, format: Format, bit_depth: BitDepth) -> tuple[str, str, str]:
    """The suffix, container and subtype of a result.

    "same" keeps the container and depth of a lossless source; so does "source", by which only videos differ. What was
    lossy is never encoded lossily again:
    in WAV and its kin it becomes 16-bit PCM, elsewhere 16-bit FLAC. `format="flac"` alone makes deeper
    sources 24-bit; else what FLAC cannot hold (32 bits, float, 9 channels, rates over 655350 Hz) becomes WAV.
    """
    container = {"same": info.container, "source": info.container, "wav": "WAV", "flac": "FLAC"}[format]
    if format == "wav" and info.container in ("WAVEX", "RF64"):
        container = info.container
    if container not in _SUFFIXES:
        container = "FLAC"
    subtype = info.subtype if info.lossless else "PCM_16"
    subtype = subtype.replace("ALAC_20", "PCM_24").replace("ALAC", "PCM")
    if bit_depth != "same":
        subtype = _SUBTYPES[bit_depth]
    elif format == "flac" and subtype not in FLAC_SUBTYPES:
        subtype = "PCM_24"
    fits_flac = info.channels <= FLAC_MAX_CHANNELS and info.sample_rate <= FLAC_MAX_SAMPLE_RATE_HZ
    if container == "FLAC" and not (fits_flac and subtype in FLAC_SUBTYPES):
        container = "WAV"
    if subtype in _EIGHT_BIT and container == "AIFF":
        subtype = "PCM_16"  # libsndfile gives an 8-bit AIFF of an odd length one frame too many
    if subtype in _EIGHT_BIT:
        subtype = next(name for name in (subtype, *_EIGHT_BIT) if soundfile.check_format(container, name))
    own_suffix = info.path.suffix
    suffix = own_suffix if own_suffix.lower() in _SUFFIXES[container] else _SUFFIXES[container][0]
    return suffix, container, subtype


def full_scale(info: SourceInfo, format: Format, bit_depth: BitDepth) -> tuple[float, float] | None:
    """The lowest and the highest sample that a result of whole numbers holds; None where it has floats.

    16 bits end at 32767, one step below 1.
    """
    _, _, subtype = output_format(info, format, bit_depth)
    return None if subtype in ("FLOAT", "DOUBLE") else (-1.0, 1 - 2.0 ** (1 - SAMPLE_BITS[subtype]))


class AudioWriter:
    """A sound file that appears under its name when the `with` block ends well, and not at all otherwise.

    frames: how many will come, if that is known; a WAV that would pass 4 GiB is then written as RF64.
    metadata: what belongs to it, written as far as the container holds it. notes: what is lost of that. stem: what is
    written, for the history of a broadcast WAV.
    """

    def __init__(
        self,
        path: Path,
        sample_rate: int,
        channels: int,
        container: str,
        subtype: str,
        metadata: Metadata | None = None,
        frames: int | None = None,
        stem: str = "",
    ) -> None:
        self.path = path
        self.sample_rate = sample_rate
        self.channels = channels
        self.frames = 0
        self._expected_frames = frames
        self._frame_bytes = SAMPLE_BITS[subtype] * channels // 8
        self._metadata = metadata or Metadata()
        self._largest_bytes = LARGEST_BYTES_TO_4_GIB - self._metadata.size_bytes
        long = (frames or 0) * self._frame_bytes > self._largest_bytes
        self._container = "RF64" if long and container in ("WAV", "WAVEX") else container
        self._subtype = subtype
        self._history = history_line(sample_rate, SAMPLE_BITS[subtype], channels, stem)
        self.notes = (*self._metadata.notes, *left_out(self._container, self._metadata, sample_rate))
        self._part = path.parent / PART_PATTERN.replace("*", secrets.token_hex(8))
        self._file: Any = None  # soundfile.SoundFile
        self._hold: Hold | None = None
        assert soundfile.check_format(self._container, subtype), f"{container} does not hold {subtype}"

    def __enter__(self) -> AudioWriter:
        if self.path.is_dir():
            raise OutputError(f"{shown(self.path)}: is a folder; move it away or choose another output")
        try:
            self._hold = hold(self._part)
        except OSError as error:
            raise self._cannot(error.strerror or str(error)) from error
        try:
            self._file = self._open()
        except soundfile.LibsndfileError as error:
            self._discard()
            raise self._cannot(error.error_string) from error
        return self

    def write(self, block: NDArray[np.floating[Any]]) -> None:
        """Append a block (channels, frames), float32 or float64; beyond ±1, integer codings stay at full scale."""
        assert block.ndim == 2 and block.shape[0] == self.channels, f"{block.shape}, not {self.channels} channels"
        if not np.isfinite(block).all():
            raise OutputError(f"{shown(self.path)}: a stage gave NaN or Inf; try 'device: cpu', and report it")
        self.frames += block.shape[1]
        if self._container in CONTAINERS_TO_4_GIB and self.frames * self._frame_bytes > self._largest_bytes:
            raise self._cannot(f"{self._container} ends at 4 GiB")
        try:
            for start in range(0, block.shape[1], CODED_FRAMES):
                self._file.write(_interleaved(coded(block[:, start : start + CODED_FRAMES], self._subtype)))
        except (soundfile.LibsndfileError, AssertionError) as error:  # soundfile asserts that all was written
            raise self._cannot(getattr(error, "error_string", "no room")) from error

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._finish()
        finally:
            self._discard()

    def _open(self) -> soundfile.SoundFile:
        file = soundfile.SoundFile(
            os.fsencode(self._part),
            "w",
            self.sample_rate,
            self.channels,
            self._subtype,
            format=self._container,
        )
        for name, text in native_tags(self._container, self._metadata.tags).items():
            setattr(file, name, text)
        return file

    def _finish(self) -> None:
        """Close, look whether all of it is there, bring it to the disk, give it its name."""
        assert self._expected_frames in (None, self.frames), f"{self.frames} of {self._expected_frames} frames"
        try:
            self._file.close()
            _clear_clock(self._part, self.channels)
            write_metadata(self._part, self._container, self._metadata, self.sample_rate, self._history)
            written = probe(self._part).frames
            with self._part.open("rb") as part:
                os.fsync(part.fileno())
            if written == self.frames:
                self._part.replace(self.path)
        except SourceError as error:
            raise self._cannot("not all of it arrived") from error
        except (soundfile.LibsndfileError, OSError) as error:
            raise self._cannot(str(error)) from error
        if written != self.frames:
            raise self._cannot(f"{written} of {self.frames} frames arrived")

    def _discard(self) -> None:
        """Close and remove what is still there under the temporary name."""
        with suppress(soundfile.LibsndfileError):
            if self._file is not None:
                self._file.close()
        self._part.unlink(missing_ok=True)
        if self._hold:
            self._hold.release()

    def _cannot(self, why: str) -> OutputError:
        return OutputError(
            f"{shown(self.path)}: cannot be written ({why.strip(' .')}); "
            "check the folder, its permissions and free space"
        )


def writer(path: Path, info: SourceInfo, format: Format, bit_depth: BitDepth, stem: str) -> AudioWriter:
    """The writer of a result of the source that `info` describes, with what belongs to that; its folder is made."""
    make_folder(path.parent)
    _, container, subtype = output_format(info, format, bit_depth)
    form = info.sample_rate, info.channels, container, subtype
    return AudioWriter(path, *form, read_metadata(info), frames=info.frames, stem=stem)


def _clear_clock(path: Path, channels: int) -> None:
    """libsndfile notes the time of day in the PEAK chunk of float files; no two runs would give the same."""
    chunk = audio_chunk(path)
    with path.open("r+b") as file:
        header = file.read(chunk.start_byte if chunk else 0)
        for order in "<>":
            size_and_version = struct.pack(f"{order}II", 8 + 8 * channels, 1)
            if (at := header.find(b"PEAK" + size_and_version)) >= 0:
                file.seek(at + len(b"PEAK" + size_and_version))
                file.write(bytes(4))


def write_stdout(path: Path) -> None:
    """Copy a finished file to standard output."""
    try:
        with path.open("rb") as file:
            shutil.copyfileobj(file, sys.stdout.buffer, COPY_BYTES)
        sys.stdout.buffer.flush()
    except OSError as error:
        # Python flushes once more as it ends, and would complain once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputError(
            f"standard output: ended early ({error.strerror}); let its reader take all, or use -o FOLDER"
        ) from error


def coded(samples: NDArray[np.floating[Any]], subtype: str) -> NDArray[Any]:
    """Samples (channels, frames) as integers that soundfile writes as they are; float codings stay float."""
    if subtype in ("FLOAT", "DOUBLE"):
        return samples
    bits = SAMPLE_BITS[subtype]
    exact = np.float64 if bits > 24 else np.float32  # float32 cannot hold 2^31 − 1
    scaled: NDArray[np.floating[Any]] = np.multiply(samples, 2.0 ** (bits - 1), dtype=exact)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, out=scaled)
    held: type[np.signedinteger[Any]] = np.int16 if bits <= 16 else np.int32
    return scaled.astype(held) << (np.iinfo(held).bits - bits)


def _interleaved(samples: NDArray[Any]) -> NDArray[Any]:
    """(channels, frames) → (frames, channels). A channel at a time is six times faster for a pair than a transpose."""
    interleaved = np.empty(samples.shape[::-1], samples.dtype)
    for channel, row in enumerate(samples):
        interleaved[:, channel] = row
    return interleaved
