# SPDX-License-Identifier: BSD-2-Clause
"""
The suites that are built into the image, on machines of several sizes and on memory with holes and odd
edges. Each KTAP case is a result of its own in the closing count; a report with a lost or altered
character is no result at all.
"""
import subprocess

import pytest

import ktap
import parse
from board import MIB, size_of

GIB = 1024 * MIB


def run_suites(board, subresults, pattern=""):
    board.expect_prompt()
    planned = board.lines("test -l")
    results = ktap.check(board.cmd(f"test {pattern}".rstrip(), timeout=400))
    names = [result.name for result in results]
    assert sorted(names) == sorted(name for name in planned if name.startswith(pattern))
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])
    # the machine is still whole, and says so
    assert parse.free_pages(parse.buddyinfo(board.lines("buddyinfo"))) > 0


@pytest.mark.parametrize("memory", ["4G", "1G", "128M", "64M"])
def test_all(boot, subresults, memory):
    run_suites(boot(memory=memory), subresults)


# Suites that touch every page several times: a minute or two with 8 GiB, and no other way than with 4.
LONG = {"coalesce", "frag", "misuse", "zone"}


def test_8g(boot, subresults):
    board = boot(memory="8G")
    board.expect_prompt()
    suites = {name.partition(".")[0] for name in board.lines("test -l")}
    assert LONG < suites
    results = [result for suite in sorted(suites - LONG)
               for result in ktap.check(board.cmd(f"test {suite}", timeout=400))]
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])


# name: (QEMU's -m, [(offset from the start of RAM, size)..] of the banks): any part of the RAM can be said
# to be there or not. Offsets of DMA32 or more count from the end of that zone, at 4 GiB.
DMA32 = 1 << 40
LAYOUTS = {
    "reservations": ("128M", [(0, 128 * MIB)]),
    "holes": ("512M", [(0, 32 * MIB), (40 * MIB, 8 * MIB), (0x8000000, 64 * MIB),
                       (0x10400000, 12 * MIB)]),
    "odd-edges": ("128M", [(0, 17 * MIB - 4096), (0x1101000, 7 * 4096), (0x1234567, 0x2345678),
                           (0x3600000, 5 * MIB + 123), (0x4001000, 4096)]),
    "one-page-holes": ("128M", [(0, 32 * MIB - 4096), (32 * MIB, 16 * MIB),
                                (48 * MIB + 4096, 15 * MIB - 4096), (64 * MIB, 10 * MIB)]),
    "both-zones": ("4G", [(0, 48 * MIB), (DMA32 - 16 * MIB, 24 * MIB), (DMA32 + 12 * MIB, 52 * MIB)]),
}

# Besides the banks: what a layout's tree reserves.
RESERVED = {
    "reservations": """
        reserved-memory {
            #address-cells = <2>; #size-cells = <2>; ranges;
            firmware@1000000 { reg = <0 (BASE + 0x1000000) 0 0x200000>; no-map; };
            odd@2345678 { reg = <0 (BASE + 0x2345678) 0 0x1234>; };
            reusable@3000000 { reg = <0 (BASE + 0x3000000) 0 0x400000>; reusable; };
            pool { size = <0 0x300000>; alignment = <0 0x100000>;
                   alloc-ranges = <0 (BASE + 0x4000000) 0 0x1000000>; };
        };""",
}


def layout_dtb(setup, name, memory, banks):
    """QEMU's own tree for the board, with these banks as its memory."""
    base = setup.scratch / f"layout-{name}-{setup.isa}"
    subprocess.run([*setup.qemu(), "-machine", f"dumpdtb={base}.raw.dtb", "-m", memory, "-display",
                    "none"], check=True, capture_output=True)
    source = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", f"{base}.raw.dtb"], check=True,
                            capture_output=True, text=True).stdout
    start = source.index("memory@")
    end = source.index("};", start) + 2
    nodes = RESERVED.get(name, "").replace("BASE", f"{setup.ram_base:#x}")
    for offset, size in banks:
        where = setup.place(offset)
        nodes += (f"memory@{where:x} {{ device_type = \"memory\"; "
                  f"reg = <{where >> 32:#x} {where & 0xffffffff:#x} {size >> 32:#x} {size:#x}>; }};\n")
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", f"{base}.dtb", "-"], check=True,
                   input=source[:start] + nodes + source[end:], text=True)
    return f"{base}.dtb"


@pytest.mark.parametrize("name", LAYOUTS)
def test_odd_memory(boot, setup, subresults, name):
    memory, banks = LAYOUTS[name]
    banks = [(at if at < DMA32 // 2 else at - DMA32 + setup.dma32, size) for at, size in banks]
    dtb = layout_dtb(setup, name, memory, banks)
    board = boot(memory=memory, **setup.with_fdt(dtb, memory))
    run_suites(board, subresults)
    seen, reserved = parse.memblock(board.lines("memblock"))
    assert sum(end - base for base, end in seen) == pytest.approx(
        sum(size for _, size in banks), abs=len(banks) * 8192)
    zones = parse.zoneinfo(board.lines("zoneinfo"))
    assert sum(zone["managed"] for zone in zones.values()) == parse.free_by_map(seen, reserved)
    assert max(end for _, end in seen) <= setup.ram_base + size_of(memory)


def test_one_case_and_one_suite(boot):
    board = boot()
    board.expect_prompt()
    assert [r.name for r in ktap.check(board.cmd("test order.3"))] == ["order.3"]
    names = [r.name for r in ktap.check(board.cmd("test coalesce"))]
    assert names == ["coalesce.in_order", "coalesce.in_reverse", "coalesce.shuffled",
                     "coalesce.odd_first"]
    for pattern in ("nosuch", "order.99", "order.", ".0", "orde"):
        lines = board.lines(f"test {pattern}")
        assert len(lines) == 1 and pattern in lines[0]
