# SPDX-License-Identifier: BSD-2-Clause
"""
The small devices and what all devices have in common: the clock, the emulator's files, the UART at full speed, and that
nothing is held once every driver has left; the driver that docs/drivers.md explains.
"""
import datetime
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import zlib

import pexpect.fdpexpect
import pytest

import ktap
from board import MIB, ROOT, Board
from test_smp import tree_with

UTC = datetime.timezone.utc
CLOCK = {"riscv64": "rtc@", "arm64": "pl031@"}
RING = 16384  # bytes: drivers/serial/uart.c


# ---- trees ------------------------------------------------------------------------------------

def tree(setup, name, change):
    """Options of Board: QEMU's own tree for the board, changed as text."""
    base = setup.scratch / f"devices-{name}-{setup.isa}-{os.getpid()}"
    subprocess.run([*setup.qemu(), "-machine", f"dumpdtb={base}.raw", "-smp", "1", "-m", "128M",
                    "-display", "none"], check=True, capture_output=True)
    text = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", f"{base}.raw"], check=True,
                          capture_output=True, text=True).stdout
    changed = change(text)
    assert changed != text
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", f"{base}.dtb", "-"], check=True,
                   input=changed, text=True)
    return setup.with_fdt(f"{base}.dtb", "128M")


def node(text, name):
    """The part of the tree's text that is the (flat) node whose name begins so: its start and end."""
    start = re.search(rf"(?m)^\s*{re.escape(name)}\S* \{{", text).start()
    return start, text.index("};", start) + 2


def disabled(name):
    """A change: the node is not for us."""
    def change(text):
        start, stop = node(text, name)
        return text[:start] + text[start:stop].replace("{", '{\nstatus = "disabled";', 1) + text[stop:]
    return change


def moved(name, to, size=None):
    """A change: the node's registers are said to be where another node's are."""
    def change(text):
        other = text[slice(*node(text, to))]
        base, length = re.search(r"reg = <0x0*(?: 0x0*|)?0 ?(0x[0-9a-f]+) 0x0+ (0x[0-9a-f]+)", other).groups()
        start, stop = node(text, name)
        part = re.sub(r"reg = <[^>]*>", f"reg = <0 {base} 0 {size or length}>", text[start:stop])
        return text[:start] + part + text[stop:]
    return change


# ---- the clock --------------------------------------------------------------------------------

def date(board):
    line, = board.lines("date")
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", line), line
    return datetime.datetime.strptime(line, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC)


def now():
    return datetime.datetime.now(UTC).replace(microsecond=0)


def test_date_is_the_hosts(boot):
    board = boot(extra=["-rtc", "base=utc"])
    board.expect_prompt()
    before = now()
    seen = date(board)
    assert before - datetime.timedelta(seconds=1) <= seen <= now() + datetime.timedelta(seconds=1)
    time.sleep(3)
    assert 2 <= (date(board) - seen).total_seconds() <= 60


@pytest.mark.parametrize("base", ["2030-01-02T03:04:05", "2000-02-29T23:59:50", "2024-12-31T23:59:00"])
def test_date_as_set(boot, base):
    board = boot(extra=["-rtc", f"base={base}"])
    board.expect_prompt()
    start = datetime.datetime.fromisoformat(base).replace(tzinfo=UTC)
    assert 0 <= (date(board) - start).total_seconds() <= 60


def test_no_clock(boot, setup):
    board = boot(**tree(setup, "no-clock", disabled(CLOCK[setup.isa])))
    board.expect_prompt()
    assert board.lines("date") == ["date: this board has no clock that a driver knows"]


def test_clock_that_is_something_else(boot, setup):
    """Registers of another device: an identification that is not the clock's, or too few registers."""
    if setup.isa == "arm64":
        change, said = moved("pl031@", "pl011@"), r"pl031 \S+: part number 0x11, not PL031's"
    else:
        change, said = moved("rtc@", "rtc@", "0x10"), r"goldfish-rtc \S+: not usable: Invalid"
    board = boot(**tree(setup, "wrong-clock", change))
    assert re.search(said, board.expect_prompt())
    assert board.lines("date") == ["date: this board has no clock that a driver knows"]
    assert "shutdown: without drivers buddyinfo is the boot picture" in board.lines("shutdown")


# ---- the emulator's files ---------------------------------------------------------------------

