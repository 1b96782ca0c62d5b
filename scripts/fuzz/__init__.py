"""Feeds sepkit damaged files and counts what it does: `python -m scripts.fuzz`."""

import os

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[_variable] = "1"  # read when numpy and torch are first imported; threads do not survive a fork
