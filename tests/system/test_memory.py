"""What malloc keeps is given back."""

import platform
import subprocess
import sys

import pytest

HOLES = """
import re, time
from demo.start import memory

def resident():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmRSS:\\s+(\\d+)", status.read())[1]) / 1024

memory._PAUSE = 0.05
pieces = [b"x" * 50_000 for _ in range(4000)]
pieces = pieces[::40]  # what is kept lies between the holes, so that the heap cannot shrink
kept = resident()
memory.keep_memory_small()
end = time.monotonic() + 60
while resident() > kept - 100 and time.monotonic() < end:
    time.sleep(0.05)
print(kept, resident(), len(pieces))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the allocator is another")
def test_what_is_free_between_pieces_in_use_is_given_back():
    run = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stderr
    kept, left, _ = map(float, run.stdout.split())
    assert kept > 150
    assert left < kept - 100
