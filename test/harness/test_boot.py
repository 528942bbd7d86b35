# SPDX-License-Identifier: BSD-2-Clause
"""
From power-on to the prompt: sizes of memory, load addresses, device trees that are wrong, reset and
power-off, and what booting costs.
"""
import re
import subprocess

import pexpect
import pytest

import parse
from board import MIB, PROMPT, end, size_of

# A device tree of our own may lie here, from the start of RAM: behind the image, off QEMU's own.
PLACE = 80 * MIB
ICOUNT = ["-icount", "shift=0,align=off,sleep=off"]


def log_number(log, pattern):
    match = re.search(pattern, log)
    assert match, f"no line {pattern!r} in the boot log"
    return float(match.group(1))


@pytest.mark.parametrize("memory", ["64M", "128M", "1G", "4G", "16G", "64G"])
def test_memory_size(boot, setup, memory):
    """Boots to the prompt, and every figure agrees with every other."""
    board = boot(memory=memory)
    log = board.expect_prompt()
    assert re.search(r"\] Quarry ", log) 
    assert ("OpenSBI" in log) == (setup.isa == "riscv64")
    memory_map, reserved = parse.memblock(board.lines("memblock"))
    zones = parse.zoneinfo(board.lines("zoneinfo"))
    assert memory_map == [(setup.ram_base, setup.ram_base + size_of(memory))]
    released = int(log_number(log, r"released (\d+) pages"))
    assert released == parse.free_by_map(memory_map, reserved)
    assert released == sum(zone["managed"] for zone in zones.values())
    assert sum(zone["present"] for zone in zones.values()) == size_of(memory) // parse.PAGE
    for zone in zones.values():
        assert zone["spanned"] >= zone["present"] >= zone["managed"] >= zone["free"]
    assert (zones["Normal"]["present"] > 0) == (size_of(memory) > setup.dma32)
    assert log_number(log, r"memmap \d+ bytes \((\d+\.\d+) B/page\)") <= 8.25
    free = parse.free_pages(parse.buddyinfo(board.lines("buddyinfo")))
    assert free == sum(zone["free"] for zone in zones.values())


# What the processor counts: arm64's cycles are instructions under -icount alone.
COUNTED = {"riscv64": "instret", "arm64": "cycles"}


def test_cost_does_not_depend_on_memory(boot, setup):
    """Instructions from the entry of mm_init() to the first page: within 10 % from 1G to 64G."""
    cost = {}
    for memory in ("1G", "64G"):
        board = boot(memory=memory, extra=ICOUNT)
        cost[memory] = log_number(board.expect_prompt(), COUNTED[setup.isa] + r" \+(\d+) from the entry of mm_init")
        board.close()
    assert 0 < cost["1G"]
    assert abs(cost["64G"] - cost["1G"]) < cost["1G"] / 10, cost


@pytest.mark.parametrize("offset", [0x200000, 0x4600000, 0x7800000])
def test_load_address(boot, setup, offset):
    address = setup.place(offset)
    board = boot(**({} if address == setup.load else setup.start_at(address)))
    log = board.expect_prompt()
    assert f"loaded at {address:#x}" in log
    assert "ok 1 order.4" in board.cmd("test order.4")


def boot_with_fdt(boot, setup, name, fdt, blob=None):
    """Start the image with this address as its device tree's, and a tree at PLACE."""
    options = setup.start_at(setup.place(32 * MIB), fdt)
    if blob is not None:
        path = setup.scratch / f"fdt-{name}-{setup.isa}.dtb"
        path.write_bytes(blob)
        options["extra"] += [
            "-device", f"loader,file={path},addr={setup.place(PLACE):#x},force-raw=on"]
    return boot(**options)


@pytest.fixture(scope="module")
def good_fdt(setup):
    path = setup.scratch / f"good-{id(setup)}.dtb"
    subprocess.run([*setup.qemu(), "-machine", f"dumpdtb={path}", "-m", "128M", "-display", "none"],
                   check=True, capture_output=True)
    # packed: QEMU for arm64 leaves a MiB of room
    return subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dtb", str(path)], check=True,
                          capture_output=True).stdout


def test_a_good_fdt_elsewhere(boot, setup, good_fdt):
    """The means of the cases below is itself sound."""
    board = boot_with_fdt(boot, setup, "good", setup.place(PLACE), good_fdt)
    assert f"device tree at {setup.place(PLACE):#x}" in board.expect_prompt()


