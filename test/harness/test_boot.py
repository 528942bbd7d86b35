# SPDX-License-Identifier: BSD-2-Clause
"""
From power-on to the prompt: sizes of memory, load addresses, device trees that are wrong, reset and
power-off, and what booting costs.
"""
import re
import subprocess

import pytest

import parse
from board import PROMPT, RAM_BASE, size_of

# A device tree of our own may lie here: behind the image, below QEMU's.
PLACE = 0x84000000
ICOUNT = ["-icount", "shift=0,align=off,sleep=off"]


def log_number(log, pattern):
    match = re.search(pattern, log)
    assert match, f"no line {pattern!r} in the boot log"
    return float(match.group(1))


@pytest.mark.parametrize("memory", ["64M", "128M", "1G", "4G", "16G", "64G"])
def test_memory_size(boot, memory):
    """Boots to the prompt, and every figure agrees with every other."""
    board = boot(memory=memory)
    log = board.expect_prompt()
    assert re.search(r"\] Quarry ", log) and "OpenSBI" in log
    memory_map, reserved = parse.memblock(board.lines("memblock"))
    zones = parse.zoneinfo(board.lines("zoneinfo"))
    assert memory_map == [(RAM_BASE, RAM_BASE + size_of(memory))]
    released = int(log_number(log, r"released (\d+) pages"))
    assert released == parse.free_by_map(memory_map, reserved)
    assert released == sum(zone["managed"] for zone in zones.values())
    assert sum(zone["present"] for zone in zones.values()) == size_of(memory) // parse.PAGE
    for zone in zones.values():
        assert zone["spanned"] >= zone["present"] >= zone["managed"] >= zone["free"]
    assert (zones["NORMAL"]["present"] > 0) == (size_of(memory) > 2 << 30)
    assert log_number(log, r"memmap \d+ bytes \((\d+\.\d+) B/page\)") <= 8.2
    free = parse.free_pages(parse.buddyinfo(board.lines("buddyinfo")))
    assert free == sum(zone["free"] for zone in zones.values())


def test_cost_does_not_depend_on_memory(boot):
    """Instructions from the entry of mm_init() to the first page: within 10 % from 1G to 64G."""
    cost = {}
    for memory in ("1G", "64G"):
        board = boot(memory=memory, extra=ICOUNT)
        cost[memory] = log_number(board.expect_prompt(), r"instret \+(\d+) from the entry of mm_init")
        board.close()
    assert 0 < cost["1G"]
    assert abs(cost["64G"] - cost["1G"]) < cost["1G"] / 10, cost


@pytest.mark.parametrize("address", [0x80200000, 0x84600000, 0x87800000])
def test_load_address(boot, setup, address):
    jump = setup.assemble(f"jump-{address:x}", f"li t0, {address:#x}\njr t0\n")
    options = {} if address == 0x80200000 else {"kernel": jump, "extra": [
        "-device", f"loader,file={setup.image},addr={address:#x},force-raw=on"]}
    board = boot(**options)
    log = board.expect_prompt()
    assert f"loaded at {address:#x}" in log
    assert "ok 1 order.4" in board.cmd("test order.4")


def shim(setup, name, a1):
    """Start the image, loaded elsewhere, with this value in a1."""
    kernel = setup.assemble(f"shim-{name}", f"li a1, {a1:#x}\nli t0, 0x82000000\njr t0\n")
    return {"kernel": kernel, "extra": [
        "-device", f"loader,file={setup.image},addr=0x82000000,force-raw=on"]}


def boot_with_fdt(boot, setup, name, a1, blob=None):
    options = shim(setup, name, a1)
    if blob is not None:
        path = setup.scratch / f"fdt-{name}.dtb"
        path.write_bytes(blob)
        options["extra"] += ["-device", f"loader,file={path},addr={PLACE:#x},force-raw=on"]
    return boot(**options)


@pytest.fixture(scope="module")
def good_fdt(setup):
    path = setup.scratch / f"good-{id(setup)}.dtb"
    subprocess.run([setup.vars["QEMU"], "-M", f"virt,dumpdtb={path}", "-m", "128M", "-display",
                    "none"], check=True, capture_output=True)
    blob = path.read_bytes()
    return blob[:int.from_bytes(blob[4:8], "big")]


def test_a_good_fdt_elsewhere(boot, setup, good_fdt):
    """The means of the cases below is itself sound."""
    board = boot_with_fdt(boot, setup, "good", PLACE, good_fdt)
    assert f"device tree at {PLACE:#x}" in board.expect_prompt()


BAD = {
    "none": (0, None, r"no device tree"),
    "misaligned": (PLACE + 4, lambda fdt: b"\0\0\0\0" + fdt, r"multiple of 8|aligned"),
    "magic": (PLACE, lambda fdt: b"\0\0\0\0" + fdt[4:], r"magic"),
    "truncated": (PLACE, lambda fdt: fdt[:4] + (1000).to_bytes(4, "big") + fdt[8:1000],
                  r"truncated|corrupt|invalid|bad"),
    "oversized": (PLACE, lambda fdt: fdt[:4] + (0x7fffffff).to_bytes(4, "big") + fdt[8:],
                  r"oversized|large|limit"),
    "corrupt": (PLACE, lambda fdt: fdt[:60] + bytes(200) + fdt[260:], r"corrupt|invalid|bad|truncated"),
    "old-version": (PLACE, lambda fdt: fdt[:20] + (1).to_bytes(4, "big") * 2 + fdt[28:],
                    r"(?i)version"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_fdt(boot, setup, good_fdt, name):
    """One line names what is wrong, and the machine stops: never a hang without a word."""
    a1, change, words = BAD[name]
    board = boot_with_fdt(boot, setup, name, a1, change(good_fdt) if change else None)
    before = board.expect(r"panic: [^\n]*\n")
    text = before[before.rindex("Quarry"):] + board.match.group(0)
    assert re.search(words, text), text
    assert "cause" not in text.replace("because", ""), "a trap, not a check, stopped it"
    assert board.process.isalive()
    assert PROMPT not in board.transcript.getvalue()


def test_fdt_without_memory(boot, setup, good_fdt):
    board = boot_with_fdt(boot, setup, "no-memory", PLACE,
                          good_fdt.replace(b"memory\0\0", b"memoyr\0\0").replace(b"memory@", b"memoyr@"))
    before = board.expect(r"panic: [^\n]*\n")
    assert "memory" in before + board.match.group(0)


def test_commands_from_bootargs(boot):
    board = boot(append="alloc 3; buddyinfo; nosuchcommand; poweroff")
    assert board.wait_end() == 0
    text = board.transcript.getvalue()
    assert re.search(r"0x[0-9a-f]+ order 3", text)
    assert "Node 0, zone" in text and "nosuchcommand" in text


def test_poweroff_ends_qemu_with_0(boot):
    board = boot()
    board.expect_prompt()
    board.send("poweroff\r")
    assert board.wait_end() == 0


def test_reboot_comes_up_again(boot):
    board = boot()
    board.expect_prompt()
    first = board.lines("buddyinfo")
    board.lines("alloc 5")
    board.send("reboot\r")
    log = board.expect_prompt()
    assert "OpenSBI" in log and "released" in log
    assert board.lines("buddyinfo") == first


def test_plain_qemu_of_make_run(setup):
    """The line `make run` uses reaches the prompt and ends."""
    done = subprocess.run(["make", "-s", "run", "CMD=meminfo; poweroff"], cwd=str(setup.root),
                          stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300,
                          check=False)
    assert done.returncode == 0, done.stderr
    assert "MemTotal:" in done.stdout
