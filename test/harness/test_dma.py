# SPDX-License-Identifier: BSD-2-Clause
"""
The DMA layer as the board's device tree has it: what the buses pass on, who looks into the caches. The suite dma.*
runs on machines of one CPU with all others; here on several.
"""
import re
import subprocess

import pytest

import ktap
import parse
import procfs

MEMORY = "1G"
# The node of the PCI host bridge, and a bus or device with a driver that is not on it.
BRIDGE = {"riscv64": "/soc/pci@30000000", "arm64": "/pcie@10000000"}
UART = {"riscv64": "/soc/serial@10000000", "arm64": "/pl011@9000000"}


def assert_dma_suite(board):
    """Nothing is skipped but what needs an area for contiguous allocations (test_cma.py)."""
    skipped = []
    for result in ktap.check(board.cmd("test dma", timeout=400)):
        assert result.passed is not False, result
        skipped += [result.name] if result.passed is None else []
    assert skipped == ["dma.area"]


@pytest.mark.parametrize("memory", ["1G", "8G"])
def test_suite_on_four_cpus(boot, subresults, memory):
    board = boot(memory=memory, extra=["-smp", "4"])
    board.expect_prompt()
    results = ktap.check(board.cmd("test dma", timeout=400))
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])
    notes = {r.name: " ".join(r.notes) for r in results}
    assert bool(notes["dma.above_4g"]) == (memory == "1G")


def tree_of(setup, name):
    """The board's own tree, in a file."""
    blob = setup.scratch / f"dma-{name}-{setup.board}.dtb"
    subprocess.run([*setup.qemu(), "-machine", f"dumpdtb={blob}", "-m", MEMORY, "-display", "none"],
                   check=True, capture_output=True)
    return blob


def properties(blob, node):
    return subprocess.run(["fdtget", "-p", str(blob), node], check=True, capture_output=True,
                          text=True).stdout.split()


@pytest.fixture
def boot_changed(boot, setup):
    """boot_changed(name, (node, property, value..)..): the board with its own tree, changed by fdtput."""
    def start(name, *changes, **options):
        blob = tree_of(setup, name)
        for node, prop, *value in changes:
            if prop == "dma-noncoherent":  # newer machines say the opposite, of all devices
                subprocess.run(["fdtput", "-d", str(blob), node, "dma-coherent"], check=False,
                               capture_output=True)
            kind = "s" if value and not re.fullmatch("[0-9a-f]+", str(value[0])) else "x"
            subprocess.run(["fdtput", "-t", kind, str(blob), node, prop, *map(str, value)],
                           check=True)
        with_fdt = setup.with_fdt(blob, MEMORY)
        with_fdt["extra"] = [*with_fdt["extra"], *options.get("extra", ())]
        board = boot(memory=MEMORY, **with_fdt)
        board.boot_log = board.expect_prompt()
        return board
    return start


def cells(*numbers):
    """64-bit numbers as the hexadecimal cells that fdtput takes."""
    return [f"{part:x}" for number in numbers for part in (number >> 32, number & 0xffffffff)]


def rows(board):
    """`devices`: {node: its columns as named by the heading}."""
    heading, *lines = board.lines("devices")
    names = heading.split()
    assert names == ["driver", "reg", "irq", "pages", "bytes", "mask", "zone", "coherent",
                     "node"]
    assert all(len(line) <= 100 for line in lines)
    return {line.split(maxsplit=8)[8]: dict(zip(names, line.split(maxsplit=8))) for line in lines}


def test_devices(boot, setup):
    board = boot(memory="8G")
    board.expect_prompt()
    found = rows(board)
    assert BRIDGE[setup.isa] in found and UART[setup.isa] in found
    for row in found.values():
        assert row["zone"] == ("Normal" if int(row["mask"]) > 32 else "DMA32")
        assert int(row["bytes"]) >= max(1, int(row["pages"]) * 4096)
    # one with little state is an object, and slabs of these are fewer pages than a page for each would be
    objects = [row for row in found.values() if row["pages"] == "0"]
    slabs = procfs.slabinfo("\n".join(board.lines("slabinfo"))).values()
    assert len(objects) > 5 and sum(cache[0] for cache in slabs) >= len(objects) > sum(cache[4] * cache[6] for cache in slabs)
    assert found[UART[setup.isa]]["mask"] == found[BRIDGE[setup.isa]]["mask"] == "32"
    # what QEMU's trees say: PCI is coherent; the others are as the root says (newer machines), else as the
    # instruction set's default has it
    assert found[BRIDGE[setup.isa]]["coherent"] == "yes"
    coherent = setup.isa == "riscv64" or "dma-coherent" in properties(tree_of(setup, "own"), "/")
    assert found[UART[setup.isa]]["coherent"] == ("yes" if coherent else "no")


