"""Which configurations `scripts.bench quality` measures: those that come without a download, and the default changed.

Of the default are changed: how its member and `compact` are fused, with nothing after that; and each stage, one at a
time, on where it is off and off where it is on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sepkit.config import Config, load_config
from sepkit.config.sections import (
    DenoiseConfig,
    EqualiseConfig,
    FuseConfig,
    LoudnessConfig,
    MemberConfig,
    PostMaskConfig,
)
from sepkit.config.shipped import shipped

EARLIER = Path(__file__).parents[2] / "config" / "compare" / "rnnoise_compact.yaml"
"""The default before `deepfilternet`."""
PLAIN: dict[str, Any] = {
    "denoise": None,
    "post_mask": None,
    "equalise": None,
    "loudness": LoudnessConfig(target_lufs=None, ceiling_dbtp=None),
}
"""Nothing after the members."""
QUARTER = 0.25
"""Weight of `compact` beside `deepfilternet`, where the members are weighted."""


def configurations(default: Config) -> dict[str, Config]:
    """Those that need no download, as they are."""
    return {"pilot": default, "light": load_config(shipped()["light"]), EARLIER.stem: load_config(EARLIER)}


def fusions(default: Config) -> dict[str, Config]:
    """Each rule and mask for `deepfilternet` and `compact`, which lie far apart; and each of the two by itself."""
    both = tuple(MemberConfig.model_validate({"separator": name}) for name in ("deepfilternet", "compact"))
    weighted = both[0], both[1].model_copy(update={"weight": QUARTER})
    rules = {"mean": both, "max": both, "min": both, "weights": weighted}
    asked: list[tuple[str, tuple[MemberConfig, ...], str, str]]
    asked = [(member.separator, (member,), "mean", mask) for member in both for mask in ("none", "power", "root")]
    for rule, members in rules.items():
        masks = ("none", "power", "root") if rule in ("mean", "weights") else ("power", "root")
        asked += [(f"{rule} of both", members, rule, mask) for mask in masks]
    return {
        f"{name}, mask {mask}": _changed(
            default, **PLAIN, members=members, fuse=FuseConfig.model_validate({"rule": rule, "mask": mask})
        )
        for name, members, rule, mask in asked
    }


def stages(default: Config) -> dict[str, Config]:
    """The default, with each stage switched by itself, and with none."""
    plain, usual = EqualiseConfig(high_pass_hz=None, shelf_hz=None), EqualiseConfig()
    equalise, loudness = default.equalise or plain, default.loudness
    beta, rnnoise = PostMaskConfig(beta=1.0), DenoiseConfig.model_validate({"denoiser": "rnnoise"})
    high_pass = {"high_pass_hz": None if equalise.high_pass_hz else usual.high_pass_hz}
    shelf = {"shelf_hz": None if equalise.shelf_hz else usual.shelf_hz}
    ceiling = {"ceiling_dbtp": None if loudness.ceiling_dbtp is not None else LoudnessConfig().ceiling_dbtp}
    switched: dict[str, tuple[bool, dict[str, Any]]] = {
        "high-pass": (bool(equalise.high_pass_hz), {"equalise": equalise.model_copy(update=high_pass)}),
        "shelf": (bool(equalise.shelf_hz), {"equalise": equalise.model_copy(update=shelf)}),
        "denoiser rnnoise": (bool(default.denoise), {"denoise": None if default.denoise else rnnoise}),
        "β-Wiener, β 1": (bool(default.post_mask), {"post_mask": None if default.post_mask else beta}),
        "limiter": (loudness.ceiling_dbtp is not None, {"loudness": loudness.model_copy(update=ceiling)}),
    }
    found = {"pilot": default}
    found |= {f"{name} {'off' if on else 'on'}": _changed(default, **new) for name, (on, new) in switched.items()}
    found |= {"high-pass 40 Hz": _changed(default, equalise=equalise.model_copy(update={"high_pass_hz": 40.0}))}
    found |= {"ceiling by gain": _changed(default, loudness=loudness.model_copy(update={"ceiling_by": "gain"}))}
    for lufs in (-20, -23):
        quieter = loudness.model_copy(update={"target_lufs": float(lufs)})
        found[f"loudness {lufs} LUFS".replace("-", "−")] = _changed(default, loudness=quieter)
    found |= {"loudness and limiter off": _changed(default, loudness=PLAIN["loudness"])}
    return found | {"none of them": _changed(default, **PLAIN)}


def _changed(config: Config, **sections: Any) -> Config:
    return config.model_copy(update=sections)
