"""What a video costs over its sound, how much memory it takes, and whether all of it is kept.

The long film is FFmpeg's test source at 1080p, ten seconds of it again and again, beside the pilot's mix as AAC. The
others have a few tiny pictures (`films`).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import av
import soundfile

from scripts.bench import films
from scripts.bench.measuring import PILOT_MIX, Spent, growth_percent, sepkit, table, write_config
from scripts.bench.sizes import Sizes

LOOP_S, PICTURE_HZ = 10, 25
SUFFIXES = ("mp4", "mov", "mkv", "webm")
SHAPES: dict[str, dict[str, Any]] = {
    "from 0": {},
    "0.5 s late": {"start_s": 0.5},
    "B-frames": {"b_frames": True},
    "varying rate": {"varying": True},
}


def videos(sizes: Sizes, folder: Path) -> str:
    """Time, memory, the sync matrix, and the kinds of streams."""
    minutes = sizes.film_minutes
    found = [times(folder, minutes, sizes.film_rounds), memory(folder, minutes), matrix(folder), kept(folder)]
    return "\n\n".join(found)


def times(folder: Path, minutes: float, rounds: int) -> str:
    """The default configuration on a film, on its sound alone, and on the film without video, in turn."""
    film = long_film(folder / "film.mp4", minutes)
    sound = sound_of(film, folder / "sound.m4a")
    ways = {
        "its sound alone, an M4A": (sound,),
        "the film, `--no-video`": (film, "--no-video"),
        "the film, as a video": (film,),
    }
    spent: dict[str, list[Spent]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, asked in ways.items():
            spent[name].append(sepkit("run", *asked, "-o", folder / "out", "--overwrite", "always"))
    cpu_s = {name: median(each.cpu_s for each in found) for name, found in spent.items()}
    wall_s = {name: median(each.wall_s for each in found) for name, found in spent.items()}
    first = next(iter(ways))
    rows = [(name, cpu_s[name], cpu_s[name] / cpu_s[first], wall_s[name] / wall_s[first]) for name in ways]
    size = f"{minutes:g} min of 1080p, {film.stat().st_size / 1e6:.0f} MB"
    return table([size, "CPU-seconds", "over its sound alone (goal: 1.05)", "by the clock"], rows)


def memory(folder: Path, minutes: float) -> str:
    """Peak memory of a film and of one that is three times as long, with a member that takes next to none."""
    config = write_config(folder, "passthrough")
    peaks = []
    for length in (minutes, 3 * minutes):
        film = long_film(folder / "long.mp4", length)
        peaks.append(sepkit("run", film, "-o", folder / f"{length}", "--config", config).peak_mib)
    growth = f"{growth_percent(*peaks):+.1f} %"
    headings = ["Peak memory, MiB", f"{minutes:g} min", f"{3 * minutes:g} min", "growth (goal: under 5 %)"]
    return table(headings, [("`sepkit run`, `passthrough`, as a video", *peaks, growth)])


class Moved(NamedTuple):
    """By how many samples sound was moved, and whether the pictures are the same packets at the same times."""

    samples: float
    same: bool


def matrix(folder: Path) -> str:
    """Each container by each shape of its streams."""
    rows = []
    for suffix in SUFFIXES:
        cells = [_moved(folder, suffix, shape) for shape in SHAPES.values()]
        rows.append((suffix, *(f"{each.samples:g}, {'same' if each.same else 'changed'}" for each in cells)))
    return table(["Samples that sound moves (goal: at most 1), pictures", *SHAPES], rows)


def _moved(folder: Path, suffix: str, shape: dict[str, Any]) -> Moved:
    film = films.video(folder / f"tiny.{suffix}", [films.clicks()], **shape)
    result = _resounded(film, folder)
    off = [films.time_of(result, click) - films.time_of(film, click) for click in films.CLICKS.values()]
    return Moved(max(map(abs, off)), films.packets(result) == films.packets(film))


def kept(folder: Path) -> str:
    """Whether each kind of stream, and what belongs to a film, comes back as it was."""
    rows: dict[str, list[str]] = {}
    for suffix in SUFFIXES:
        film = films.furnished(folder / f"full.{suffix}", folder)
        result = _resounded(film, folder)
        for name, same in _kinds(film, result):
            rows.setdefault(name, []).append("–" if same is None else "kept" if same else "lost")
    return table(["Of a film", *SUFFIXES], [(name, *found) for name, found in rows.items()])


def _kinds(film: Path, result: Path) -> Iterator[tuple[str, bool | None]]:
    """None: the film has none."""
    before, after = films.told(film), films.told(result)
    yield "pictures, packet for packet", films.packets(result) == films.packets(film)
    yield "the other sound track, likewise", films.packets(result, "audio")[1] == films.packets(film, "audio")[1]
    yield "subtitles, likewise", films.packets(result, "subtitle") == films.packets(film, "subtitle")
    yield "order, languages, titles and marks of tracks", before[0] == after[0]
    yield "tags", before[1] == after[1]
    yield "chapters", before[2] == after[2] if before[2] else None
    covers = [[each for each in found[0] if each[3] & av.stream.Disposition.attached_pic] for found in (before, after)]
    yield "cover", covers[0] == covers[1] if covers[0] else None
    with av.open(str(film)) as one, av.open(str(result)) as other:
        files = [[(each.name, each.data) for each in found.streams.attachments] for found in (one, other)]
    yield "attachments", files[0] == files[1] if files[0] else None


def _resounded(film: Path, folder: Path) -> Path:
    """The video that `sepkit run` leaves."""
    config = folder / "levelled.yaml"
    shape = "post_mask: null\nequalise: null\nloudness: {target_lufs: null, ceiling_dbtp: null}\n"
    config.write_text("members: [{separator: passthrough}]\n" + shape, encoding="utf-8")
    result = folder / f"result{film.suffix}"
    command = ["-m", "sepkit", "run", film, "-o", result, "--config", config, "--overwrite", "always", "-q"]
    subprocess.run([sys.executable, *map(str, command)], check=True, env=dict(os.environ))
    return result


def long_film(path: Path, minutes: float) -> Path:
    """FFmpeg's testsrc2 at 1080p, H.264, with the pilot's mix beside it."""
    loop = _loop(path.with_name("loop.mp4"))
    with av.open(str(loop)) as given, av.open(str(path), "w", format="mp4") as output:
        picture: Any = output.add_stream_from_template(given.streams.video[0], opaque=True)
        rate = soundfile.info(str(PILOT_MIX)).samplerate
        sound: Any = output.add_stream("aac", rate=rate, layout="stereo", bit_rate=128_000)
        packets: list[Any] = [packet for packet in given.demux(video=0) if packet.size]
        ticks = round(LOOP_S / Fraction(given.streams.video[0].time_base or 1))
        heard = _mix(rate)
        for turn in range(round(60 * minutes / LOOP_S)):
            for packet in packets:
                again: Any = av.Packet(bytes(packet))
                again.pts, again.dts = packet.pts + turn * ticks, packet.dts + turn * ticks
                again.duration, again.time_base = packet.duration, packet.time_base
                again.is_keyframe, again.stream = packet.is_keyframe, picture
                output.mux(again)
            for _ in range(LOOP_S * rate // FRAMES):
                output.mux(sound.encode(next(heard)))
        output.mux(sound.encode(None))
    return path


FRAMES = 900
"""Of sound at a time: a whole number of them is ten seconds at 44.1 kHz."""


def _mix(rate: int) -> Iterator[av.AudioFrame]:
    """The pilot's mix again and again."""
    samples = soundfile.read(str(PILOT_MIX), dtype="float32")[0].T
    at = 0
    for number in count():
        if at + FRAMES > samples.shape[1]:
            at = 0
        frame = av.AudioFrame.from_ndarray(samples[:, at : at + FRAMES].copy(), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = rate, number * FRAMES, Fraction(1, rate)
        at += FRAMES
        yield frame


def _loop(path: Path) -> Path:
    """Ten seconds of the test source, all of which decode by themselves; made once."""
    if path.exists():
        return path
    graph = av.filter.Graph()
    source = graph.add("testsrc2", f"size=1920x1080:rate={PICTURE_HZ}")
    sink = graph.add("buffersink")
    source.link_to(sink)
    graph.configure()
    with av.open(str(path), "w", format="mp4") as output:
        options = {"preset": "ultrafast", "g": str(LOOP_S * PICTURE_HZ)}
        film: Any = output.add_stream("libx264", rate=PICTURE_HZ, options=options)
        film.width, film.height, film.pix_fmt = 1920, 1080, "yuv420p"
        for number in range(LOOP_S * PICTURE_HZ):
            frame: Any = graph.pull()
            frame.pts, frame.time_base = number, Fraction(1, PICTURE_HZ)
            output.mux(film.encode(frame))
        output.mux(film.encode(None))
    return path


def sound_of(film: Path, path: Path) -> Path:
    """Its sound track, as it is, without the picture."""
    with av.open(str(film)) as given, av.open(str(path), "w", format="mp4") as output:
        stream: Any = output.add_stream_from_template(given.streams.audio[0], opaque=True)
        for packet in given.demux(audio=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    return path
