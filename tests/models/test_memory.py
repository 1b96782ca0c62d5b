"""Freed memory stays while it is kept, and goes back to the system afterwards; the system itself counts."""

import json
import platform
import subprocess
import sys

import pytest

BLOCK_BYTES = 64 * 2**20
ROUNDS = 8

pytestmark = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries are left as they are")


def in_a_process(code: str) -> list[int]:
    """What the code prints, where no memory has been used before."""
    imports = "import json, resource, numpy, psutil\nfrom sepkit.models import memory"
    start = f"{imports}\nBLOCK, ROUNDS = {BLOCK_BYTES}, {ROUNDS}\n"
    asked = subprocess.run([sys.executable, "-c", start + code], capture_output=True, text=True, check=True)
    return json.loads(asked.stdout)


def test_a_block_that_was_freed_is_given_out_again():
    """Pages that the system had to bring while blocks were filled and freed, the first block apart."""
    before, kept, after = in_a_process("""
def faults():
    counts = []
    for _ in range(1 + ROUNDS):
        numpy.ones(BLOCK, numpy.uint8)
        counts.append(resource.getrusage(resource.RUSAGE_SELF).ru_minflt)
    return counts[-1] - counts[0]
before = faults()
with memory.kept():
    kept = faults()
print(json.dumps([before, kept, faults()]))
""")
    huge_pages = BLOCK_BYTES // 2**21  # the largest that a system brings at once
    assert before >= ROUNDS * huge_pages
    assert kept < huge_pages
    assert after >= ROUNDS * huge_pages


def test_what_was_kept_goes_back_when_the_outermost_ends():
    before, within, after = in_a_process("""
held = lambda: psutil.Process().memory_info().rss
before = held()
with memory.kept():
    with memory.kept():
        numpy.ones(4 * BLOCK, numpy.uint8)
    within = held()
print(json.dumps([before, within, held()]))
""")
    assert within > before + 3 * BLOCK_BYTES
    assert after < before + BLOCK_BYTES
