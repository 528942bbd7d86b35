# SPDX-License-Identifier: BSD-2-Clause
"""Memory that the device tree at first hides or reserves, and memory that it marks hotpluggable (FEATURES rows 5 and 10)."""
import re
import subprocess

import pytest

MIB = 1 << 20
BLOCK = 4 * MIB


def tree(setup, name, more, first="", cpus="1"):
    """The board's own tree for 128 MiB, and what is added to it, after its first line and at its end, in a file."""
    base = setup.scratch / f"hotplug-{name}-{setup.isa}"
    subprocess.run([*setup.qemu(), "-machine", f"dumpdtb={base}.raw.dtb", "-m", "128M", "-smp", cpus, "-display", "none"],
                   check=True, capture_output=True)
    source = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", f"{base}.raw.dtb"], check=True,
                            capture_output=True, text=True).stdout
    source = source.replace("/dts-v1/;", f"/dts-v1/;{first}", 1)
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", f"{base}.dtb", "-"], check=True, input=source + more,
                   text=True)
    return f"{base}.dtb"


def kib(board, name):
    return int(re.search(rf"{name}: +(\d+) kB", "\n".join(board.lines("meminfo")))[1])


def rows(board):
    """[(base, absent, offline, online)]"""
    return [(int(w[0], 16), int(w[2]), int(w[3]), int(w[4])) for w in (line.split() for line in board.lines("mem")[1:])]


def test_hidden_memory(boot, setup):
    """It comes block by block, is allocated from, and goes again; what holds a page of it is named."""
    at = setup.ram_base + 128 * MIB
    blob = tree(setup, "hidden", f'/ {{ chosen {{ bootargs = "mem_hotadd=64M@{at:#x}"; }}; }};')
    board = boot(memory="256M", **setup.with_fdt(blob, "128M"))
    board.expect_prompt()
    cost = re.search(r"mem: what may come and go costs (\d+) bytes", board.transcript.getvalue())
    assert 8 * 16384 <= int(cost[1]) <= 8.3 * 16384
    total = kib(board, "MemTotal")
    assert rows(board) == [(at, 16, 0, 0)]
    assert board.lines(f"mem online {at:#x}") == [f"mem: block {at:#x} is absent, not offline"]
    assert board.lines(f"mem add {at:#x} {64 * MIB:#x}") == []
    assert board.lines(f"mem add {at:#x}") == [f"mem: block {at:#x} is offline, not absent"]
    assert board.lines(f"mem online {at:#x} {16 * MIB:#x}") == []
    assert rows(board) == [(at, 0, 12, 4)] and kib(board, "MemTotal") == total + 16 * 1024
    (first,) = board.lines(f"range {at + BLOCK:#x} 1024")
    assert first == f"{at + BLOCK:#x} pages 1024"
    (line,) = board.lines(f"mem offline {at:#x} {16 * MIB:#x}")
    assert line.startswith(f"mem: page {at + BLOCK:#x} stays: ")
    assert kib(board, "MemTotal") == total + 16 * 1024
    assert board.lines(f"free {at + BLOCK:#x}") == []
    assert board.lines(f"mem remove {at:#x}") == [f"mem: block {at:#x} is online, not offline"]
    assert "0 mismatches, buddyinfo as before" in board.cmd("stress ops=20000")
    assert board.lines(f"mem offline {at:#x} {16 * MIB:#x}") == []
    assert kib(board, "MemTotal") == total
    assert board.lines(f"mem remove {at:#x} {64 * MIB:#x}") == []
    assert rows(board) == [(at, 16, 0, 0)]
    for words in (f"add {at + 1:#x}", f"add {at:#x} 5", "add x", f"add {at + 60 * MIB:#x} {8 * MIB:#x}", "add", "lose 0"):
        assert len(board.lines(f"mem {words}")) >= 1 and rows(board) == [(at, 16, 0, 0)]


