"""One thread for torch: small tensors on many threads are slower, and much slower beside other processes.

Under CI, Hypothesis draws the same examples every time; elsewhere it goes on looking for new ones.
"""

import os

from hypothesis import settings

for _variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")

settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")
