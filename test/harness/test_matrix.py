# SPDX-License-Identifier: BSD-2-Clause
"""The same image on other CPUs, interrupt controllers and exception levels: all suites on each."""
import re

import pytest

import ktap

BOARDS = ["qemu-virt-arm64"]


@pytest.mark.parametrize("virtualization", ["on", "off"])
@pytest.mark.parametrize("gic", ["2", "3"])
@pytest.mark.parametrize("cpu", ["cortex-a53", "cortex-a72", "max"])
def test_all(boot, subresults, cpu, gic, virtualization):
    board = boot(memory="64M", extra=[
        "-cpu", cpu, "-machine", f"gic-version={gic},virtualization={virtualization}"])
    log = board.expect_prompt()
    assert f"entered at EL{2 if virtualization == 'on' else 1}, running at EL1" in log
    assert re.search(rf"(?m)^gicv{gic} ", board.cmd("devices"))
    results = ktap.check(board.cmd("test", timeout=400))
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])