def test_windows(boot_changed, setup):
    """The memory is seen elsewhere, and only a part of it: 1 MiB of I/O space is none."""
    base = setup.ram_base
    board = boot_changed("windows", (BRIDGE[setup.isa], "dma-ranges",
                                     *["1000000", *cells(0, 0, 0x100000)],
                                     *["2000000", *cells(0xc0000000, base, 0x4000000)],
                                     *["3000000", *cells(0x400000000, base + 0x8000000, 0x10000)]))
    lines = board.lines("dma")
    at = next(i for i, line in enumerate(lines) if BRIDGE[setup.isa] in line)
    assert [line.split() for line in lines[at + 1:at + 3]] == [
        ["0xc0000000-0xc3ffffff", "is", "memory", f"{base:#x}-{base + 0x3ffffff:#x}"],
        ["0x400000000-0x40000ffff", "is", "memory", f"{base + 0x8000000:#x}-{base + 0x800ffff:#x}"]]
    assert "is memory" not in "".join(lines[:at] + lines[at + 3:])
    assert rows(board)[BRIDGE[setup.isa]]["zone"] == "DMA32"
    assert_dma_suite(board)


def test_dma32_ends_where_the_bus_does(boot_changed, setup, subresults):
    """The host bridge passes on 256 MiB of 1 GiB, from its middle: DMA32 ends with them, and all suites hold."""
    base = setup.ram_base
    board = boot_changed("narrow", (BRIDGE[setup.isa], "dma-ranges",
                                    *["2000000", *cells(base + 0x10000000, base + 0x10000000, 0x10000000)]))
    assert f"mm: DMA32 ends at {base + 0x20000000:#x}, where a bus of the device tree does" in board.boot_log
    zones = parse.zoneinfo(board.lines("zoneinfo"))
    assert zones["DMA32"]["spanned"] == zones["Normal"]["spanned"] == 0x20000000 // parse.PAGE
    results = ktap.check(board.cmd("test", timeout=900))
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])


def test_window_of_a_few_pages(boot_changed, setup):
    """
    A window much smaller than the zone it lies in: as long as pages in it are free, they are found, whatever
    was taken before and lies in caches; without any the transfer is refused.
    """
    base, at = setup.ram_base, setup.ram_base + 0x8000000
    board = boot_changed("few", (BRIDGE[setup.isa], "dma-ranges", *["2000000", *cells(at, at, 0x10000)]),
                         extra=["-device", "edu,dma_mask=0xffffffff"])
    board.lines("edu mask 32")
    for _ in range(20):  # singles and blocks, some given back
        address = board.lines("alloc 0 GFP_DMA32")[0].split()[0]
        board.lines("alloc 4 GFP_DMA32")
        board.lines(f"free {address}")
    lines = board.lines("edu dma")
    page, seen = (int(word, 16) for word in re.findall(r"0x\w+", lines[0]))
    assert at <= seen < at + 0x10000 and (at <= page < at + 0x10000) == ("bounced" not in lines[0])
    assert "as they were" in lines[-1]


def test_out_of_reach(boot_changed, setup):
    """A bus that leads to no memory, and one whose property makes no sense, end in a zone called none."""
    for name, ranges in (("nowhere", ["2000000", *cells(0, 0x1000, 0x1000)]), ("broken", ["1", "2"])):
        board = boot_changed(name, (BRIDGE[setup.isa], "dma-ranges", *ranges))
        found = rows(board)
        assert found[BRIDGE[setup.isa]]["zone"] == "none"
        assert found[UART[setup.isa]]["zone"] == "DMA32"
        assert ("broken dma-ranges" in board.cmd("dma")) == (name == "broken")


def test_coherence_is_inherited(boot_changed, setup):
    root = boot_changed("inherited", ("/", "dma-noncoherent"))
    found = rows(root)
    assert found[UART[setup.isa]]["coherent"] == "no"
    assert found[BRIDGE[setup.isa]]["coherent"] == "yes"  # its own word is nearer
    caches = root.lines("dma")[1]
    if setup.isa == "riscv64":
        zicbom = "riscv,cbom-block-size" in properties(tree_of(setup, "own"), "/cpus/cpu@0")
        assert ("cache lines of 64 bytes, no uncached memory" if zicbom
                else "refused, not every CPU has Zicbom") in caches
        assert found[UART[setup.isa]]["zone"] == ("DMA32" if zicbom else "none")
    else:
        assert re.search(r"cache lines of \d+ bytes, uncached memory", caches)
        assert found[UART[setup.isa]]["zone"] == "DMA32"


def test_zicbom_that_traps(boot_changed):
    """The tree names the extension and the CPU has not got it, as with firmware that keeps it to itself."""
    board = boot_changed("zicbom", ("/", "dma-noncoherent"),
                         ("/cpus/cpu@0", "riscv,isa", "rv64imafdc_zicbom_zihpm"),
                         ("/cpus/cpu@0", "riscv,cbom-block-size", "40"))
    caches = board.lines("dma")[1]
    assert "refused, the firmware does not let S-mode use Zicbom" in caches \
        or "cache lines of 64 bytes, no uncached memory" in caches  # a CPU that has it all the same
    assert_dma_suite(board)


test_zicbom_that_traps.boards = ["qemu-virt-riscv64"]


def test_bounce_switch(console):
    assert console.lines("dma")[0] == "bounce pages: on"
    assert console.lines("dma bounce off") == ["bounce pages: off"]
    assert console.lines("dma")[0] == "bounce pages: off"
    assert console.lines("dma bounce on") == ["bounce pages: on"]
    for line in ("dma bounce", "dma bounce maybe", "dma on", "dma bounce on off"):
        assert len(console.lines(line)) == 1 and "usage" in console.lines(line)[0]
    assert console.lines("dma")[0] == "bounce pages: on"
