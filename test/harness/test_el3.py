# SPDX-License-Identifier: BSD-2-Clause
"""
Entered at EL3, with no firmware before the image: `-M virt,secure=on` as it comes out of reset. All CPUs arrive, interrupts
are secure, the redistributors sleep, flash answers to the secure state only.
"""
import os
import re

import pytest

import ktap
from board import MIB, Board
from test_smp import cpu_lines

BOARDS = ["qemu-virt-arm64"]
NO_FIRMWARE = "psci: entered at EL3, so there is no firmware to call: no reboot, no poweroff"


class Bare(Board):
    """A machine whose CPUs come out of reset at the first instruction of the image in RAM; those from `stray` on
    where nothing is. Or all in flash."""

    def __init__(self, setup, machine, cpus=1, stray=None, flash=None, extra=()):
        at = f"addr={setup.load:#x}"
        args = [*setup.qemu(), "-machine", f"secure=on,{machine}", "-smp", str(cpus), "-m", "128M"]
        if flash:
            args += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={flash}"]
        else:
            args += ["-device", f"loader,file={setup.image},{at},cpu-num=0,force-raw=on"]
        for cpu in range(1, 1 if flash else cpus if stray is None else stray):
            args += ["-device", f"loader,{at},cpu-num={cpu}"]
        self.spawn([*args, "-display", "none", "-monitor", "none", "-serial", "stdio", *extra])


@pytest.fixture
def bare(setup, request):
    boards = []

    def start(*args, **options):
        boards.append(Bare(setup, *args, **options))
        return boards[-1]

    yield start
    for board in boards:
        board.close()
        if getattr(request.node, "call_failed", False):
            print("---- console ----")
            print(board.transcript.getvalue().replace("\r", "")[-20000:])


@pytest.mark.parametrize("virtualization", ["on", "off"])
@pytest.mark.parametrize("gic", ["2", "3"])
@pytest.mark.parametrize("cpu", ["cortex-a53", "max"])
def test_all_cpus(bare, subresults, cpu, gic, virtualization):
    """To the prompt; keys arrive by the UART's interrupt, CPUs interrupt each other, the timer's interrupt ends a wait."""
    board = bare(f"gic-version={gic},virtualization={virtualization}", 4, extra=["-cpu", cpu])
    log = board.expect_prompt()
    assert "entered at EL3, running at EL1" in log
    assert log.count("psci") == 1 and NO_FIRMWARE in log
    assert "smp: 4 of 4 CPUs online" in log
    assert [(number, hart, state) for number, hart, state, *_ in cpu_lines(board)] == \
        [(number, number, "online") for number in range(4)]
    assert re.search(rf"(?m)^gicv{gic} ", board.cmd("devices"))
    results = ktap.check(board.cmd("test smp", timeout=400))
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])
    assert re.search(r"stress: \d+ operations on 4 cpus, 0 mismatches, buddyinfo as before",
                     board.cmd("stress seconds=1", timeout=200))


@pytest.mark.parametrize("gic", ["2", "3"])
def test_suites(bare, subresults, gic):
    board = bare(f"gic-version={gic}")
    board.expect_prompt()
    results = ktap.check(board.cmd("test", timeout=400))
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])


def test_a_cpu_that_is_elsewhere(bare):
    """CPUs 2 and 3 came out of reset where nothing is: named after a second, and the others go on."""
    board = bare("gic-version=3", 4, stray=2)
    log = board.expect_prompt()
    given_up = re.findall(r"\[ *(\d+\.\d+)\] smp: CPU (\d) \(0x\d\) did not come up within 1 s", log)
    assert [cpu for _, cpu in given_up] == ["2", "3"]
    assert float(given_up[1][0]) - float(given_up[0][0]) < 0.5
    assert "smp: 2 of 4 CPUs online" in log


def test_flash(setup, bare):
    """Secure flash is out of reach once the secure state is left: the image is in RAM by then. CPU 1 waits in flash."""
    image = setup.scratch / f"el3-flash-{os.getpid()}.img"
    image.write_bytes(setup.image.read_bytes())
    os.truncate(image, 64 * MIB)
    board = bare("gic-version=2", 2, flash=image)
    log = board.expect_prompt()
    image.unlink()
    assert f"loaded at {setup.place(0x200000):#x}, entered at EL3" in log
    assert "smp: CPU 1 (0x1): the firmware does not start it" in log and "smp: 1 of 2 CPUs online" in log
    assert "ok 1 order.4" in board.cmd("test order.4")


def test_sbsa_ref(setup, subresults):
    """boards/sbsa-ref by `make run`: RAM at 1 TiB, and nothing below 4 GiB."""
    board = Board.__new__(Board)
    board.spawn(["make", "-s", "run", "BOARD=sbsa-ref"])
    try:
        log = board.expect_prompt()
        assert "loaded at 0x10000200000, entered at EL3" in log and "device tree at 0x10000000000" in log
        assert log.count("psci") == 1 and NO_FIRMWARE in log and "smp: 4 of 4 CPUs online" in log
        assert [state for _, _, state, *_ in cpu_lines(board)] == ["online"] * 4
        results = ktap.check(board.cmd("test", timeout=500))
        subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])
        assert re.search(r"stress: \d+ operations on 4 cpus, 0 mismatches, buddyinfo as before",
                         board.cmd("stress seconds=2", timeout=200))
    finally:
        board.close()
