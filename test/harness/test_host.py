# SPDX-License-Identifier: BSD-2-Clause
"""The programs of test/host: mm/ and the early device-tree code under ASan and UBSan, each test a result."""
import os
import re
import subprocess

import pytest

from board import BOARDS, ROOT, make_variables

PROGRAMS = sorted(path.stem for path in (ROOT / "test/host").rglob("test_*.c"))
PROGRAMS.append("test_mix_thread")  # the same under the thread sanitizer


# Programs that are also run with mm/ as it is built for size, where some of it takes other paths.
SMALL = ["test_between", "test_buddy", "test_campaign", "test_parts", "test_pcp", "test_slab_debug"]


@pytest.fixture(scope="module")
def folder():
    return ROOT / make_variables(BOARDS[0], "HOST")["HOST"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_program(folder, subresults, program):
    run(folder, subresults, program)


def test_built_for_size(subresults):
    out = make_variables(BOARDS[0], "O")["O"] + "/small-host"
    subprocess.run(["make", "-s", f"O={out}", "EXTRA_CFLAGS=-Os", *(f"{out}/host/{name}" for name in SMALL)],
                   cwd=ROOT, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    for program in SMALL:
        run(ROOT / out / "host", subresults, program)


def run(folder, subresults, program):
    env = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP")
    done = subprocess.run([folder / program], cwd=ROOT, env=env, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", timeout=1800,
                          check=False)
    results, planned, groups = [], 0, re.split(r"(?m)^1\.\.(\d+)$", done.stdout)
    for plan, body in zip(groups[1::2], groups[2::2]):
        planned += int(plan)
        for line in re.finditer(r"(?m)^(ok|not ok) \d+ - (.*)$", body):
            detail = "" if line.group(1) == "ok" else body[line.end():line.end() + 300]
            results.append((line.group(2), line.group(1) == "ok", detail))
    assert len(results) == planned > 0, done.stdout[-3000:]
    subresults([(f"{program}: {name}", passed, detail) for name, passed, detail in results])
    assert done.returncode == 0, done.stdout[-3000:]
