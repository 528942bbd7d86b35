# SPDX-License-Identifier: BSD-2-Clause
"""
The page tables: what `maps` reads from them, and a tree with no-map memory, which no board here has of its
own. The traps themselves are the business of the suite `mmu` on the machine.
"""
import re
import subprocess

import pytest

import ktap
import parse
from board import ROOT

LINE = re.compile(r"0x([0-9a-f]{12})-0x([0-9a-f]{12}) +(\d+) kB ([r-][w-][x-][d-]) (.+)")
PAGE = 4096


def maps(board):
    """[(start, end, rights, name)..] of the command `maps`, and its last line."""
    *lines, last = board.lines("maps")
    found = []
    for line in lines:
        match = LINE.fullmatch(line)
        assert match, f"not a line of maps: {line!r}"
        start, end = int(match.group(1), 16), int(match.group(2), 16)
        assert end - start == int(match.group(3)) << 10
        found.append((start, end, match.group(4), match.group(5)))
    assert re.search(r", \d+ pages of tables; ", last)
    return found


def named(found, name):
    return [line for line in found if line[3] == name]


def check_maps(board):
    """What holds on every machine."""
    found = maps(board)
    for (_, end, _, _), (start, _, _, _) in zip(found, found[1:]):
        assert end <= start
    for start, end, rights, name in found:
        assert start % PAGE == 0 and end % PAGE == 0
        assert not ("w" in rights and "x" in rights), f"{name} can be written and executed"
        assert ("x" in rights) == (name == "text")
        assert ("d" in rights) == (name == "device registers")
    rights = {"address 0": "----", "text": "r-x-", "constants": "r---", "data": "rw--",
              "stack guard": "----", "emergency stack guard": "----", "stack": "rw--",
              "device tree": "r---"}
    for name, want in rights.items():
        assert [line[2] for line in named(found, name)] == [want], name
    assert {line[2] for line in named(found, "memory")} == {"rw--"}
    assert {line[2] for line in named(found, "device registers")} == {"rw-d"}
    assert {line[2] for line in named(found, "no-map memory")} <= {"----"}
    return found


def test_maps(console):
    found = check_maps(console)
    memory, _ = parse.memblock(console.lines("memblock"))
    for base, end in memory:
        for start, stop, rights, name in found:
            if start < end and stop > base:
                assert base <= start and stop <= end, f"{name} reaches out of memory"
                assert "d" not in rights
    # without gaps: memory is mapped or, where it is not, said to be what it is
    inside = sum(stop - start for start, stop, _, name in found if name != "address 0"
                 and any(base <= start < end for base, end in memory))
    assert inside == sum(end - base for base, end in memory)


def test_every_device_in_use_is_mapped(console):
    registers = named(maps(console), "device registers")
    used = [int(match.group(1), 16) for match in
            (re.match(r"\S+ +(0x[0-9a-f]+) ", line) for line in console.lines("devices")) if match]
    assert used
    for reg in used:
        assert any(start <= reg < end for start, end, _, _ in registers), f"{reg:#x}"


def test_maps_takes_no_arguments(console):
    lines = console.lines("maps all")
    assert len(lines) == 1 and "usage" in lines[0]


def no_map_tree(setup, base, memory, regions):
    """QEMU's own tree for the board with these no-map regions (offset from base, size)."""
    blob = setup.scratch / f"no-map-{setup.board}.dtb"
    subprocess.run([*setup.qemu(), "-machine", f"dumpdtb={blob}", "-m", memory, "-display", "none"],
                   check=True, capture_output=True)
    source = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", str(blob)], check=True,
                            capture_output=True, text=True).stdout
    nodes = "".join(f"r@{base + at:x} {{ reg = <{(base + at) >> 32:#x} {(base + at) & 0xffffffff:#x} "
                    f"0 {size:#x}>; no-map; }};\n" for at, size in regions)
    source += ("/ { reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;\n" + nodes
               + "}; };\n")
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", str(blob), "-"], input=source,
                   check=True, text=True)
    return str(blob)


# offset and size: whole blocks of 2 MiB; some pages; a few bytes, which cost the pages they lie in
NO_MAP = [(0x1800000, 0x400000), (0x2801000, 0x3000), (0x3000ff8, 0x10)]


