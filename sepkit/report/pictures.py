"""The pictures of a page, as data URIs: spectrograms and masks that all span the same time, and the waveform.

They have no axes of their own: the page draws one time axis for all, a cursor across them, and the frequencies beside.
"""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sepkit.audio.samples import Audio
from sepkit.report.spectrograms import RANGE_DB, TOP_HZ, level_db

LEVELS, MASKS = "magma", "viridis"
"""Matplotlib's colour maps that grow evenly lighter, for any eye."""
QUALITY = 80
"""Of WebP; a spectrogram then takes about 60 KB, a tenth of what it does as PNG."""
HEIGHT = 256
CURRENT = "#010203"
"""Drawn with by matplotlib, replaced by the page's own colour of text."""
WAVE_COLUMNS = 800


def spectrograms(sounds: Sequence[Audio]) -> tuple[list[str], tuple[float, float], float]:
    """Sounds of one rate and length on one colour scale, the levels in dB at its ends, the highest frequency in Hz."""
    levels = [level_db(audio) for audio in sounds]
    loudest_db = max(float(level.max()) for level in levels)
    faintest_db = loudest_db - RANGE_DB
    top_hz = min(TOP_HZ, sounds[0].sample_rate / 2)
    rows = round(levels[0].shape[0] * top_hz / (sounds[0].sample_rate / 2))
    images = [_webp(_tall(level[:rows]), faintest_db, loudest_db, LEVELS) for level in levels]
    return images, (faintest_db, loudest_db), top_hz


def mask_picture(mask: NDArray[np.float32]) -> str:
    """A mask (bands, columns), 0 … 1; NaN, where no model listened, as 0."""
    return _webp(np.nan_to_num(mask), 0.0, 1.0, MASKS)


def scale(name: str) -> str:
    """The colours of a map from low to high, a strip of 256 × 1."""
    return _webp(np.linspace(0, 1, 256, dtype=np.float32)[np.newaxis], 0.0, 1.0, name)


def waveform(before: Audio, after: Audio) -> str:
    """Both as inline SVG, the one before paler and behind."""
    figure, axes = bare_figure(10, 0.9)
    for audio, alpha in ((before, 0.3), (after, 0.85)):
        low, high = _envelope(audio)
        axes.fill_between(np.arange(low.size), low, high, color=CURRENT, alpha=alpha, linewidth=0)
        axes.set_xlim(0, max(1, low.size - 1))
    axes.set_ylim(-1, 1)
    axes.set_axis_off()
    axes.set_position([0, 0, 1, 1])
    return inline_svg(figure, stretch=True)


def per_window(values: NDArray[np.float64], edges_s: NDArray[np.float64], low: float, high: float) -> str:
    """A step for each window, filled up from `low`, as inline SVG over the page's time axis."""
    figure, axes = bare_figure(10, 0.7)
    axes.stairs(np.clip(values, low, high), edges_s, baseline=low, fill=True, color=CURRENT, alpha=0.6)
    axes.set_xlim(edges_s[0], edges_s[-1])
    axes.set_ylim(low, high)
    axes.set_axis_off()
    axes.set_position([0, 0, 1, 1])
    return inline_svg(figure, stretch=True)


def bare_figure(width_in: float, height_in: float) -> tuple[Any, Any]:
    """A figure without a display, transparent, in the page's colour of text; and its axes."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in))
    FigureCanvasSVG(figure)
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    axes.tick_params(colors=CURRENT, labelsize=9)
    for spine in axes.spines.values():
        spine.set_color(CURRENT)
    return figure, axes


def inline_svg(figure: Any, stretch: bool = False) -> str:
    """The figure as an `<svg>` to stand in a page: its text stays text, `CURRENT` becomes the page's own colour.

    stretch: fills whatever box it is put in.
    """
    from matplotlib import rc_context

    file = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "sepkit", "text.parse_math": False}):
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = file.getvalue()
    svg = svg[svg.index("<svg") :].replace(CURRENT, "currentColor")
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    hidden = '<svg aria-hidden="true" focusable="false"' + (' preserveAspectRatio="none"' if stretch else "")
    return svg.replace("<svg", hidden, 1).strip()


def _tall(level: NDArray[np.float32]) -> NDArray[np.float32]:
    """At most `HEIGHT` rows, each the loudest of those it stands for: a thin harmonic must not vanish."""
    rows = min(HEIGHT, level.shape[0])
    starts = np.linspace(0, level.shape[0], rows, endpoint=False).astype(int)
    return np.maximum.reduceat(level, starts, axis=0)


def _webp(picture: NDArray[np.float32], low: float, high: float, colours: str) -> str:
    """A picture from 0 Hz up as a data URI."""
    from matplotlib.image import imsave

    file = io.BytesIO()
    imsave(
        file, picture, vmin=low, vmax=high, cmap=colours, origin="lower", format="webp", pil_kwargs={"quality": QUALITY}
    )
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def _envelope(audio: Audio) -> Sequence[NDArray[np.float32]]:
    """Lowest and highest sample of each column, over all channels."""
    starts = np.unique(np.linspace(0, audio.frames, min(WAVE_COLUMNS, audio.frames), endpoint=False).astype(int))
    return (
        np.minimum.reduceat(audio.samples, starts, axis=1).min(axis=0),
        np.maximum.reduceat(audio.samples, starts, axis=1).max(axis=0),
    )
