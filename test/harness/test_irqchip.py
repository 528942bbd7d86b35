# SPDX-License-Identifier: BSD-2-Clause
"""
Interrupt controllers besides those of the default machines: the same devices, suites and typed input through each, on
several CPUs, of which any may be the one that boots.
"""
import re

import pytest

import ktap
from board import Board
from boards import qemu_version
from test_devices import tree

EDU = ("-device", "edu,dma_mask=0xffffffff")
DEVICES = ("-smp", "4", "-device", "virtio-rng-device", *EDU)

# How QEMU is asked for a controller, the drivers that must be bound to it.
RISCV = {"aplic": (("-machine", "aia=aplic"), {"aplic"}),
         "imsic": (("-machine", "aia=aplic-imsic"), {"aplic", "imsic"}),
         "imsic-guests": (("-machine", "aia=aplic-imsic,aia-guests=3"), {"aplic", "imsic"})}


def bound(board):
    """What `devices` lists: [(driver, interrupt, path)]."""
    rows = [line.split(None, 8) for line in board.lines("devices")[1:] if not line.startswith(" ")]
    return [(row[0], row[2], row[8]) for row in rows]


def run(board, subresults, suites):
    """Suites of which no case that needs an interrupt is skipped."""
    results = []
    for suite in suites:
        results += ktap.check(board.cmd(f"test {suite}", timeout=400))
    skipped = {r.name for r in results if r.passed is None}
    assert not skipped & {"edu.interrupts", "edu.interrupt_for_ever", "rng.pages", "irq.allocates"}
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])


OTHERS = "polled each 250 us: it interrupts other harts than the one that boots"


def serves(board, subresults, drivers, sockets=1):
    """All that interrupts is served by these drivers, comes and goes, and leaves nothing behind."""
    log = board.expect_prompt()
    assert "smp: 4 of 4 CPUs online" in log
    assert "no interrupt" not in log and "not usable" not in log
    devices = bound(board)
    assert {row[0] for row in devices} & {"plic", "aplic", "imsic"} == drivers
    # each socket has one; what interrupts no hart of the boot hart's socket is polled
    assert max([row[0] for row in devices].count(driver) for driver in drivers) == sockets
    assert board.cmd("devices").count(OTHERS) == (sockets - 1 if "imsic" not in drivers else 0)
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


SOCKETS = {"plic": ((), {"plic"}), **RISCV}
del SOCKETS["imsic"]


@pytest.mark.parametrize("kind", SOCKETS)
def test_sockets(sockets, subresults, kind):
    """
    A controller each, of which one interrupts the boot hart; of IMSICs a group each. QEMU 7.2 connects the second PLIC's
    supervisor lines to nothing, its machine lines to them: interrupts of devices arrive if it is a hart of the first that boots.
    """
    options, drivers = SOCKETS[kind]
    board = sockets(*options)
    for _ in range(50 if kind == "plic" and re.fullmatch(r"QEMU [1-7]\..*", qemu_version()) else 0):
        board.expect("riscv64: hart ")  # which hart boots is a race, which hart 0 wins mostly
        board.expect(", loaded at")
        if re.search("riscv64: hart [01],", board.transcript.getvalue()):
            break
        board.close()
        board = sockets(*options)
    serves(board, subresults, drivers, sockets=2)


test_sockets.boards = ["qemu-virt-riscv64"]


def test_thead_plic(boot, setup, subresults):
    """The name of T-Head's PLIC: QEMU's has not its one register more, which we never touch."""
    options = tree(setup, "thead-plic", lambda text: re.sub(r'compatible = "sifive,plic-1.0.0[^;]*;',
                                                            'compatible = "thead,c900-plic";', text))
    options["extra"] += ["-device", "virtio-rng-device"]
    board = boot(**options)
    log = board.expect_prompt()
    assert "not usable" not in log and bound(board)[0][0] == "plic"
    run(board, subresults, ("irq", "rng"))


test_thead_plic.boards = ["qemu-virt-riscv64"]