@pytest.fixture(scope="module")
def large(setup):
    """A file of more than 1 MiB and no round size."""
    path = setup.scratch / f"large-{setup.isa}-{os.getpid()}.bin"
    path.write_bytes(os.urandom(3 * MIB + 17))
    return path


def takes_files(setup):
    """QEMU for RISC-V makes the device too late for -fw_cfg before version 8."""
    done = subprocess.run([*setup.qemu(), "-fw_cfg", "name=opt/x,string=y", "-display", "none", "-S",
                           "-monitor", "stdio"], input="quit\n", text=True, capture_output=True, check=False)
    return done.returncode == 0


def test_files(boot, setup, large):
    mine = takes_files(setup)
    extra = ["-fw_cfg", "name=opt/org.quarry/test,string=a string, no more", "-fw_cfg",
             f"name=opt/org.quarry/large,file={large}"]
    extra[1] = extra[1].replace(", ", ",, ")
    board = boot(extra=extra if mine else [])
    board.expect_prompt()
    files = {}
    heading, *lines = board.lines("fwcfg")
    assert heading.split() == ["key", "size", "file"]
    for line in lines:
        key, size, name = re.fullmatch(r"([0-9a-f]{4}) +(\d+) (\S+)", line).groups()
        files[name] = int(size)
        assert int(key, 16) >= 0x20
    assert "bootorder" in files
    value, = [line for line in board.lines("fwcfg etc/boot-fail-wait") if "crc32" not in line]
    assert re.fullmatch(r"([0-9a-f]{2} ){3}[0-9a-f]{2}", value)
    assert board.lines("fwcfg bootorder") == ["bootorder: 0 bytes, crc32 0x00000000"]
    if mine:
        assert files["opt/org.quarry/test"] == 17
        crc = zlib.crc32(b"a string, no more")
        assert board.lines("fwcfg opt/org.quarry/test") == [
            "a string, no more", f"opt/org.quarry/test: 17 bytes, crc32 {crc:#010x}"]
        data = large.read_bytes()
        assert files["opt/org.quarry/large"] == len(data)
        lines = board.lines("fwcfg opt/org.quarry/large")
        assert bytes.fromhex("".join(lines[:16])) == data[:256]
        assert lines[16:] == [f"opt/org.quarry/large: {len(data)} bytes, crc32 {zlib.crc32(data):#010x}"]
    assert board.lines("fwcfg opt/nosuch") == ["fwcfg: there is no file 'opt/nosuch'; 'fwcfg' lists them"]
    assert "shutdown: without drivers buddyinfo is the boot picture" in board.lines("shutdown")


def test_files_device_without_signature(boot, setup):
    """The tree says it is where another device is: nothing is written there, and there are no files."""
    board = boot(**tree(setup, "wrong-fwcfg", moved("fw-cfg@", CLOCK[setup.isa])))
    assert re.search(r"fw-cfg \S+: no signature of a DMA interface: left alone", board.expect_prompt())
    assert board.lines("fwcfg") == ["fwcfg: this machine has none"]
    assert board.lines("fwcfg x") == ["fwcfg: this machine has none"]
    date(board)
    assert "shutdown: without drivers buddyinfo is the boot picture" in board.lines("shutdown")


def test_files_device_that_never_answers(boot, setup):
    """
    The tree says that the device sees memory where there is none, so its answer never comes. It has no reset, so
    the page that it was told of stays its own, that one page however often its driver is bound, and this is said.
    """
    def change(text):
        start, stop = node(text, "fw-cfg@")
        hole = (f"#address-cells = <2>; #size-cells = <2>; "
                f"dma-ranges = <0x10 0 0 {setup.ram_base:#x} 0 {0x80000000:#x}>;")
        return text[:stop - 2] + hole + text[stop - 2:]

    board = boot(**tree(setup, "silent-fwcfg", change))
    log = board.expect_prompt()
    assert re.search(r"fw-cfg \S+: not usable: Connection timed out", log)
    assert re.search(r"fw-cfg \S+: 1 pages are kept from the allocator: the device may still write them", log)
    assert board.lines("fwcfg") == ["fwcfg: this machine has none"]
    assert board.lines("dma")[2].endswith("may still write: 1, kept from the allocator")
    for _ in range(2):
        log = board.cmd("shutdown")
        assert re.search(r"fw-cfg \S+: it did not answer before: not asked again", log)
        assert "1 pages are kept: a device may still write them" in log
        assert "shutdown: without drivers buddyinfo is the boot picture" in log
    date(board)


# ---- the UART ---------------------------------------------------------------------------------