def test_no_map(console, boot, setup, subresults):
    memory, _ = parse.memblock(console.lines("memblock"))
    base = memory[0][0]
    board = boot(extra=["-dtb", no_map_tree(setup, base, "128M", NO_MAP)])
    board.expect_prompt()
    holes = [(start - base, end - start) for start, end, _, _ in
             named(check_maps(board), "no-map memory")]
    assert holes[-3:] == [(0x1800000, 0x400000), (0x2801000, 0x3000), (0x3000000, 0x2000)]
    results = ktap.check(board.cmd("test mmu"))
    subresults([(r.name, r.passed, f"{r.text}; {' / '.join(r.notes)}") for r in results])
    notes = {r.name: " / ".join(r.notes) for r in results}
    match = re.search(r"(\d+) regions touched", notes["mmu.no_map"])
    assert match and int(match.group(1)) == len(holes), notes["mmu.no_map"]


@pytest.mark.parametrize("memory", ["64M", "1G", "8G", "64G"])
def test_tables_do_not_grow_with_memory(boot, memory):
    board = boot(memory=memory)
    log = board.expect_prompt()
    match = re.search(r"mmu: .*, (\d+) pages of tables", log)
    assert match and int(match.group(1)) <= 8
    check_maps(board)


def test_no_reports_of_expected_traps_on_the_console(console):
    output = console.cmd("test mmu")
    assert "trap:" not in output
    assert "trap: expected: going on" in console.cmd("dmesg")


def test_svpbmt(boot):
    """A hart that has the extension, and firmware that has enabled it: devices have the type in their entries."""
    board = boot(extra=["-cpu", "rv64,svpbmt=true"])
    assert "mmu: page-based memory types: Svpbmt" in board.expect_prompt()
    check_maps(board)
    assert all(result.passed for result in ktap.check(board.cmd("test mmu")))


def test_svpbmt_that_faults(boot, setup):
    """The tree names the extension and the hart has not got it, as with firmware that keeps it off."""
    blob = setup.scratch / "svpbmt.dtb"
    subprocess.run([*setup.qemu(), "-machine", f"dumpdtb={blob}", "-m", "128M", "-display", "none"],
                   check=True, capture_output=True)
    isa = subprocess.run(["fdtget", blob, "/cpus/cpu@0", "riscv,isa"], check=True, capture_output=True, text=True)
    assert "svpbmt" not in isa.stdout
    subprocess.run(["fdtput", "-ts", blob, "/cpus/cpu@0", "riscv,isa", isa.stdout.strip() + "_svpbmt"], check=True)
    log = boot(extra=["-dtb", str(blob)]).expect_prompt()
    assert "mmu: the tree has Svpbmt, the firmware has not enabled it: not used" in log
    assert "page-based memory types" not in log


test_svpbmt.boards = test_svpbmt_that_faults.boards = ["qemu-virt-riscv64"]


@pytest.mark.parametrize("program, trees", [("test_mmu_early", "arm64_*"), ("test_mmu_arm64", "arm64_*"),
                                            ("test_mmu_riscv64", "riscv_*")])
def test_tables_of_linux_trees(program, trees):
    """What is mapped early and later, page by page, for all trees of Linux: no-map regions, edges off 2 MiB."""
    subprocess.run(["make", "-s", "linux-dtbs"], cwd=ROOT, check=True, capture_output=True)
    files = sorted((ROOT / "build/third_party/linux-dts/dtb").glob(trees + ".dtb"))
    assert len(files) > (700 if trees == "arm64_*" else 10)
    done = subprocess.run([ROOT / "build/host" / program, *files], capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0 and " 0 failed" in done.stdout, done.stdout[-2000:] + done.stderr[-2000:]
    assert trees != "arm64_*" or int(re.search(r"(\d+) with no-map", done.stdout)[1]) > 300


def test_nothing_of_the_c_library_before_the_mmu(setup):
    """What runs on arm64 while memory is not cached calls what is in its own files alone: see boot/arm64/head.S."""
    known = {"mmu_early_enable", "mmu_early_map_image", "mmu_early_map_tree", "pgtable_arch_order", "pte_addr", "pte_flags",
             "pte_is_table", "pte_leaf", "pte_table"}
    for name in ("boot/mmu/pgtable.o", "boot/arm64/pte.o", "boot/arm64/mmu_early.o"):
        symbols = subprocess.run(["aarch64-linux-gnu-nm", "-u", ROOT / "build/arm64/obj" / name], check=True,
                                 capture_output=True, text=True).stdout
        assert set(re.findall(r"U (\w+)", symbols)) <= known, name


test_nothing_of_the_c_library_before_the_mmu.boards = ["qemu-virt-arm64"]
