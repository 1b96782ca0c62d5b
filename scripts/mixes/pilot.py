"""Make data/pilot/: a short radio piece whose true speech and true music are known.

    python -m scripts.make_pilot [FOLDER]

    sentences ─ festival, flite ─ trim ─ 44.1 kHz ─┐
    score ─ fluidsynth with FluidR3 ───────────────┴ levels ─ 16 bit ─ speech.wav + music.wav = mix.wav

Only whoever wants to change the pilot needs the programs (Debian: flite, festival, festvox-us-slt-hts,
fluidsynth, fluid-soundfont-gm); the files are in the repository. Nothing is random but the players' small
unevenness, which is seeded: the same program versions make the same bytes.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr

from scripts.mixes.pilot_score import BEATS_PER_BAR, BEATS_PER_MINUTE, SILENT_BAR, compose, midi_file
from sepkit.audio.samples import Samples
from sepkit.errors import SepkitError

FOLDER = Path("data/pilot")
PACKAGES = {"flite": "flite", "text2wave": "festival", "fluidsynth": "fluidsynth"}
VOICE_PACKAGE = "festvox-us-slt-hts"
"""Debian's packages that hold the programs, and festival's voice."""
SOUND_FONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")
SAMPLE_RATE = 44100
DURATION_S = 26.0
"""Two stereo files and a mono one of 16 bit: 26 s · 44100 Hz · (2 + 2 + 1) · 2 bytes = 11.5 MB."""

SPEECH_TO_MUSIC_DB = 0.0
"""Energy of the speech over that of the music, where both sound."""
PEAK_DBFS = -2.0
STEPS = 2**15
"""From zero to full scale in 16 bit."""


@dataclass(frozen=True)
class Utterance:
    """A sentence, who says it and when it begins. slt: festival's HTS voice, 32 kHz; rms: flite's, 16 kHz."""

    start_s: float
    voice: Literal["slt", "rms"]
    text: str


UTTERANCES = (
    Utterance(
        2.3,
        "slt",
        "The first boat leaves at seven, and the last of the fog is gone before the island comes into view.",
    ),
    Utterance(8.9, "rms", "On a clear day you can see the lighthouse from the hill behind the station."),
    Utterance(14.6, "slt", "Nobody has lived there for forty years."),
    Utterance(17.6, "rms", "But every night the lamp still turns, and the ships still find their way home."),
)
SILENCE_DB = -45.0
"""What lies this far below an utterance's peak, before its first and after its last sound, is cut off."""
MARGIN_S = 0.03


def speak(utterance: Utterance, folder: Path) -> Samples:
    """One utterance, shape (1, frames) at SAMPLE_RATE, trimmed, with an RMS of 1."""
    path = folder / "utterance.wav"
    path.unlink(missing_ok=True)
    if utterance.voice == "slt":
        voice = "(voice_cmu_us_slt_arctic_hts)"
        call(["text2wave", "-eval", voice, "-o", str(path)], stdin=utterance.text)
    else:
        call(["flite", "-voice", utterance.voice, "-t", utterance.text, "-o", str(path)])
    if not path.is_file():  # festival without the voice ends as if all were well
        raise SepkitError(f"the voice {utterance.voice} said nothing; on Debian: apt-get install {VOICE_PACKAGE}")
    native, native_rate = soundfile.read(path, dtype="float64")
    samples = soxr.resample(native, native_rate, SAMPLE_RATE, quality="VHQ")
    (heard,) = np.nonzero(np.abs(samples) > np.abs(samples).max() * 10 ** (SILENCE_DB / 20))
    margin_frames = round(MARGIN_S * SAMPLE_RATE)
    samples = samples[max(heard[0] - margin_frames, 0) : heard[-1] + margin_frames]
    ramp = np.linspace(0, 1, margin_frames)
    samples[:margin_frames] *= ramp
    samples[-margin_frames:] *= ramp[::-1]
    return np.asarray(samples / np.sqrt(np.mean(samples**2)), dtype=np.float32)[np.newaxis]


