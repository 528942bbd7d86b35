# SPDX-License-Identifier: BSD-2-Clause
"""Areas for contiguous allocations: from bootargs and from the device tree, on the machine (FEATURES row 42)."""
import re
import subprocess

import pytest

import ktap

MIB = 1 << 20
TREE = """
/ { reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;
    video: video@%x { compatible = "shared-dma-pool"; reusable; reg = <0 0x%x 0 0x800000>; };
    pool { compatible = "shared-dma-pool"; reusable; linux,cma-default; size = <0 0x1000000>;
           alignment = <0 0x400000>; alloc-ranges = <0 0x%x 0 0x4000000>; };
    odd@%x { compatible = "shared-dma-pool"; reusable; reg = <0 0x%x 0 0x100000>; };
    plain@%x { reusable; reg = <0 0x%x 0 0x200000>; };
};
    area-user { memory-region = <&video>; };
};
"""


def rows(board):
    """[(base, kB, used, free, lent, name)]"""
    return [(int(w[1], 16), int(w[2]), int(w[3]), int(w[4]), int(w[5]), " ".join(w[6:]))
            for w in (line.split() for line in board.lines("cma")[1:])]


@pytest.mark.parametrize("args,base", [("cma=16M", None), ("cma=16M@%#x", 80 * MIB)])
def test_bootargs(boot, setup, args, base):
    at = setup.ram_base + base if base else None
    with_base = args % at if base else args
    board = boot(append=with_base)
    board.expect_prompt()
    (area,) = rows(board)
    assert area[1:] == (16384, 0, 4096, 0, "reserved (default)") and (at is None or area[0] == at)
    meminfo = "\n".join(board.lines("meminfo"))
    assert re.search(r"CmaTotal: +16384 kB", meminfo) and re.search(r"CmaFree: +16384 kB", meminfo)
    got = re.fullmatch(r"0x([0-9a-f]+) pages 4096", board.lines("cma alloc 0 4096")[0])
    assert int(got[1], 16) == area[0] and rows(board)[0][2:5] == (4096, 0, 0)
    assert board.lines("cma alloc 0 1") == ["cma: no 1 contiguous pages are free in area 0"]
    assert board.lines(f"free {area[0] + 4096:#x}") != []
    assert board.lines(f"free {area[0]:#x}") == []
    assert rows(board)[0][2:5] == (0, 4096, 0)


@pytest.mark.parametrize("args,line", [("cma=x", "is not SIZE"), ("cma=16M@1", "no room for cma=16M@1"),
                                       ("cma=4096G", "no room for"), ("cma=1M@", "is not SIZE")])
def test_wrong_bootargs(boot, args, line):
    board = boot(append=args)
    board.expect_prompt()
    assert rows(board) == [] and line in board.transcript.getvalue()


def tree(setup):
    """The board's own tree with TREE, in a file, and where its pools are."""
    base = setup.scratch / f"cma-{setup.isa}"
    subprocess.run([*setup.qemu(), "-machine", f"dumpdtb={base}.raw.dtb", "-m", "128M", "-display", "none"],
                   check=True, capture_output=True)
    source = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", f"{base}.raw.dtb"], check=True,
                            capture_output=True, text=True).stdout
    at = [setup.ram_base + n * MIB for n in (32, 48, 96, 100)]
    source += TREE % (at[0], at[0], at[1], at[2], at[2], at[3], at[3])
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", f"{base}.dtb", "-"], check=True, input=source,
                   text=True)
    return f"{base}.dtb", at


def test_tree(boot, setup):
    """Reusable pools of whole pageblocks are areas; others stay reserved, and what is wrong is said."""
    blob, at = tree(setup)
    board = boot(**setup.with_fdt(blob, "128M"))
    board.expect_prompt()
    areas = rows(board)
    assert [area[1:] for area in areas] == [(8192, 0, 2048, 0, f"video@{at[0]:x}"),
                                            (16384, 0, 4096, 0, "pool (default)")]
    assert areas[0][0] == at[0] and areas[1][0] % (4 * MIB) == 0 and at[1] <= areas[1][0] < at[1] + 64 * MIB
    assert "odd@%x: not a multiple of 2 MiB of memory: it stays reserved" % at[2] in board.transcript.getvalue()


def test_coherent_memory(boot, setup):
    """More than a block comes from the default area, and that of a device from the one its memory-region names."""
    board = boot(**setup.with_fdt(tree(setup)[0], "128M"))
    board.expect_prompt()
    (result,) = ktap.check(board.cmd("test dma.area"))
    assert result.passed and not result.notes, result.text
    assert [area[2:5] for area in rows(board)] == [(0, 2048, 0), (0, 4096, 0)]
