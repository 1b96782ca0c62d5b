"""DNSMOS P.835: what listeners would say of the speech, the background and the whole, on a scale from 1 to 5.

Source: Reddy, Gopal, Cutler, "DNSMOS P.835: A non-intrusive perceptual objective speech quality metric to
evaluate noise suppressors", ICASSP 2022, https://arxiv.org/abs/2110.01763; computed by Microsoft's speechmos
(code and weights MIT) at 16 kHz on the mean of the channels. The network hears 9.01 s at a time: the score is
the mean over a bounded number of such segments, spread evenly, the same ones before and after.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from sepkit import config
from sepkit.audio.samples import Audio
from sepkit.metrics.base import BaseMetric, Pair, Score, measured, mono_at, segment_starts, segments
from sepkit.models.weights import WeightFile, embedded

SAMPLE_RATE = 16_000
SEGMENT_FRAMES = int(9.01 * SAMPLE_RATE)
SCALES = {"sig": "speech", "bak": "background", "ovrl": "overall"}


class Options(config.Options):
    """segments: at most this many stretches of 9.01 s are heard in each file."""

    segments: int = Field(8, ge=1, le=10_000)


def catalogue() -> tuple[WeightFile, ...]:
    """The networks, which come inside their package."""
    names = ("sig_bak_ovr.onnx", "model_v8.onnx")
    return tuple(
        embedded(
            "dnsmos",
            f"speechmos/dnsmos_models/{name}",
            source="DNSMOS P.835, https://github.com/microsoft/DNS-Challenge",
            licence_code="MIT",
            licence_weights="MIT",
        )
        for name in names
    )


class Metric(BaseMetric):
    """Three rows: speech, background, overall."""

    about = (
        "What listeners would say on a scale of 1 to 5, guessed by a network that heard many of them: of the "
        "speech, of the background, of both."
    )

    of_speech = True
    options: Options

    def weights(self) -> tuple[WeightFile, ...]:
        """Both networks."""
        return catalogue()

    def rows(self) -> tuple[Score, ...]:
        """SIG, BAK, OVRL."""
        return tuple(
            Score(f"dnsmos_{scale}", f"DNSMOS {scale.upper()} ({what})", "MOS 1–5", "higher")
            for scale, what in SCALES.items()
        )

    def measure(self, pair: Pair) -> tuple[Score, ...]:
        """Mean over the segments."""
        before, after = self._opinions(pair.mix), self._opinions(pair.clean)
        return tuple(measured(row, b, a) for row, b, a in zip(self.rows(), before, after, strict=True))

    def _opinions(self, audio: Audio) -> NDArray[np.float64]:
        """Mean opinion on each scale, shape (3,)."""
        mean: NDArray[np.float64] = opinions(audio, self.options.segments)[1].mean(axis=0)
        return mean


def opinions(audio: Audio, most: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Where each of up to `most` segments begins, in seconds (segments,), and its opinions (segments, 3)."""
    from speechmos import dnsmos

    heard = mono_at(audio, SAMPLE_RATE)
    heard = heard / max(1.0, float(np.abs(heard).max()))  # the package refuses samples beyond full scale
    found = [dnsmos.run(segment, SAMPLE_RATE) for segment in segments(heard, SEGMENT_FRAMES, most)]
    values = np.array([[opinion[f"{scale}_mos"] for scale in SCALES] for opinion in found], np.float64)
    return segment_starts(heard.size, SEGMENT_FRAMES, most) / SAMPLE_RATE, values
