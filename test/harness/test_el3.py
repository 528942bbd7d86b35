# SPDX-License-Identifier: BSD-2-Clause
"""
Entered at EL3, with no firmware before the image: `-M virt,secure=on` as it comes out of reset. All CPUs arrive, interrupts
are secure, the redistributors sleep, flash answers to the secure state only.
"""
import os
import re
import socket
import subprocess

import pexpect
import pytest

import ktap
from board import MIB, Board
from test_smp import cpu_lines

BOARDS = ["qemu-virt-arm64"]
NO_FIRMWARE = "psci: entered at EL3, so there is no firmware to call: no reboot, no poweroff"


class Bare(Board):
    """A machine whose CPUs come out of reset at the first instruction of the image in RAM; those from `stray` on
    where nothing is. Or all in flash."""

    def __init__(self, setup, machine, cpus=1, stray=None, flash=None, image=None, extra=()):
        at = f"addr={setup.load:#x}"
        args = [*setup.qemu(), "-machine", f"secure=on,{machine}", "-smp", str(cpus), "-m", "128M"]
        if flash:
            args += ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={flash}"]
        else:
            args += ["-device", f"loader,file={image or setup.searching()},{at},cpu-num=0,force-raw=on"]
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


def test_x0_is_anything(setup, bare):
    """Out of reset nobody has set x0: it is no tree's address where one is searched for."""
    stub = setup.assemble("x0", f"ldr x0, ={setup.place(16 * MIB)}\nldr x1, ={setup.load}\nbr x1\n")
    board = bare("gic-version=3", extra=["-device", f"loader,file={stub},addr={setup.place(64 * MIB):#x},cpu-num=0,force-raw=on"])
    assert "entered at EL3, running at EL1" in board.expect_prompt()


def test_a_cpu_that_is_elsewhere(bare):
    """CPUs 2 and 3 came out of reset where nothing is: named after a second, and the others go on."""
    board = bare("gic-version=3", 4, stray=2)
    log = board.expect_prompt()
    given_up = re.findall(r"\[ *(\d+\.\d+)\] smp: CPU (\d) \(0x\d\) did not come up within 1 s", log)
    assert [cpu for _, cpu in given_up] == ["2", "3"]
    assert float(given_up[1][0]) - float(given_up[0][0]) < 0.5
    assert "smp: 2 of 4 CPUs online" in log


@pytest.fixture
def flash(setup):
    image = setup.scratch / f"el3-flash-{os.getpid()}.img"
    image.write_bytes(setup.searching().read_bytes())
    os.truncate(image, 64 * MIB)
    yield image
    image.unlink()


@pytest.mark.parametrize("machine", ["gic-version=2", "gic-version=3,virtualization=on"])
def test_flash(setup, bare, flash, machine):
    """Secure flash is out of reach once the secure state is left: the image is in RAM by then, and all CPUs go on there."""
    board = bare(machine, 4, flash=flash)
    log = board.expect_prompt()
    assert f"loaded at {setup.place(0x200000):#x}, entered at EL3" in log
    assert "smp: 4 of 4 CPUs online" in log
    assert "ok 1 order.4" in board.cmd("test order.4")
    assert "0 mismatches, buddyinfo as before" in board.cmd("stress ops=2000")


def test_reset_leaves_names_in_ram(bare, flash):
    """After a reset RAM still names the CPUs and where they went on: none may go there before the first has made it anew."""
    board = bare("gic-version=3", 8, flash=flash, extra=["-qmp", f"unix:{flash}.qmp,server=on,wait=off"])
    for _ in range(3):
        log = board.expect_prompt()
        assert "smp: 8 of 8 CPUs online" in log and log.count("Quarry") == 1
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(f"{flash}.qmp")
            for command in "qmp_capabilities", "system_reset":
                control.sendall(b'{"execute": "%s"}\n' % command.encode())
                while b'"return"' not in control.recv(65536):
                    pass


def test_one_out_of_reset_late(setup, bare, flash):
    """CPU 3 starts when it has been named already; it must take the name for an old one, and gets another."""
    symbols = dict(line.split()[::2][::-1] for line in subprocess.run(
        [f"{setup.vars['CROSS']}nm", str(setup.image.with_suffix(".elf"))], check=True, capture_output=True, text=True).stdout.splitlines())
    names = setup.place(0x200000) + int(symbols["secondaries"], 16) - int(symbols["__image_start"], 16)
    late = setup.assemble("late", f"ldr x0, ={names + 3 * 16}\n1: ldr x1, [x0]\ncmp x1, #3\nb.ne 1b\nmov x0, #0\nbr x0\n")
    board = bare("gic-version=3", 4, flash=flash, extra=[
        "-device", f"loader,file={late},addr={setup.place(0x6000000):#x},cpu-num=3,force-raw=on"])
    assert "smp: 4 of 4 CPUs online" in board.expect_prompt()


def test_no_tree_is_looked_for_unless_the_board_asks(setup, bare):
    """Reading where nothing is may hang a real bus. Without a tree there is no console: nothing is said."""
    board = bare("gic-version=3", image=setup.image)
    with pytest.raises((pexpect.TIMEOUT, pexpect.EOF)):
        board.process.expect("Quarry", timeout=5)
    assert "Quarry" in bare("gic-version=3").expect_prompt()


@pytest.mark.parametrize("virtualization, level", [("on", 2), ("off", 1)])
def test_kernel(boot, virtualization, level):
    """Given a kernel QEMU keeps EL3 to itself and is the firmware: PSCI by smc where the image was entered at EL2, else by hvc."""
    board = boot(extra=["-smp", "4", "-machine", f"secure=on,virtualization={virtualization}"])
    log = board.expect_prompt()
    assert f"entered at EL{level}, running at EL1" in log and "smp: 4 of 4 CPUs online" in log
    board.send("poweroff\r")
    assert board.wait_end() == 0


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
