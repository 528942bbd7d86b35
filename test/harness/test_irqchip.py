# SPDX-License-Identifier: BSD-2-Clause
"""
Interrupt controllers besides those of the default machines: the same devices, suites and typed input through each, on
several CPUs, of which any may be the one that boots.
"""
import re

import pytest

import ktap
from board import Board

EDU = ("-device", "edu,dma_mask=0xffffffff")
DEVICES = ("-smp", "4", "-device", "virtio-rng-device", *EDU)

# How QEMU is asked for a controller, the drivers that must be bound to it.
RISCV = {"aplic": (("-machine", "aia=aplic"), {"aplic"}),
         "imsic": (("-machine", "aia=aplic-imsic"), {"aplic", "imsic"}),
         "imsic-guests": (("-machine", "aia=aplic-imsic,aia-guests=3"), {"aplic", "imsic"})}


def bound(board):
    """What `devices` lists: [(driver, interrupt, path)]."""
    rows = [line.split(None, 8) for line in board.lines("devices")[1:]]
    return [(row[0], row[2], row[8]) for row in rows]


def run(board, subresults, suites):
    """Suites of which no case that needs an interrupt is skipped."""
    results = []
    for suite in suites:
        results += ktap.check(board.cmd(f"test {suite}", timeout=400))
    skipped = {r.name for r in results if r.passed is None}
    assert not skipped & {"edu.interrupts", "edu.interrupt_for_ever", "rng.pages", "irq.allocates"}
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])


def serves(board, subresults, drivers):
    """All that interrupts is served by these drivers, comes and goes, and leaves nothing behind."""
    log = board.expect_prompt()
    assert "smp: 4 of 4 CPUs online" in log
    assert "no interrupt" not in log and "not usable" not in log
    devices = bound(board)
    assert {row[0] for row in devices} & {"plic", "aplic", "imsic"} == drivers
    interrupts = {row[0]: row[1] for row in devices}
    assert all(interrupts[name] != "-" for name in ("ns16550a", "virtio-mmio", "riscv-timer"))
    run(board, subresults, ("drivers.shutdown",))
    assert bound(board) == devices
    assert board.lines("edu mask 32") == ["edu: 32 address bits"]
    run(board, subresults, ("rng", "irq"))
    assert not re.search(r"cut off|polling", board.transcript.getvalue())
    run(board, subresults, ("edu",))
    assert board.lines("shutdown", timeout=60)[-1] == "shutdown: without drivers buddyinfo is the boot picture"


@pytest.mark.parametrize("kind", RISCV)
def test_aia(boot, subresults, kind):
    options, drivers = RISCV[kind]
    serves(boot(memory="256M", extra=[*options, *DEVICES]), subresults, drivers)


test_aia.boards = ["qemu-virt-riscv64"]


class Sockets(Board):
    """A machine of two sockets, a node of memory and two CPUs each."""

    def __init__(self, setup, *extra):
        nodes = []
        for n in (0, 1):
            nodes += ["-object", f"memory-backend-ram,id=node{n},size=128M", "-numa", f"node,memdev=node{n}"]
            nodes += [word for cpu in (2 * n, 2 * n + 1)
                      for word in ("-numa", f"cpu,node-id={n},core-id={cpu}")]
        self.spawn([*setup.qemu(), "-m", "256M", *nodes, *DEVICES, "-smp", "4,sockets=2", "-kernel",
                    str(setup.image), "-display", "none", "-monitor", "none", "-serial", "stdio", *extra])


@pytest.fixture
def sockets(setup):
    boards = []

    def start(*extra):
        boards.append(Sockets(setup, *extra))
        return boards[-1]

    yield start
    for board in boards:
        board.close()


def test_aia_sockets(sockets, subresults):
    """A domain each, and a group of IMSICs each."""
    board = sockets("-machine", "aia=aplic-imsic,aia-guests=1")
    serves(board, subresults, {"aplic", "imsic"})
    assert [row[0] for row in bound(board)].count("aplic") == 2


test_aia_sockets.boards = ["qemu-virt-riscv64"]
