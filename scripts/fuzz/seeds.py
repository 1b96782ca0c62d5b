"""The sound files, configurations, batches and weights that are damaged: made here, small, the same every time."""

from __future__ import annotations

import io
import re
import shutil
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from scripts.bench.films import furnished
from sepkit.batch.journal import JOURNAL_NAME
from sepkit.batch.report import JSON_NAME

RATE_HZ = 16_000
DURATION_S = 0.25

CONFIG = """\
members: [{separator: passthrough}]
denoise: null
output: {background: true}
"""
RICH = """\
task: speech
seed: 3
device: cpu
members:
  - separator: nn_filter
    weight: 1.0
  - separator: passthrough
stft: {fft_frames: 1024, hop_frames: 256}
fuse: {rule: weights}
denoise: null
post_mask: {beta: 1.5}
equalise: {high_pass_hz: 70, shelf_hz: 6000, shelf_gain_db: 1.5}
loudness: {target_lufs: -16, ceiling_dbtp: -1, ceiling_by: limiter}
output:
  format: same
  bit_depth: same
  background: true
  speech_suffix: __speech_only
  background_suffix: __background
windows: {body_s: 10, crossfade_s: 0.01}
evaluate:
  batch_metrics: [{metric: loudness}, {metric: clipping}]
  longest_s: 60
gate: {true_peak_dbtp_max: 0, length_equal: true, clipping_frames_max: 1000}
escalate_to: [other.yaml]
words: words.csv
"""
ROFORMER_CONFIG = """\
members: [{separator: roformer, options: {config: model.yaml, weights: WEIGHTS, overlap: 0.5}}]
denoise: null
"""
ROFORMER = """\
model:
  dim: 8
  depth: 1
  stereo: true
  num_bands: 30
  time_transformer_depth: 1
  freq_transformer_depth: 1
  dim_head: 8
  heads: 2
  sample_rate: 16000
  stft_n_fft: 1024
  stft_hop_length: 256
  stft_win_length: 1024
  mask_estimator_depth: 1
training: {instruments: [vocals, other], target_instrument: vocals}
inference: {chunk_size: 4096, num_overlap: 2}
"""
DEMUCS_CONFIG = """\
members: [{separator: demucs, options: {bag: BAG, folder: ., shifts: 0}}]
denoise: null
"""
SPLEETER_CONFIG = """\
members: [{separator: spleeter, options: {weights: WEIGHTS, stem: accompaniment}}]
denoise: null
"""

SOUNDFILES = {
    "pcm16.wav": ("WAV", "PCM_16"),
    "float.wav": ("WAV", "FLOAT"),
    "adpcm.wav": ("WAV", "IMA_ADPCM"),
    "long.rf64": ("RF64", "PCM_24"),
    "a.w64": ("W64", "PCM_16"),
    "a.aiff": ("AIFF", "PCM_24"),
    "a.caf": ("CAF", "ALAC_16"),
    "a.au": ("AU", "ULAW"),
    "a.flac": ("FLAC", "PCM_16"),
    "vorbis.ogg": ("OGG", "VORBIS"),
    "a.mp3": ("MP3", "MPEG_LAYER_III"),
}
RECORDS = (f"out/{JOURNAL_NAME}", f"out/{JSON_NAME}")
CONTAINERS = {
    "a.m4a": ("mp4", "aac"),
    "a.mkv": ("matroska", "flac"),
    "a.webm": ("webm", "libopus"),
    "opus.ogg": ("ogg", "libopus"),
    "a.ts": ("mpegts", "mp2"),
    "a.avi": ("avi", "mp2"),
    "a.ac3": ("ac3", "ac3"),
    "film.mp4": ("mp4", "aac"),
}
FILMS = ("full.mp4", "full.mkv", "full.webm")
"""With all that each container holds: two sound tracks, subtitles, chapters, covers, attachments."""


@dataclass(frozen=True)
class Seeds:
    """media: files by name. batch: a folder with `in`, and `out` as a finished batch left it.

    models: files of weights with what describes them, by the name of their folder.
    """

    media: dict[str, bytes]
    batch: Path
    models: dict[str, dict[str, bytes]]


def make_seeds(scratch: Path) -> Seeds:
    """All of them. A batch is rendered for its journal."""
    made = {name: _libsndfile(*form) for name, form in SOUNDFILES.items()}
    made |= {name: _ffmpeg(*form, picture=name == "film.mp4") for name, form in CONTAINERS.items()}
    made |= {name: _film(scratch, name) for name in FILMS}
    return Seeds(made, _batch(scratch / "batch", made), _models(scratch / "models"))


def sound() -> np.ndarray[Any, Any]:
    """Tones that come and go, and noise: (frames, 2) float32."""
    time_s = np.arange(round(DURATION_S * RATE_HZ)) / RATE_HZ
    tones = np.sin(2 * np.pi * 440 * time_s) * (1 + np.sin(2 * np.pi * 3 * time_s))
    noise = np.random.default_rng(0).standard_normal((time_s.size, 2))
    return np.asarray(0.1 * tones[:, None] + 0.02 * noise, np.float32)


