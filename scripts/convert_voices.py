"""The weights of `sepkit.models.voices` out of Resemblyzer's wheel: the encoder's 14 tensors, as they are.

    pip download Resemblyzer==0.1.4 --no-deps
    python -m scripts.convert_voices Resemblyzer-0.1.4-py3-none-any.whl

The wheel's checkpoint holds besides them the optimiser's state and two numbers of its loss.
"""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

from sepkit.files.digest import sha256_of
from sepkit.files.whole_file import whole_file
from sepkit.models.voices import encoder

CHECKPOINT = "resemblyzer/pretrained.pt"
LICENCE = "Resemblyzer-0.1.4.dist-info/LICENSE"


def main(wheel: Path) -> None:
    """Write the weights and their licence into the package, and say size and digest."""
    import torch
    from safetensors.torch import save

    with zipfile.ZipFile(wheel) as packed:
        stored = torch.load(io.BytesIO(packed.read(CHECKPOINT)), map_location="cpu", weights_only=True)
        licence = packed.read(LICENCE)
    tensors = {name: stored["model_state"][name].contiguous() for name in encoder.names()}
    path = encoder.WEIGHTS_PATH
    for place, content in ((path, save(tensors)), (path.with_name("voices_licence.txt"), licence)):
        with whole_file(place) as unfinished:
            unfinished.write_bytes(content)
    print(f"{path}: {path.stat().st_size} bytes, SHA-256 {sha256_of(path)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
