# SPDX-License-Identifier: BSD-2-Clause
"""
A board under QEMU and its console, driven as a user drives it: through the serial line and nothing
else. The QEMU command is the board's own (boards/<board>/board.mk), the one `make run` uses.
"""
import io
import os
import re
import signal
import threading
import time
import subprocess
from pathlib import Path

import pexpect

ROOT = Path(__file__).resolve().parents[2]
PROMPT = "quarry> "
TIMEOUT = 120  # seconds; two emulated machines share two CPUs
MIB = 1 << 20
BOARDS = os.environ.get("TEST_BOARDS", "qemu-virt-riscv64 qemu-virt-arm64").split()


def make(*args):
    """Run make in the tree, its output as text."""
    done = subprocess.run(["make", "-s", "--no-print-directory", *args], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        raise RuntimeError(f"make {' '.join(args)}: {done.stdout}{done.stderr}")
    return done.stdout


def make_variables(board, *names):
    """What make knows of a board: {name: value}."""
    rule = "".join(f"$(info {name}=$({name}))" for name in names)
    text = make(f"BOARD={board}", f"--eval=harness-variables:; {rule}@:", "harness-variables")
    return dict(line.split("=", 1) for line in text.splitlines() if "=" in line)


def size_of(text):
    """Bytes of QEMU's 64M, 4G."""
    return int(text[:-1]) * {"M": MIB, "G": 1024 * MIB}[text[-1]]


# What the harness knows of the boards' machines and must not learn from what it tests.
RAM_BASE = {"riscv64": 0x80000000, "arm64": 0x40000000}
UART = {"riscv64": "ns16550a", "arm64": "pl011"}

# Start the image at `address` with `fdt` as its device tree; without one, with what the loader passed.
JUMP = {"riscv64": "{fdt}li t0, {address:#x}\njr t0\n",
        "arm64": "{fdt}ldr x16, ={address:#x}\nbr x16\n"}
PASS_FDT = {"riscv64": "li a1, {:#x}\n", "arm64": "ldr x0, ={:#x}\n"}


def end(process):
    """End a process of pexpect's. QEMU takes seconds to give gigabytes back: wait for it."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        if process.isalive():
            process.kill(sign)
        deadline = time.monotonic() + 60
        while process.isalive() and time.monotonic() < deadline:
            time.sleep(0.05)
    process.close(force=True)


class Setup:
    """What the tests need to know about the tree and a board, found once."""

    def __init__(self, board):
        self.root = ROOT
        self.board = board
        names = ("ISA", "QEMU", "QEMU_ARGS", "OUT", "HOST", "O", "CROSS", "MARCH", "RAM_LOAD")
        self.vars = make_variables(board, *names)
        self.isa = self.vars["ISA"]
        self.ram_base = RAM_BASE[self.isa]
        self.dma32 = (4096 * MIB) - self.ram_base  # bytes of RAM below 4 GiB
        self.load = int(self.vars["RAM_LOAD"], 16)
        self.uart = UART[self.isa]
        self.out = ROOT / self.vars["OUT"]
        self.host = ROOT / self.vars["HOST"]
        self.scratch = ROOT / self.vars["O"] / "test"
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.image = self.out / "quarry.bin"

    def searching(self):
        """The image as a board with TREE_SEARCH has it: arm64 looks for a tree that nobody passes."""
        image = bytearray(self.image.read_bytes())
        image[48] = 1
        path = self.scratch / f"searching-{self.board}-{os.getpid()}.bin"
        path.write_bytes(image)
        return path

    def qemu(self):
        return [self.vars["QEMU"], *self.vars["QEMU_ARGS"].split()]

    def place(self, offset):
        """An address in RAM."""
        return self.ram_base + offset

    def random_ram(self, size, ranges=None):
        """
        A file to back RAM with: random bytes at `ranges` (offset, size), or all over. Each MiB is
        the one before it turned by some bytes, so a machine never finds zeros where it looks.
        """
        ranges = ranges or [(0, size)]
        key = "-".join(f"{offset // MIB}+{length // MIB}" for offset, length in ranges)
        path = self.scratch / f"ram-{size // MIB}-{key}.img"
        if path.exists():
            return path
        part = path.with_suffix(f".{os.getpid()}.{threading.get_ident()}")
        block = os.urandom(MIB)
        with open(part, "wb") as image:
            image.truncate(size)
            for offset, length in ranges:
                image.seek(offset)
                for i in range(length // MIB):
                    turn = (i * 4099 + 1) % MIB
                    image.write(block[turn:] + block[:turn])
        part.rename(path)
        return path

    def assemble(self, name, source):
        """A few instructions as a flat binary."""
        path = self.scratch / f"{name}-{self.isa}.{os.getpid()}"
        cross = self.vars["CROSS"]
        subprocess.run([f"{cross}as", f"-march={self.vars['MARCH']}", "-o", f"{path}.o", "-"],
                       input=source, text=True, check=True)
        subprocess.run([f"{cross}objcopy", "-O", "binary", "-j", ".text", f"{path}.o",
                        f"{path}.bin"], check=True)
        os.unlink(f"{path}.o")
        return f"{path}.bin"

    def start_at(self, address, fdt=None):
        """Options of Board: the image is loaded to this address and started with this device tree."""
        code = JUMP[self.isa].format(address=address,
                                     fdt="" if fdt is None else PASS_FDT[self.isa].format(fdt))
        return {"kernel": self.assemble(f"jump-{address:x}-{fdt or 0:x}", code), "extra": [
            "-device", f"loader,file={self.image},addr={address:#x},force-raw=on"]}

    def with_fdt(self, path, memory):
        """
        Options of Board: this device tree and no other. QEMU for arm64 would change the memory in a tree it
        is given with -dtb, so there it is put into RAM, near the end.
        """
        if self.isa == "riscv64":
            return {"extra": ["-dtb", str(path)]}
        place = self.ram_base + min(size_of(memory), self.dma32) - 4 * MIB
        options = self.start_at(self.load, place)
        options["extra"] += ["-device", f"loader,file={path},addr={place:#x},force-raw=on"]
        return options


def ram_options(setup, memory):
    """
    RAM that holds random bytes. What is larger than 1 GiB has them where the image, the device tree,
    the metadata and both zones' edges lie; from 16 GiB on RAM is only reserved address space.
    """
    size = size_of(memory)
    if size >= 16 * 1024 * MIB:
        backend = f"memory-backend-ram,id=ram,size={memory},reserve=off"
    else:
        ranges = None
        if size > 1024 * MIB:
            ranges = [(0, 128 * MIB), (size // 2 - 32 * MIB, 64 * MIB), (size - 64 * MIB, 64 * MIB)]
            if size > setup.dma32:
                ranges.append((setup.dma32 - 32 * MIB, 64 * MIB))
        image = setup.random_ram(size, sorted(set(ranges)) if ranges else None)
        backend = f"memory-backend-file,id=ram,size={memory},mem-path={image},share=off"
    return ["-m", memory, "-object", backend, "-machine", "memory-backend=ram"]


class Board:
    """One machine, from power-on to its end."""

    def __init__(self, setup, memory="128M", kernel=None, append=None, extra=(), timeout=TIMEOUT):
        args = [*setup.qemu(), "-smp", "1", *ram_options(setup, memory),
                "-kernel", str(kernel or setup.image), "-display", "none", "-monitor", "none",
                "-chardev", "stdio,id=con,signal=off", "-serial", "chardev:con", *extra]
        if append is not None:
            args += ["-append", append]
        self.spawn(args, timeout)

    def spawn(self, args, timeout=TIMEOUT):
        self.timeout = timeout
        self.transcript = io.StringIO()
        self.process = pexpect.spawn(args[0], args[1:], cwd=str(ROOT), encoding="latin-1",
                                     echo=False, timeout=timeout, maxread=65536)
        self.process.delaybeforesend = None
        self.process.logfile_read = self.transcript

    def expect(self, pattern, timeout=None):
        """Wait for a regular expression; the text before it. The match is in self.match."""
        self.process.expect(pattern, timeout=timeout or self.timeout)
        self.match = self.process.match
        return self.process.before

    def expect_prompt(self, timeout=None):
        """Wait for the prompt at the start of a line; the text before it."""
        return self.expect(r"\n" + PROMPT, timeout).replace("\r", "")

    def send(self, text):
        self.process.send(text)

    def cmd(self, line, timeout=None):
        """Type a command; what it printed, without its echo."""
        self.send(line + "\r")
        output = self.expect_prompt(timeout)
        echo, _, rest = output.partition("\n")
        assert line in echo, f"the console echoed {echo!r} for {line!r}"
        return rest + "\n" if rest else ""

    def keys(self, keys):
        """Press keys, then Enter; the lines printed after the one edited."""
        self.send(keys + "\r")
        return [line for line in self.expect_prompt().partition("\n")[2].split("\n") if line]

    def lines(self, line, timeout=None):
        """The same as lines, those of the log left out."""
        return [text for text in self.cmd(line, timeout).splitlines()
                if text and not re.match(r"\[ *\d+\.\d+\] ", text)]

    def wait_end(self, timeout=60):
        """Wait for QEMU to end; its exit status."""
        self.process.expect(pexpect.EOF, timeout=timeout)
        self.process.wait()
        return self.process.exitstatus

    def close(self):
        """End this machine, and no other."""
        end(self.process)