class SocketBoard(Board):
    """The same machine with its serial line on a socket: no terminal between."""

    def __init__(self, setup):
        self.folder = tempfile.mkdtemp()
        path = os.path.join(self.folder, "serial")
        self.machine = subprocess.Popen(
            [*setup.qemu(), "-smp", "1", "-m", "128M", "-kernel", str(setup.image), "-display", "none",
             "-monitor", "none", "-chardev", f"socket,id=con,path={path},server=on,wait=on", "-serial",
             "chardev:con"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        self.line = socket.socket(socket.AF_UNIX)
        for _ in range(600):
            try:
                self.line.connect(path)
                break
            except OSError:
                time.sleep(0.1)
        self.timeout = 600
        self.process = pexpect.fdpexpect.fdspawn(self.line.fileno(), encoding="latin-1", timeout=600)

    def send(self, text):
        self.line.sendall(text.encode("latin-1"))

    def close(self):
        self.line.close()
        self.machine.kill()
        self.machine.wait()
        shutil.rmtree(self.folder)


@pytest.fixture
def on_socket(setup):
    board = SocketBoard(setup)
    yield board
    board.close()


def transfer(board, data, slow=""):
    """Send it as fast as it goes; what the machine says it got: {name: number}."""
    board.send(f"uart receive {len(data)} {slow}".rstrip() + "\r")
    board.expect(rf"ready for {len(data)} bytes\r+\n")
    board.send(data.decode("latin-1"))
    said = board.expect_prompt(timeout=600)
    got = re.search(r"uart: (\d+) of (\d+) bytes, crc32 0x([0-9a-f]{8}), overruns (\d+), bad (\d+), "
                    r"throttled (\d+), (\d+) ms", said)
    assert got, said
    assert int(got[1]) == int(got[2]) == len(data)
    assert int(got[3], 16) == zlib.crc32(data)
    assert (int(got[4]), int(got[5])) == (0, 0)
    return int(got[6])


def test_input_at_full_speed(on_socket, setup):
    """1 MiB of any bytes, not paced: all of it arrives, and the console works on."""
    on_socket.expect_prompt()
    transfer(on_socket, os.urandom(MIB))
    counts, = on_socket.lines("uart")
    found = re.fullmatch(rf"uart: {setup.uart}, ring {RING} bytes, by interrupt, received (\d+), "
                         r"overruns 0, bad 0, throttled \d+", counts)
    assert found and int(found[1]) > MIB


def test_input_on_a_terminal(boot):
    """All byte values, in order and at random: nothing between takes one for itself."""
    board = boot()
    board.expect_prompt()
    transfer(board, bytes(range(256)) * 4)
    for data in (b"\x1b", b"a\x1b[", b"\x1b[24;8", b"x\x1b[24;80R"):  # as a terminal's answer begins, and one
        transfer(board, data)
    transfer(board, os.urandom(16384))


def test_slow_reader(on_socket):
    """
    One that reads only when the ring is full: the driver leaves the rest in the FIFO, and the sender waits.
    Every ring's fill, there is one throttle at least.
    """
    on_socket.expect_prompt()
    assert transfer(on_socket, os.urandom(4 * RING), "slow") >= 3
    assert transfer(on_socket, os.urandom(RING - 1), "slow") == 0
    assert transfer(on_socket, os.urandom(1)) == 0


def test_polled_uart(boot, setup):
    """No interrupt in the tree: a line of log, and input by polling."""
    def change(text):
        start, stop = node(text, {"riscv64": "serial@", "arm64": "pl011@"}[setup.isa])
        return text[:start] + re.sub(r"\binterrupts = [^;]*;", "", text[start:stop]) + text[stop:]
    board = boot(**tree(setup, "polled", change))
    assert "no interrupt" in board.expect_prompt() and ": polling" in board.transcript.getvalue()
    assert re.fullmatch(rf"uart: {setup.uart}, ring {RING} bytes, polled: the device tree names no interrupt for it, received \d+, .*",
                        board.lines("uart")[0])
    transfer(board, os.urandom(4096))


@pytest.mark.parametrize("line", ["uart x", "uart receive", "uart receive x", "uart receive 5 fast",
                                  "uart receive 99999999999", "date now", "fwcfg a b", "fwcfg nosuch",
                                  "shutdown now"])
def test_error_is_one_line(console, line):
    before = console.lines("buddyinfo"), console.lines("devices")
    assert len(console.lines(line)) == 1
    assert (console.lines("buddyinfo"), console.lines("devices")) == before


# ---- all of them ------------------------------------------------------------------------------

def plugged(setup, smp):
    disk = setup.scratch / f"disk-{setup.isa}-{os.getpid()}.img"
    with open(disk, "wb") as image:
        image.truncate(MIB)
    return ["-smp", str(smp), "-drive", f"file={disk},format=raw,if=none,id=d0",
            "-device", "virtio-blk-device,drive=d0", "-device", "virtio-rng-device", "-device", "edu"]


@pytest.mark.parametrize("smp", [1, 3])
@pytest.mark.parametrize("memory", ["128M", "1G"])
def test_shutdown_gives_everything_back(boot, setup, subresults, smp, memory):
    board = boot(memory=memory, extra=plugged(setup, smp))
    board.expect_prompt()
    devices = board.lines("devices")
    assert len(devices) > 8, devices
    for _ in range(3):
        lines = board.lines("shutdown", timeout=300)
        assert lines[-1] == "shutdown: without drivers buddyinfo is the boot picture", lines
        pictures = [line.split(maxsplit=1) for line in lines if line.startswith(("boot ", "now "))]
        assert [name for name, _ in pictures] == ["boot", "boot", "now", "now"]
        if smp == 1:
            assert pictures[0][1] == pictures[2][1] and pictures[1][1] == pictures[3][1]
        assert board.lines("devices") == devices
    results = ktap.check(board.cmd("test drivers", timeout=400))
    assert {r.name: r.passed is None for r in results} == {
        "drivers.shutdown": False, "drivers.uart_noise": False, "drivers.busy": smp == 1, "drivers.stuck": smp == 1}
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])
    date(board)
    transfer(board, os.urandom(1000))