def test_hotpluggable(boot, setup):
    """Memory that the tree marks is online, holds nothing of boot's, and can go."""
    at = setup.ram_base + 128 * MIB
    node = f'/ {{ memory@{at:x} {{ device_type = "memory"; reg = <0 {at:#x} 0 {32 * MIB:#x}>; hotpluggable; }}; }};'
    board = boot(memory="256M", **setup.with_fdt(tree(setup, "marked", node), "128M"))
    board.expect_prompt()
    total = kib(board, "MemTotal")
    assert rows(board) == [(at, 0, 0, 8)]
    assert board.lines(f"mem offline {at:#x} {32 * MIB:#x}") == []
    assert rows(board) == [(at, 0, 8, 0)] and kib(board, "MemTotal") == total - 32 * 1024
    assert board.lines(f"mem online {at:#x} {32 * MIB:#x}") == [] and kib(board, "MemTotal") == total


@pytest.mark.parametrize("args,line", [
    ("64M", "is a list of SIZE@START"), ("64M@0x1000", "bytes at 0x1000: not a multiple of 4 MiB"),
    ("4M@%#x", "a part of it is memory already, or reserved"), ("4M@x", "is a list of SIZE@START")])
def test_wrong_bootargs(boot, setup, args, line):
    board = boot(append="mem_hotadd=" + (args % setup.ram_base if "%" in args else args))
    board.expect_prompt()
    assert rows(board) == [] and line in board.transcript.getvalue()


RESERVED = """
/ { reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;
    logo@%x { reg = <0 %#x 0 0x180000>; };
    secret@%x { no-map; reg = <0 %#x 0 0x100000>; };
    ring@%x { compatible = "ramoops"; reg = <0 %#x 0 0x100000>; };
    mmode_resv7@%x { reg = <0 %#x 0 0x100000>; };
}; };
"""


def test_free_late(boot, setup):
    """What the tree reserves and nobody needs any more is given to the allocator; what somebody has is not."""
    listed, logo, secret, ring, firmware = (setup.ram_base + mib * MIB for mib in (72, 80, 88, 96, 104))
    blob = tree(setup, "late", RESERVED % (logo, logo, secret, secret, ring, ring, firmware, firmware),
                f"/memreserve/ {listed:#x} 0x10000;", cpus="3")
    options = setup.with_fdt(blob, "128M")
    board = boot(memory="128M", **{**options, "extra": [*options["extra"], "-smp", "3"]})
    board.expect_prompt()
    image, tree_at = (int(re.search(rf"{what} at (0x[0-9a-f]+)", board.transcript.getvalue())[1], 16)
                      for what in ("loaded", "device tree"))

    def total_free():
        board.lines("drain")  # the caches of CPUs that had to rest are empty
        return kib(board, "MemTotal"), kib(board, "MemFree")

    total = kib(board, "MemTotal")
    kept = "free_late: not within one reservation of the tree that may end"
    for at, pages in ((secret, 1), (ring, 1), (firmware, 1), (image, 1), (tree_at, 1), (logo + MIB, 257), (logo - 4096, 2), (listed, 17),
                      (setup.ram_base + 64 * MIB, 1)):
        assert board.lines(f"free_late {at:#x} {pages}") == [kept], hex(at)
    for words in ("", f"{logo:#x}", f"{logo + 1:#x} 1", f"{logo:#x} 0", f"{logo:#x} x", f"{logo:#x} {1 << 60:#x}"):
        assert len(board.lines(f"free_late {words}")) == 1, words
    board.lines("stress background")
    assert board.lines(f"free_late {logo:#x} 1") == ["free_late: CPU 1 is at work"]
    assert "0 mismatches" in board.cmd("stress stop")
    assert kib(board, "MemTotal") == total
    free = total_free()[1]
    # a part from its middle, then the rest; each page once
    given = 0
    for at, pages in ((logo + 65536, 100), (logo, 16), (logo + 65536 + 409600, 384 - 116), (listed, 16)):
        assert board.lines(f"free_late {at:#x} {pages}") == [f"{at:#x} pages {pages}"]
        given += 4 * pages
        assert total_free() == (total + given, free + given)
    assert board.lines(f"free_late {logo:#x} 1") == ["free_late: a page was released before, or is the allocator's own"]
    assert board.lines(f"range {logo:#x} 384") == [f"{logo:#x} pages 384"]
    assert board.lines(f"free {logo:#x}") == []
    assert "0 mismatches, buddyinfo as before" in board.cmd("stress ops=20000")
