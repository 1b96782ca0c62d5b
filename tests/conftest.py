"""One thread for torch: small tensors on many threads are slower, and much slower beside other processes.

Under CI, Hypothesis draws the same examples every time; elsewhere it goes on looking for new ones.
"""

import os
from pathlib import Path

import pytest
from hypothesis import settings

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture
def public_path(tmp_path: Path) -> Path:
    """A temporary folder that other users can reach too, for what root must try as nobody."""
    for folder in (tmp_path, *tmp_path.parents[:3]):
        folder.chmod(0o755)
    return tmp_path
