"""sepkit renders the speech alone from a recording in which someone speaks over music or noise.

The map, in the order in which sound flows:

    audio_io      sources: probe, read in stretches, spool
    windows       cuts a long source in bodies with context, joins what was made of them
    ensemble      the members (separators/) at one rate and layout
    stages/       fuse, denoise (denoisers/), post_mask, equalise, loudness
    pipeline      the order of the stages
    evaluate      metrics on a pair (metrics/), report/ what a person looks at
    gate          the bounds that a cleaned file must keep; bypass whether there is any background; words what is said
    batch         folders: find, skip what is done, isolate failures, journal
    compare       configurations beside each other on a set whose speech is known
    pilot         the one-command run
    training/     how the compact network is made; nothing imports it but the commands
    cli           the commands

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
