"""The golden file of tests/models/voices: what Resemblyzer's own code makes of data/pilot/speech.wav.

    python -m venv golden && golden/bin/pip install -e . webrtcvad-wheels
    golden/bin/pip install --no-deps Resemblyzer==0.1.4
    golden/bin/python -m scripts.golden_voices

Its volume and pauses are left as they are (`embed_utterance` alone), so that both hear the same samples.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sepkit.audio import resample
from sepkit.audio.read import read_audio
from sepkit.models.voices import mel

PILOT = Path(__file__).parents[1] / "data" / "pilot" / "speech.wav"
GOLDEN = Path(__file__).parents[1] / "tests" / "models" / "voices" / "voices_golden.npz"
SPANS_S = ((0.0, 0.3), (1.0, 2.0), (2.0, 3.6), (3.0, 5.81), (0.0, 9.0))
"""Shorter than one part, as long as one, with a last part that counts and with one that does not."""


def main() -> None:
    """Store a vector a span."""
    from resemblyzer import VoiceEncoder

    encoder = VoiceEncoder("cpu", verbose=False)
    found = [encoder.embed_utterance(span) for span in spans()]
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(GOLDEN, voices=np.stack(found))
    print(f"{GOLDEN}: {GOLDEN.stat().st_size} bytes")


def spans() -> list[np.ndarray]:
    """The pilot's speech at 16 kHz, cut."""
    audio = read_audio(PILOT)
    mono = resample.resample(audio.samples.mean(axis=0, keepdims=True), audio.sample_rate, mel.SAMPLE_RATE)[0]
    return [mono[round(start * mel.SAMPLE_RATE) : round(stop * mel.SAMPLE_RATE)] for start, stop in SPANS_S]


if __name__ == "__main__":
    main()