def _libsndfile(container: str, subtype: str) -> bytes:
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, sound(), RATE_HZ, format=container, subtype=subtype)
    return file.getvalue()


def _ffmpeg(container: str, codec: str, picture: bool) -> bytes:
    import av

    rate = 48_000 if codec in ("libopus", "ac3") else RATE_HZ
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        film: Any = output.add_stream("mpeg4", rate=25) if picture else None
        audio: Any = output.add_stream(codec, rate=rate, layout="stereo")
        if film:
            film.width = film.height = 32
            for index in range(5):
                image = av.VideoFrame.from_ndarray(np.full((32, 32, 3), index * 40, np.uint8), format="rgb24")
                image.pts, image.time_base = index, Fraction(1, 25)
                output.mux(film.encode(image))
            output.mux(film.encode(None))
        samples = np.ascontiguousarray(sound().T)
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
        size = audio.codec_context.frame_size or None
        resampler = av.AudioResampler(audio.codec_context.format.name, "stereo", rate, size)
        for given in (frame, None):
            for converted in resampler.resample(given):
                output.mux(audio.encode(converted))
        output.mux(audio.encode(None))
    return file.getvalue()


def _film(scratch: Path, name: str) -> bytes:
    path = scratch / name
    furnished(path, scratch)
    return path.read_bytes()


def _batch(folder: Path, media: dict[str, bytes]) -> Path:
    from sepkit.batch import BatchJob, run_batch
    from sepkit.config import parse_config

    (folder / "in").mkdir(parents=True)
    for name in ("pcm16.wav", "float.wav"):
        (folder / "in" / name).write_bytes(media[name])
    config = parse_config(CONFIG + "evaluate: {batch_metrics: [{metric: loudness}]}\n")
    run_batch(BatchJob(config, folder / "in", folder / "out", quiet=True))
    for name in RECORDS:  # what a run took differs from run to run
        record = folder / name
        record.write_bytes(re.sub(rb"\d+\.\d{4,}(e-?\d+)?", b"0.125", record.read_bytes()))
    return folder


def _models(folder: Path) -> dict[str, dict[str, bytes]]:
    """A RoFormer as a pickle and as safetensors, a Demucs, a Spleeter: random weights, each with its configuration."""
    import torch
    from demucs.htdemucs import HTDemucs
    from demucs.states import save_with_checksum, serialize_model
    from omegaconf import OmegaConf
    from safetensors.torch import save

    from sepkit.separators.roformer.description import read_description, shape_of
    from sepkit.separators.roformer.network import RoFormer

    torch.manual_seed(0)
    folder.mkdir()
    (folder / "model.yaml").write_text(ROFORMER, encoding="utf-8")
    state = RoFormer(shape_of(read_description(folder / "model.yaml"), "model.yaml")).state_dict()
    pickled = io.BytesIO()
    torch.save(state, pickled)
    network = HTDemucs(["other", "vocals"], channels=8, depth=3, t_layers=1, t_heads=2, segment=Fraction(1))
    package = serialize_model(network, OmegaConf.create({}))  # type: ignore[no-untyped-call]  # as demucs says it is not
    save_with_checksum(package, folder / "small.th")  # type: ignore[no-untyped-call]
    (demucs,) = folder.glob("small*.th")
    tensors = {name: tensor.clone() for name, tensor in state.items()}
    found = {"model.ckpt": pickled.getvalue(), "model.safetensors": save(tensors)}
    models = {
        name: {
            name: content,
            "model.yaml": ROFORMER.encode(),
            "config.yaml": ROFORMER_CONFIG.replace("WEIGHTS", name).encode(),
        }
        for name, content in found.items()
    }
    # Without digits of its SHA-256 in its name, a damaged file is read and not only refused.
    models["small.th"] = {
        "small.th": demucs.read_bytes(),
        "bag.yaml": b"models: [small]\nsegment: 0.5\n",
        "config.yaml": DEMUCS_CONFIG.replace("BAG", "bag").encode(),
    }
    models |= _spleeter(folder)
    shutil.rmtree(folder)
    return models


def _spleeter(folder: Path) -> dict[str, dict[str, bytes]]:
    """A Spleeter with one channel a layer, as a folder and as an archive."""
    from tests.separators import spleeter_weights

    files = spleeter_weights.files(spleeter_weights.numbers("2stems", (1,) * 6))
    archive = spleeter_weights.archive(folder / "2stems.tar.gz", files).read_bytes()
    return {
        "2stems": {**files, "config.yaml": SPLEETER_CONFIG.replace("WEIGHTS", ".").encode()},
        "2stems.tar.gz": {
            "2stems.tar.gz": archive,
            "config.yaml": SPLEETER_CONFIG.replace("WEIGHTS", "2stems.tar.gz").encode(),
        },
    }
