# SPDX-License-Identifier: BSD-2-Clause
"""
Every state that a small allocator can come to (test/exhaust): the configurations that take little. The others are
make exhaust's. `make exhauster` builds it, before these cases run side by side.
"""
import re
import subprocess

import pytest

from board import BOARDS, ROOT, make_variables

QUICK = ["section", "caches", "marks", "cpus", "two-sections"]


def exhaust(*arguments):
    out = make_variables(BOARDS[0], "O")["O"]
    return subprocess.run([ROOT / out / "host/exhaust/exhaust", *arguments], cwd=ROOT, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)


def test_quick_ones():
    assert exhaust("quick").stdout.split() == QUICK


@pytest.mark.parametrize("name", QUICK)
def test_every_state(name):
    """The search ends by itself, finds nothing, and has not ended at once."""
    done = exhaust(name)
    met = re.fullmatch(rf"exhaust: {name}: (\d+) states, (\d+) calls, \d+ deep\n", done.stdout)
    assert done.returncode == 0 and met, done.stdout[-3000:]
    assert int(met[1]) > 10000 and int(met[2]) > 10 * int(met[1])
