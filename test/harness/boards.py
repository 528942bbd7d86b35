# SPDX-License-Identifier: BSD-2-Clause
"""
boards.py [BOARD..]: start each board that the installed QEMU emulates, as `make run` does, and print a row of
docs/boards.md for it: how far it comes and what it comes with.
"""
import fcntl
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass

from board import ROOT, Board, make, make_variables

NAMES = sorted(path.parent.name for path in (ROOT / "boards").glob("*/board.mk"))
TITLE = "| board | loader's tree | prompt | console | CPUs | interrupt controller | power |\n|--|--|--|--|--|--|--|"
CHIPS = ("plic", "gicv2", "gicv3")
POWERS = ("sbi-power", "psci-power", "syscon-power", "sifive-test")


def build(*args):
    """make, one at a time: cases that run at once need the same trees, and none may see half of one."""
    lock = ROOT / "build/boards.lock"
    lock.parent.mkdir(exist_ok=True)
    with open(lock, "w", encoding="ascii") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
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


def typed(board, line):
    """What a command prints, each byte typed when the last one's echo is there: some UARTs keep one and no more."""
    for byte in line:
        board.send(byte)
        board.expect(re.escape(byte))
    board.send("\r")
    return board.expect_prompt().splitlines()


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


def main():
    print(TITLE)
    for name in sys.argv[1:] or NAMES:
        machine = Machine(name)
        if not machine.emulated():
            print(f"| {name} | | this QEMU has none | | | | |", flush=True)
            continue
        board = machine.start()
        try:
            board.expect_prompt()
            print(f"| {' | '.join(row(machine, board))} |", flush=True)
        except Exception:  # pylint: disable=broad-except
            print(f"| {name} | | no | | | | |\n", board.transcript.getvalue()[-1500:], flush=True)
        finally:
            board.close()


if __name__ == "__main__":
    main()