def render_speech(folder: Path) -> Samples:
    """All utterances at their times, silence (zeros) between them; shape (1, frames)."""
    speech = np.zeros((1, round(DURATION_S * SAMPLE_RATE)), dtype=np.float32)
    for utterance in UTTERANCES:
        spoken = speak(utterance, folder)
        start = round(utterance.start_s * SAMPLE_RATE)
        stop = start + spoken.shape[1]
        assert not speech[:, start:stop].any(), f"'{utterance.text}' begins before the last speaker has ended"
        speech[:, start:stop] = spoken
        print(f"{utterance.start_s:5.2f} to {stop / SAMPLE_RATE:5.2f} s  {utterance.voice}  {utterance.text}")
    return speech


SYNTHESIZER_GAIN = 0.3
"""fluidsynth clips its own output at full scale; at this gain the loudest bar stays well below."""
FADE_OUT_S, FADE_IN_S, END_S = 0.25, 0.01, 1.0


def render_music(folder: Path) -> Samples:
    """The band through fluidsynth, shape (2, frames); zeros in the silent bar, faded out at the end."""
    if not SOUND_FONT.is_file():
        raise SepkitError(f"{SOUND_FONT}: not found; on Debian: apt-get install fluid-soundfont-gm")
    score, path = folder / "score.mid", folder / "music.wav"
    score.write_bytes(midi_file(compose()))
    settings = ["-g", str(SYNTHESIZER_GAIN), "-r", str(SAMPLE_RATE), "-O", "float", "-T", "wav"]
    call(["fluidsynth", "-ni", *settings, "-F", str(path), str(SOUND_FONT), str(score)])
    rendered, _ = soundfile.read(path, dtype="float32", always_2d=True)
    frames = round(DURATION_S * SAMPLE_RATE)
    music = np.zeros((2, frames), dtype=np.float32)
    music[:, : len(rendered)] = rendered[:frames].T
    bar_s = BEATS_PER_BAR * 60 / BEATS_PER_MINUTE
    silent_s, return_s = SILENT_BAR * bar_s, (SILENT_BAR + 1) * bar_s
    faded_s = silent_s + FADE_OUT_S, return_s - FADE_IN_S
    times_s = [silent_s, *faded_s, return_s, DURATION_S - END_S, DURATION_S]
    fader = np.interp(np.arange(frames) / SAMPLE_RATE, times_s, [1, 0, 0, 1, 1, 0])
    return music * fader.astype(np.float32)


def call(command: list[str], stdin: str | None = None) -> None:
    """Run one of the synthesizers; its absence or failure is told in one line."""
    if shutil.which(command[0]) is None:
        raise SepkitError(f"{command[0]}: not installed; on Debian: apt-get install {PACKAGES[command[0]]}")
    done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SepkitError(f"{command[0]} failed with exit {done.returncode}: {done.stderr.strip()[-200:]}")


def mix_to_16_bit(speech: Samples, music: Samples) -> tuple[Samples, Samples]:
    """Both at their level in the mix, in whole 16-bit steps: their sum is the mix without any rounding."""
    both = (speech[0] != 0) & music.any(axis=0)
    speech_power = np.mean(speech[:, both].astype(np.float64) ** 2)
    music_power = np.mean(music[:, both].astype(np.float64) ** 2)
    music = music * np.float32(np.sqrt(speech_power / music_power) * 10 ** (-SPEECH_TO_MUSIC_DB / 20))
    gain = np.float32(10 ** (PEAK_DBFS / 20) / np.abs(speech + music).max())
    return quantised(speech * gain), quantised(music * gain)


def quantised(samples: Samples) -> Samples:
    """The same in whole steps of 16 bit."""
    return (np.round(samples * STEPS) / STEPS).astype(np.float32)


def main(folder: Path = FOLDER) -> None:
    """Write the four files into `folder`."""
    with tempfile.TemporaryDirectory() as scratch:
        speech, music = mix_to_16_bit(render_speech(Path(scratch)), render_music(Path(scratch)))
    folder.mkdir(parents=True, exist_ok=True)
    for name, samples in (("speech", speech), ("music", music), ("mix", speech + music)):
        soundfile.write(folder / f"{name}.wav", samples.T, SAMPLE_RATE, subtype="PCM_16")
    words = "".join(f"{utterance.text}\n" for utterance in UTTERANCES)
    (folder / "words.txt").write_text(words, encoding="utf-8")