# name: (where the tree is said to be, from PLACE, or None; what is done to it; what must be said)
BAD = {
    "none": (None, None, r"no device tree"),
    "misaligned": (4, lambda fdt: b"\0\0\0\0" + fdt, r"multiple of 8|aligned"),
    "magic": (0, lambda fdt: b"\0\0\0\0" + fdt[4:], r"magic"),
    "truncated": (0, lambda fdt: fdt[:4] + (1000).to_bytes(4, "big") + fdt[8:1000],
                  r"truncated|corrupt|invalid|bad"),
    "oversized": (0, lambda fdt: fdt[:4] + (0x7fffffff).to_bytes(4, "big") + fdt[8:],
                  r"oversized|large|limit"),
    "corrupt": (0, lambda fdt: fdt[:60] + bytes(200) + fdt[260:], r"corrupt|invalid|bad|truncated"),
    "old-version": (0, lambda fdt: fdt[:20] + (1).to_bytes(4, "big") * 2 + fdt[28:],
                    r"(?i)version"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_fdt(boot, setup, good_fdt, name):
    """One line names what is wrong, and the machine stops: never a hang without a word."""
    at, change, words = BAD[name]
    board = boot_with_fdt(boot, setup, name, 0 if at is None else setup.place(PLACE) + at,
                          change(good_fdt) if change else None)
    before = board.expect(r"panic: [^\n]*\n")
    text = before[before.rindex("Quarry"):] + board.match.group(0)
    assert re.search(words, text), text
    assert "cause" not in text.replace("because", ""), "a trap, not a check, stopped it"
    assert board.process.isalive()
    assert PROMPT not in board.transcript.getvalue()


# On arm64 there is no console before a tree with a whole header has named one.
test_bad_fdt.boards = ["qemu-virt-riscv64"]


def test_fdt_without_memory(boot, setup, good_fdt):
    board = boot_with_fdt(boot, setup, "no-memory", setup.place(PLACE),
                          good_fdt.replace(b"memory\0\0", b"memoyr\0\0").replace(b"memory@", b"memoyr@"))
    before = board.expect(r"panic: [^\n]*\n")
    assert "memory" in before + board.match.group(0)


def test_fdt_whose_end_is_under_the_image(boot, setup, good_fdt):
    """The image has overwritten the last bytes of the tree: names of properties, no-map perhaps."""
    image = setup.place(32 * MIB)
    place = (image - len(good_fdt) + 12) & ~7
    options = setup.start_at(image, place)
    path = setup.scratch / f"fdt-tail-{setup.isa}.dtb"
    path.write_bytes(good_fdt[:image - place])
    options["extra"] += ["-device", f"loader,file={path},addr={place:#x},force-raw=on"]
    board = boot(**options)
    board.expect(r"panic: [^\n]*\n")
    assert f"the device tree at {place:#x}, {len(good_fdt)} bytes, reaches into the image at {image:#x}" in \
        board.match.group(0)
    assert PROMPT not in board.transcript.getvalue()


def test_timebase_of_a_cpu_node(boot, setup, good_fdt):
    """timebase-frequency stands in the cpu's node and not in /cpus."""
    text = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts"], input=good_fdt, check=True,
                          capture_output=True).stdout.decode("latin-1")
    line = re.search(r"\t+timebase-frequency = <[^>]*>;\n", text)[0]
    text = text.replace(line, "", 1).replace("cpu@0 {\n", "cpu@0 {\n" + line, 1)
    blob = subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb"], input=text.encode("latin-1"), check=True,
                          capture_output=True).stdout
    board = boot_with_fdt(boot, setup, "timebase", setup.place(PLACE), blob)
    assert "timebase 10000000 Hz" in board.expect_prompt()


test_timebase_of_a_cpu_node.boards = ["qemu-virt-riscv64"]  # arm64's counter says it itself


def test_commands_from_bootargs(boot):
    board = boot(append="alloc 3; buddyinfo; nosuchcommand; poweroff")
    assert board.wait_end() == 0
    text = board.transcript.getvalue()
    assert re.search(r"0x[0-9a-f]+ order 3", text)
    assert "Node 0, zone" in text and "nosuchcommand" in text


@pytest.mark.parametrize("line,ran", [
    ("console=ttyS0,115200 earlycon root=/dev/mmcblk0p2 rw rootwait quiet", []),
    ("reboot=w console=ttyS0; panic=1", []),
    ("alloc3; meminfo", []),
    ("console=ttyS0 root=/dev/sda1 -- alloc 3; nosuch", ["alloc 3", "nosuch"]),
    ('ro quarry.cmd="alloc 1; alloc 2" quiet quarry.cmd=vmstat -- alloc 0', ["alloc 1", "alloc 2", "vmstat", "alloc 0"])])
def test_bootargs_of_linux(boot, line, ran):
    """A line whose first word is no command is Linux's: only what is marked as ours runs."""
    board = boot(append=line)
    board.expect("devices bound")  # the firmware before us drops what is typed
    board.send("cpus\r")  # runs behind them
    board.expect(r"\ntimebase \d+ Hz")
    text = board.transcript.getvalue().replace("\r", "")
    assert re.findall(r"(?m)^quarry> (.+)$", text)[:-1] == ran
    assert text.count("unknown command") == ran.count("nosuch")
    assert text.count("bootargs: passed over") == (not ran)


def test_poweroff_ends_qemu_with_0(boot):
    board = boot()
    board.expect_prompt()
    board.send("poweroff\r")
    assert board.wait_end() == 0


def test_reboot_comes_up_again(boot, setup):
    board = boot()
    board.expect_prompt()
    first = board.lines("buddyinfo")
    board.lines("alloc 5")
    board.send("reboot\r")
    log = board.expect_prompt()
    assert ("OpenSBI" in log) == (setup.isa == "riscv64") and "released" in log
    assert board.lines("buddyinfo") == first


def test_plain_qemu_of_make_run(setup):
    """The line `make run` uses reaches the prompt and ends."""
    done = subprocess.run(["make", "-s", "run", f"BOARD={setup.board}", "CMD=meminfo; poweroff"], cwd=str(setup.root),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert "MemTotal:" in done.stdout


def test_the_board_of_the_porting_guide(setup):
    """boards/qemu-sifive-u, on the SBI's console: its tree is another, the image is the same."""
    process = pexpect.spawn("make", ["-s", "run", "BOARD=qemu-sifive-u", "CMD=devices; test order"],
                            cwd=str(setup.root), encoding="latin-1", timeout=120)
    try:
        process.expect("# quarry: passed=12 failed=0")
        assert "/soc/interrupt-controller@c000000" in process.before and "ns16550a" not in process.before
    finally:
        end(process)


test_the_board_of_the_porting_guide.boards = ["qemu-virt-riscv64"]