@pytest.mark.parametrize("smp", [1, 2])
def test_probes_that_get_no_memory(boot, setup, smp):
    """
    Every n-th request of the probes is refused: whichever drivers cannot start then, all is given back; and with memory
    again all of them are there again.
    """
    board = boot(extra=plugged(setup, smp))
    board.expect_prompt()
    devices, fewer = board.lines("devices"), 0
    for every in range(1, 16):
        board.lines(f"fail every={every}")
        assert board.lines("shutdown", timeout=300)[-1].endswith("is the boot picture")
        board.lines("fail off")
        fewer += len(board.lines("devices")) < len(devices)
        assert board.lines("shutdown", timeout=300)[-1].endswith("is the boot picture")
        assert board.lines("devices") == devices
    assert fewer >= 10


def test_shutdown_with_a_cpu_that_is_not_there(boot, setup):
    """The firmware refuses to start it, so its memory goes to the allocator, after the boot picture was taken."""
    dtb = tree_with(setup, "shutdown", lambda text: text)  # for two CPUs
    board = boot(**(setup.with_fdt(dtb, "128M")))
    board.expect_prompt()
    for _ in range(2):
        lines = board.lines("shutdown", timeout=300)
        assert lines[-1] == "shutdown: without drivers buddyinfo is the boot picture", lines
        assert any(re.fullmatch(r"\d+ pages came from CPUs that did not start", line) for line in lines)


# OpenSBI takes a CPU of the tree for one that will come, so nothing goes back
test_shutdown_with_a_cpu_that_is_not_there.boards = ["qemu-virt-arm64"]


@pytest.mark.parametrize("gic", [2, 3])
def test_shutdown_with_either_gic(boot, setup, gic):
    board = boot(extra=["-smp", "2", "-M", f"gic-version={gic}"])
    board.expect_prompt()
    for _ in range(3):
        assert "is the boot picture" in board.lines("shutdown", timeout=300)[-1]
    assert not [r for r in ktap.check(board.cmd("test smp", timeout=400)) if r.passed is False]


test_shutdown_with_either_gic.boards = ["qemu-virt-arm64"]


# ---- the documentation ------------------------------------------------------------------------

def test_the_driver_explained_is_the_driver_there():
    """The C blocks of that section of docs/drivers.md, one after the other, are the file."""
    text = (ROOT / "docs/drivers.md").read_text()
    section = re.search(r"(?ms)^## A whole driver$(.*?)^## ", text)[1]
    blocks = re.findall(r"(?s)```c\n(.*?)```", section)
    assert len(blocks) > 3
    assert "\n".join(blocks) == (ROOT / "drivers/rtc/goldfish_rtc.c").read_text()
