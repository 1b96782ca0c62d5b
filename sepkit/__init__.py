"""sepkit renders the speech alone from a recording in which someone speaks over music or noise.

The rooms, in the order in which sound flows. A room imports from those above it alone:

    errors, clock, interruption    the ground
    files/           what any room needs of the disk
    config/          the YAML as typed sections; plug-ins by name; the grammar of bounds
    audio/           samples, read, decode, write, spool, resample, stft, windows
    models/          where weights come from; device and memory; networks that several rooms hear
    separators/      the members of the ensemble; denoisers/ and metrics/ likewise
    stages/          plain functions on arrays: fuse, denoise, post_mask, equalise, loudness
    render/          the frame that all tasks share, and one file a task: which stems come out, and how
    judge/           metrics on a pair, the gate, the bypass, known words, verdict, quarantine
    plan/            what a run will take
    report/          the pages that a person looks at
    batch/           runs over files: folders, single files, the pilot
    compare/         configurations beside each other
    training/        how sepkit's own networks are made
    cli/             one file a command

The public API is small: `load_config`, `Pipeline(config).run(path | Audio)`, `evaluate_pair`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sepkit.audio.samples import Audio
    from sepkit.config import Config, load_config
    from sepkit.errors import SepkitError
    from sepkit.judge.evaluate import evaluate_pair
    from sepkit.render.pipeline import Pipeline

__all__ = ["Audio", "Config", "Pipeline", "SepkitError", "evaluate_pair", "load_config"]
__version__ = "0.1.0"

_HOMES = {
    "Audio": "sepkit.audio.samples",
    "Config": "sepkit.config",
    "Pipeline": "sepkit.render.pipeline",
    "SepkitError": "sepkit.errors",
    "evaluate_pair": "sepkit.judge.evaluate",
    "load_config": "sepkit.config",
}


def __getattr__(name: str) -> Any:
    """Import the public names on first use, so that `import sepkit` costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'sepkit' has no attribute '{name}'")
    return getattr(import_module(_HOMES[name]), name)
