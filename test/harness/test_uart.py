# SPDX-License-Identifier: BSD-2-Clause
"""
What is typed arrives: at the UART that prompts, whatever the tree says of it; with breaks between the bytes; on an
emulated clock that jumps; through the SBI's console, and on a UART without interrupts. What only registers show is in
test/host/drivers (test_uart.c, test_ns16550a*.c).
"""
import json
import re
import socket
import subprocess
import time
from pathlib import Path

import pytest

from board import PROMPT, Board
from test_devices import tree

FW_JUMP = Path("/usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.bin")
SHAKTI_FDT, SHAKTI_START = 0x82000000, 0x80700000


def names_no_driver(text):
    """A change: stdout-path names a UART that no driver knows."""
    text = re.sub(r"stdout-path = [^;]*;", 'stdout-path = "/serial@fe000000";', text)
    return text.replace("\tmemory@", "\tserial@fe000000 { compatible = \"acme,uart\"; "
                        "reg = <0x0 0xfe000000 0x0 0x1000>; };\n\n\tmemory@", 1)


def names_nothing(text):
    return re.sub(r"\n\s*stdout-path = [^;]*;", "", text)


@pytest.mark.parametrize("change", [names_no_driver, names_nothing])
def test_who_prompts_listens(boot, setup, change):
    board = boot(**tree(setup, change.__name__, change))
    board.expect_prompt()
    for _ in range(3):
        assert any(line.startswith("MemTotal:") for line in board.lines("meminfo", timeout=20))


ICOUNT = ["-icount", "shift=0,sleep=off"]


@pytest.mark.parametrize("cpus,nic", [(1, "none"), (2, "none"), (1, "user,model=virtio-net-device")])
def test_input_where_the_clock_jumps(boot, setup, cpus, nic):
    """
    When all CPUs wait, the emulated clock is at the next deadline at once. After the last one there is no more time,
    and the emulator hears nobody: so somebody always has one.
    """
    extra = [*ICOUNT, "-smp", str(cpus)]
    if nic != "none":
        extra += ["-netdev", "user,id=n", "-device", "virtio-net-device,netdev=n"]
    board = boot(extra=extra)
    board.expect_prompt()
    time.sleep(1.5)  # of the host's: the machine has nothing to do
    assert any(line.startswith("MemTotal:") for line in board.lines("meminfo", timeout=30))


def monitor(path):
    """command(name, arg=..) at QEMU's monitor."""
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(60)
    link.connect(path)
    lines = link.makefile("rw")
    lines.readline()

    def command(name, **arguments):
        lines.write(json.dumps({"execute": name, "arguments": arguments}) + "\n")
        lines.flush()
        while not any(word in json.loads(lines.readline()) for word in ("return", "error")):
            pass

    command("qmp_capabilities")
    return command


@pytest.mark.parametrize("order", ["break first", "byte first"])
def test_breaks_cost_no_byte(boot, order, tmp_path):
    """Each echo is awaited, so that no emulated FIFO is ever full: one that is loses a byte to a break."""
    board = boot(extra=["-qmp", f"unix:{tmp_path}/qmp,server=on,wait=off"])
    board.expect_prompt()
    command = monitor(f"{tmp_path}/qmp")
    for i in range(400):
        byte = chr(ord("a") + i % 26)
        if order == "byte first":
            board.send(byte)
        command("chardev-send-break", id="con")
        if order == "break first":
            board.send(byte)
        board.expect(re.escape(byte), timeout=20)
        if i % 50 == 49:
            board.keys("\x15")
    counts = re.search(r"received (\d+), overruns (\d+), bad (\d+)", board.cmd("uart"))
    assert int(counts[1]) == 400 + 8 * 2 + len("uart\r") and int(counts[3]) == 400, counts[0]


def typed(board, line):
    """Type as a user does, each byte when the last one's echo is there: these UARTs keep no more than one."""
    for byte in line:
        board.send(byte)
        board.expect(re.escape(byte), timeout=20)
    board.send("\r")
    return board.expect(r"\n" + PROMPT, timeout=30)


class OtherMachine(Board):
    """QEMU with these arguments, its console on ours: the UART that has so many before it."""

    def __init__(self, args, behind=(), before=0):  # pylint: disable=super-init-not-called
        self.spawn([*args, "-display", "none", "-monitor", "none", "-nic", "none", "-chardev",
                    "stdio,id=con,signal=off", *["-serial", "null"] * before, "-serial", "chardev:con",
                    *(word for where in behind for word in ("-serial", where))])


@pytest.fixture
def other(request):
    boards = []

    def start(args, behind=(), before=0):
        boards.append(OtherMachine(args, behind, before))
        return boards[-1]

    yield start
    for board in boards:
        board.close()
        if getattr(request.node, "call_failed", False):
            print(board.transcript.getvalue().replace("\r", "")[-5000:])


def test_sbi_console_that_keeps_one_byte(other, setup):
    """
    QEMU's HTIF: one byte, overwritten by the next, and by the answer to a byte that is printed. spike has no time
    for Sstc, which its CPU says it has: OpenSBI 1.6 believes that and stops at the first timer that is set.
    """
    board = other(["qemu-system-riscv64", "-M", "spike", "-cpu", "rv64,sstc=off", "-m", "128M", "-kernel", str(setup.image)])
    board.expect_prompt()
    for _ in range(3):
        assert "MemTotal:" in typed(board, "meminfo")


test_sbi_console_that_keeps_one_byte.boards = ["qemu-virt-riscv64"]


def test_uart_that_the_sbi_does_not_hear(other, setup):
    """shakti_c: OpenSBI 1.1 asks it whether its FIFO is full, which QEMU's never is."""
    if not FW_JUMP.exists():
        pytest.skip(f"no {FW_JUMP}")
    dtb = setup.scratch / "shakti-c.dtb"
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", str(dtb), str(setup.root / "boards/shakti-c/shakti-c.dts")],
                   check=True)
    start = setup.assemble("shakti-c", f"li a0, 0\nli a1, {SHAKTI_FDT:#x}\nli t0, 1\nslli t0, t0, 31\njr t0\n")
    board = other(["qemu-system-riscv64", "-M", "shakti_c", "-m", "256M", "-bios", str(FW_JUMP),
                   "-device", f"loader,file={setup.image},addr={setup.load:#x},force-raw=on",
                   "-device", f"loader,file={dtb},addr={SHAKTI_FDT:#x},force-raw=on",
                   "-device", f"loader,file={start},addr={SHAKTI_START:#x},force-raw=on,cpu-num=0"])
    board.expect_prompt()
    for _ in range(3):  # in one piece: the emulator waits until each byte has been read
        assert "MemTotal:" in board.cmd("meminfo", timeout=30)
    assert "uart: shakti, " in board.cmd("uart", timeout=30)


test_uart_that_the_sbi_does_not_hear.boards = ["qemu-virt-riscv64"]
