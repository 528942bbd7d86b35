# SPDX-License-Identifier: BSD-2-Clause
"""
boards.py [--docs] [NAME..]: start each board and each variant that the installed QEMU emulates, as `make run` does, and print a
row of docs/boards.md for it: how far it comes, what it comes with, and what its suites, `stress` and `poweroff` came to. `make
boards-test`. It fails if something that is emulated does. --docs puts the rows into the document's section of this QEMU.
"""
import argparse
import concurrent.futures
import contextlib
import fcntl
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass

import pexpect

from variants import NOT_THERE, VARIANTS
from board import ROOT, Board, make, make_variables

NAMES = sorted(path.parent.name for path in (ROOT / "boards").glob("*/board.mk"))
MK = {name: (ROOT / "boards" / name / "board.mk").read_text() for name in NAMES}
# By what board.mk says, without make: which of them a QEMU has at all, and which are given a tree.
EMULATED = [name for name in NAMES if re.search(r"^QEMU\s*:=", MK[name], re.M)]
WITH_TREES = [name for name in EMULATED if re.search(r"^(DTS|DTB|LINUX_DTS)\s*:=", MK[name], re.M)]
CELLS = ("board", "loader's tree", "prompt", "console", "CPUs", "interrupt controller", "power", "test", "stress", "switched off")
TITLE = f"| {' | '.join(CELLS)} |\n|{'--|' * len(CELLS)}"
VARIANT_TITLE = "| variant | command | the log says | CPUs | interrupt controller | test | stress |\n|--|--|--|--|--|--|--|"
NO_QEMU = "this QEMU has none"
SECONDS = 900  # for the suites: without a timer every wait for time that does not pass runs to its end
CHIPS = ("plic", "aplic", "imsic", "gicv2", "gicv3", "bcm2836-l1-intc")
POWERS = ("sbi-power", "psci-power", "syscon-power", "sifive-test")
# As many CPUs as a board has, or four, for boards whose board.mk asks for fewer: what is quick is one CPU, what is tested are all.
CPUS = {"qemu-sifive-u": 5, "qemu-virt-arm64": 4, "qemu-virt-riscv64": 4, "spike": 4}


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


def qemu_version(isa="riscv64"):
    """As in the document's headings: QEMU 7.2."""
    said = subprocess.run([f"qemu-system-{'aarch64' if isa == 'arm64' else isa}", "--version"], capture_output=True, text=True, check=True)
    return "QEMU " + re.search(r"version (\d+\.\d+)", said.stdout)[1]


@dataclass
class Machine:
    """What make knows of a board, with variables of ours."""

    name: str
    variables: tuple = ()

    def __post_init__(self):
        self.known = make_variables(self.name, "QEMU", "QEMU_ARGS", "LOAD_DEPS", "SERIAL_BEFORE", "DTB", "OUT")
        self.line = make(f"BOARD={self.name}", *self.variables,
                         "--eval=harness-line:; @printf '%s\\n' $(call shell_quote,$(QEMU_LINE))", "harness-line")

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
            build(f"BOARD={self.name}", *self.variables, *self.known["LOAD_DEPS"].split())
        return Emulated([*shlex.split(self.line), "-display", "none", "-monitor", "none",
                         *shlex.split(self.known["SERIAL_BEFORE"])])


def machine_of(name):
    """With all CPUs that it is tested with."""
    return Machine(name, (f"SMP={CPUS[name]}",) if name in CPUS else ())


class Emulated(Board):
    """QEMU as `make run` calls it, the board's console on ours."""

    def __init__(self, args):  # pylint: disable=super-init-not-called
        self.spawn([*args, "-chardev", "stdio,id=con,signal=off", "-serial", "chardev:con"])


class Made(Board):
    """What a make target starts, its console on ours."""

    def __init__(self, *args):  # pylint: disable=super-init-not-called
        self.spawn(["make", "-s", *args])


def typed(board, line, timeout=None):
    """What a command prints, each byte typed when the last one's echo is there: some UARTs keep one and no more."""
    for byte in line:
        board.send(byte)
        board.expect(re.escape(byte))
    board.send("\r")
    return board.expect_prompt(timeout).splitlines()


def cpus_online(cpus):
    return f"{sum(' online ' in line for line in cpus)} of {sum(' disabled ' not in line for line in cpus)}"


def chips(devices):
    return ", ".join(chip for chip in CHIPS if chip in devices) or "-"


