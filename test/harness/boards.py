# SPDX-License-Identifier: BSD-2-Clause
"""
boards.py [BOARD..]: start each board that the installed QEMU emulates, as `make run` does, and print a row of
docs/boards.md for it: how far it comes, what it comes with, and what its suites, `stress` and `poweroff` came to. `make
boards-test`; it fails if a board that is emulated does.
"""
import contextlib
import fcntl
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass

import pexpect

from board import ROOT, Board, make, make_variables

NAMES = sorted(path.parent.name for path in (ROOT / "boards").glob("*/board.mk"))
CELLS = ("board", "loader's tree", "prompt", "console", "CPUs", "interrupt controller", "power", "test", "stress", "switched off")
TITLE = f"| {' | '.join(CELLS)} |\n|{'--|' * len(CELLS)}"
NO_QEMU = "this QEMU has none"
SECONDS = 600  # for the suites: without a timer every wait for time that does not pass runs to its end
CHIPS = ("plic", "gicv2", "gicv3", "bcm2836-l1-intc")
POWERS = ("sbi-power", "psci-power", "syscon-power", "sifive-test")


@contextlib.contextmanager
def alone():
    """Cases that run at once make the same files: one does, the others wait, and none sees half of one."""
    lock = ROOT / "build/boards.lock"
    lock.parent.mkdir(exist_ok=True)
    with open(lock, "w", encoding="ascii") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield


def build(*args):
    """make, one at a time."""
    with alone():
        return make(*args)


@dataclass
class Machine:
    """What make knows of a board."""

    name: str

    def __post_init__(self):
        self.known = make_variables(self.name, "QEMU", "QEMU_ARGS", "LOAD_DEPS", "SERIAL_BEFORE", "DTB", "OUT")
        self.line = make(f"BOARD={self.name}", "--eval=harness-line:; @printf '%s\\n' $(call shell_quote,$(QEMU_LINE))",
                         "harness-line")

    def emulated(self):
        """Does the installed QEMU have this machine? No QEMU at all: no."""
        qemu = self.known["QEMU"]
        machine = re.search(r"-M (\w[\w-]*)", self.known["QEMU_ARGS"])
        if not qemu or not machine:
            return False
        listed = subprocess.run([*qemu.split(), "-M", "help"], capture_output=True, text=True, check=False).stdout
        return machine[1] in [line.split()[0] for line in listed.splitlines() if line]

    def image(self):
        return ROOT / self.known["OUT"] / "quarry.bin"

    def start(self):
        """The board, on its way to the prompt."""
        if self.known["LOAD_DEPS"].split():
            build(f"BOARD={self.name}", *self.known["LOAD_DEPS"].split())
        return Emulated([*shlex.split(self.line), "-display", "none", "-monitor", "none",
                         *shlex.split(self.known["SERIAL_BEFORE"])])


class Emulated(Board):
    """QEMU as `make run` calls it, the board's console on ours."""

    def __init__(self, args):  # pylint: disable=super-init-not-called
        self.spawn([*args, "-chardev", "stdio,id=con,signal=off", "-serial", "chardev:con"])


def typed(board, line, timeout=None):
    """What a command prints, each byte typed when the last one's echo is there: some UARTs keep one and no more."""
    for byte in line:
        board.send(byte)
        board.expect(re.escape(byte))
    board.send("\r")
    return board.expect_prompt(timeout).splitlines()


def row(machine, board):
    """The cells of a board at its prompt, as the title names them."""
    devices = [line.split()[0] for line in typed(board, "devices") if line.strip()]
    cpus = [line for line in typed(board, "cpus") if line.startswith("cpu ")]
    uart = next((re.match(r"uart: (\w[\w-]*), ", line) for line in typed(board, "uart") if line.startswith("uart: ")), None)
    online = sum(" online " in line for line in cpus)
    return [machine.name, "" if machine.known["DTB"] else "yes", "yes", uart[1] if uart else "sbi",
            f"{online} of {sum(' disabled ' not in line for line in cpus)}",
            ", ".join(chip for chip in CHIPS if chip in devices) or "-",
            ", ".join(power for power in POWERS if power in devices) or "-"]


def suites(board):
    """The cell of `test`."""
    found = re.search(r"passed=(\d+) failed=(\d+)", "\n".join(typed(board, "test", SECONDS)))
    return f"{found[2]} failed" if found else "no last line"


def stress(board):
    """The cell of `stress`: ten seconds of all CPUs, or so many operations where there is no timer."""
    output = "\n".join(typed(board, "stress seconds=10", SECONDS))
    if "no timer" in output:
        output = "\n".join(typed(board, "stress ops=20000", SECONDS))
    found = re.search(r"on (\d+) cpus, 0 mismatches, buddyinfo as before", output)
    return f"good on {found[1]}" if found else "failed"


def poweroff(board):
    """The cell of `poweroff`: does QEMU end?"""
    board.send("poweroff\r")
    try:
        return "yes" if board.wait_end(10) == 0 else "QEMU failed"
    except pexpect.TIMEOUT:
        return "no"


def whole_row(machine):
    """(cells, whether nothing failed)"""
    if not machine.emulated():
        return [machine.name, "", NO_QEMU, *[""] * (len(CELLS) - 3)], True
    board = machine.start()
    try:
        board.expect_prompt()
        cells = [*row(machine, board), suites(board), stress(board), poweroff(board)]
        return cells, cells[-3] == "0 failed" and cells[-2].startswith("good")
    except (pexpect.TIMEOUT, pexpect.EOF):
        print(board.transcript.getvalue()[-2000:], file=sys.stderr)
        return [machine.name, "", "no", *[""] * (len(CELLS) - 3)], False
    finally:
        board.close()


def main():
    print(TITLE)
    good = True
    for name in sys.argv[1:] or NAMES:
        cells, passed = whole_row(Machine(name))
        good &= passed
        print(f"| {' | '.join(cells)} |", flush=True)
    sys.exit(not good)


if __name__ == "__main__":
    main()
