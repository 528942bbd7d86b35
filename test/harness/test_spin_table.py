# SPDX-License-Identifier: BSD-2-Clause
"""
CPUs that the firmware lets go by spin-table: QEMU's Raspberry Pi 3 with Linux's tree. The words they look at lie in page 0, which is
never mapped; interrupts between CPUs and the timer's are the BCM2836's; devices poll; there is no PSCI.
"""
import re
import subprocess

import pytest

import ktap
from board import ROOT, Board
from test_smp import cpu_lines, tree_with

BOARDS = ["qemu-virt-arm64"]
SOURCE = "arch/arm64/boot/dts/broadcom/bcm2837-rpi-3-b.dts"


class Pi(Board):
    """The console is the second serial line."""

    def __init__(self, setup, blob):
        self.spawn([setup.vars["QEMU"], "-M", "raspi3b", "-kernel", str(setup.image), "-dtb", str(blob), "-display", "none",
                    "-monitor", "none", "-serial", "null", "-serial", "stdio"])


@pytest.fixture
def pi(setup, request):
    """pi(change): the board, its tree changed as text."""
    boards = []

    def start(change=None):
        blob = subprocess.run(["make", "-s", "dtb", f"BOARD={setup.board}", f"LINUX_DTS={SOURCE}"], cwd=ROOT, check=True,
                              capture_output=True, text=True).stdout.split()[-1]
        if change:
            text = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", blob], cwd=ROOT, check=True, capture_output=True,
                                  text=True).stdout
            changed = change(text)
            assert changed != text
            blob = setup.scratch / f"{request.node.name}.dtb"
            subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", str(blob), "-"], check=True, input=changed, text=True)
        boards.append(Pi(setup, blob))
        return boards[-1]

    yield start
    for board in boards:
        board.close()
        if getattr(request.node, "call_failed", False):
            print("---- console ----")
            print(board.transcript.getvalue().replace("\r", "")[-20000:])


def test_suites(pi, subresults):
    board = pi()
    log = board.expect_prompt()
    assert "smp: 4 of 4 CPUs online" in log and log.count("psci: not in the device tree") == 1
    assert [(number, hart, state) for number, hart, state, *_ in cpu_lines(board)] == \
        [(number, number, "online") for number in range(4)]
    devices = board.cmd("devices")
    assert re.search(r"(?m)^bcm2836-l1-intc +0x40000000 ", devices) and re.search(r"(?m)^arm-timer +- +3 ", devices)
    results = ktap.check(board.cmd("test", timeout=500))
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])
    assert re.search(r"stress: \d+ operations on 4 cpus, 0 mismatches, buddyinfo as before",
                     board.cmd("stress seconds=2", timeout=200))


def test_words_nobody_looks_at(pi):
    """CPU 1's is another word, CPU 2 has none, CPU 3's is not aligned: each is named, at once but for the first's second."""
    def change(text):
        for old, new in ("0xe0", "0xf8"), ("0xf0", "0xf4"):
            text = text.replace(f"cpu-release-addr = <0x00 {old}>;", f"cpu-release-addr = <0x00 {new}>;", 1)
        return text.replace("cpu-release-addr = <0x00 0xe8>;", "", 1)

    board = pi(change)
    log = board.expect_prompt()
    assert len(re.findall(r"smp: CPU 1 \(0x1\) did not come up within 1 s", log)) == 1
    assert re.findall(r"smp: CPU (\d) \(0x\d\): the firmware does not start it", log) == ["2", "3"]
    assert "smp: 1 of 4 CPUs online" in log
    assert [state for _, _, state, *_ in cpu_lines(board)] == ["online", "no answer", "refused", "refused"]
    assert "0 mismatches, buddyinfo as before" in board.cmd("stress ops=2000")


def test_mailboxes_beside_a_gic(setup, boot):
    """BCM2711's tree has the BCM2836's block too, without #interrupt-cells: the GIC is the controller, and that block is left alone."""
    def add(text):
        return text.replace("intc@8000000 {", 'local@b000000 { compatible = "brcm,bcm2836-l1-intc"; reg = <0x00 0xb000000 0x00 0x100>; };\n'
                            "intc@8000000 {", 1)

    options = setup.with_fdt(tree_with(setup, "mailboxes", add), "128M")
    options["extra"] += ["-smp", "2"]
    board = boot(**options)
    log = board.expect_prompt()
    assert "smp: 2 of 2 CPUs online" in log and "not usable" not in log
    devices = board.cmd("devices")
    assert re.search(r"(?m)^gicv2 ", devices) and "bcm2836" not in devices