def row(machine, board):
    """The cells of a board at its prompt, as the title names them."""
    devices = [line.split()[0] for line in typed(board, "devices") if line.strip()]
    cpus = [line for line in typed(board, "cpus") if line.startswith("cpu ")]
    uart = next((re.match(r"uart: (\w[\w-]*), ", line) for line in typed(board, "uart") if line.startswith("uart: ")), None)
    return [machine.name, "" if machine.known["DTB"] else "yes", "yes", uart[1] if uart else "sbi",
            cpus_online(cpus), chips(devices),
            ", ".join(power for power in POWERS if power in devices) or "-"]


def suites(board, line="test"):
    """The cell of `test`."""
    found = re.search(r"passed=(\d+) failed=(\d+)", output := "\n".join(typed(board, line, SECONDS)))
    if not found or found[2] != "0":
        print("\n".join(text for text in output.splitlines() if not text.startswith("ok ")), file=sys.stderr)
    return f"{found[2]} failed" if found else "no last line"


def stress(board, seconds=10):
    """The cell of `stress`: all CPUs, or so many operations where there is no timer."""
    output = "\n".join(typed(board, f"stress seconds={seconds}", SECONDS))
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


def board_row(name):
    """(cells, whether nothing failed)"""
    machine = machine_of(name)
    if not machine.emulated():
        return [name, "", NO_QEMU, *[""] * (len(CELLS) - 3)], True
    board = machine.start()
    try:
        board.expect_prompt(SECONDS)
        cells = [*row(machine, board), suites(board), stress(board), poweroff(board)]
        return cells, cells[-3] == "0 failed" and cells[-2].startswith("good")
    except (pexpect.TIMEOUT, pexpect.EOF):
        print(name, board.transcript.getvalue()[-2000:], file=sys.stderr)
        return [name, "", "no", *[""] * (len(CELLS) - 3)], False
    finally:
        board.close()


def variant_row(variant):
    """The same of a variant."""
    name, args = variant.name, [f"BOARD={variant.board}", *variant.variables]
    typed_args = [re.sub(r"=(.* .*)", r'="\1"', arg) for arg in args]
    title = [name, f"`make {' '.join([variant.target, *typed_args])}`"]
    board = Made(variant.target, *args)
    try:
        log = board.expect_prompt(SECONDS)
        said = dict.fromkeys("".join(found) for found in re.findall(r"mmu: (Sv\d+)|entered at (EL\d)", log))
        devices = [line.split()[0] for line in typed(board, "devices") if line.strip()]
        cells = [*title, ", ".join(said), cpus_online([line for line in typed(board, "cpus") if line.startswith("cpu ")]),
                 chips(devices), suites(board, variant.suites), stress(board)]
        return cells, cells[-2] == "0 failed" and cells[-1].startswith("good")
    except pexpect.EOF:
        if re.search(NOT_THERE, board.transcript.getvalue()):
            return [*title, NO_QEMU, "", "", "", ""], True
        print(name, board.transcript.getvalue()[-2000:], file=sys.stderr)
        return [*title, "ended", "", "", "", ""], False
    except pexpect.TIMEOUT:
        print(name, board.transcript.getvalue()[-2000:], file=sys.stderr)
        return [*title, "no prompt", "", "", "", ""], False
    finally:
        board.close()


def with_section(document, heading, text):
    """The document with another text under a heading of it, up to the next one."""
    before, found, after = document.partition(f"## {heading}\n")
    if not found:
        raise ValueError(f"docs/boards.md has no heading '## {heading}': write it where it shall stand")
    following = re.search(r"^## ", after, re.M)
    return f"{before}{found}\n{text}\n{after[following.start():] if following else ''}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--docs", action="store_true")
    parser.add_argument("--jobs", type=int, default=2, help="machines at a time")
    parser.add_argument("names", nargs="*")
    args = parser.parse_args()
    work = [(board_row, name) for name in EMULATED if name in args.names or not args.names]
    variants = [(variant_row, one) for one in VARIANTS if one.name in args.names or not args.names]
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        done = [pool.submit(function, what) for function, what in [*work, *variants]]
        lines = [TITLE]
        for index, one in enumerate(done):
            if index == len(work):
                lines += ["", VARIANT_TITLE]
            lines.append(f"| {' | '.join(one.result()[0])} |")
            print(lines[-1], file=sys.stderr, flush=True)
    print(text := "\n".join(lines) + "\n", end="")
    if args.docs:
        document = ROOT / "docs/boards.md"
        document.write_text(with_section(document.read_text(), qemu_version(), text))
    sys.exit(not all(one.result()[1] for one in done))


if __name__ == "__main__":
    main()
