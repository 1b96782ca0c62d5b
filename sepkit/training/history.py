"""The history of a run: as a picture, and for TensorBoard where it is installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sepkit.errors import ConfigError
from sepkit.files.whole_file import whole_file


def plot(history: list[dict[str, Any]], path: Path) -> None:
    """Losses and validation scores over steps, a panel each, as PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    series: dict[str, list[tuple[str, list[int], list[float]]]] = {}
    for side in ("train", "validation"):
        for name in {name for entry in history for name in entry.get(side, {})}:
            entries = [entry for entry in history if name in entry.get(side, {})]
            points = [entry["step"] for entry in entries], [entry[side][name] for entry in entries]
            series.setdefault(name, []).append((side, *points))
    figure = Figure(figsize=(4 * max(1, len(series)), 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    for index, name in enumerate(sorted(series), 1):
        axes = figure.add_subplot(1, len(series), index)
        for side, steps, values in series[name]:
            axes.plot(steps, values, marker=".", label=side)
        axes.set(title=name, xlabel="step")
        axes.legend()
    with whole_file(path) as part:
        figure.savefig(part, format="png", dpi=100)


def to_tensorboard(entry: dict[str, Any], folder: Path) -> None:
    """Add one entry of the history to TensorBoard's logs."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ConfigError("tensorboard: not installed; run `pip install 'sepkit[train]'` or set false") from error
    with SummaryWriter(str(folder)) as writer:
        for side in ("train", "validation"):
            for name, value in entry.get(side, {}).items():
                writer.add_scalar(f"{name}/{side}", value, entry["step"])
