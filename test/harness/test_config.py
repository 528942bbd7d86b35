# SPDX-License-Identifier: BSD-2-Clause
"""
What an embedder may choose when building (include/quarry/config.h), in the positions that `make test`
does not build anyway.
"""
import re
import shlex
import shutil
import subprocess

import pytest

from board import BOARDS, ROOT, Board, make_variables
from ktap import check


def test_without_debug_options(setup, subresults):
    """CONFIG_DEBUG_HOOKS=0 and CONFIG_CMA=0, for size: all else works, and what is left out is refused in a line."""
    out = setup.vars["O"] + "/small"
    flags = "-DCONFIG_DEBUG_HOOKS=0 -DCONFIG_CMA=0"
    subprocess.run(["make", "-s", f"BOARD={setup.board}", f"O={out}", "OPT=-Os", f"EXTRA_CFLAGS={flags}"],
                   cwd=ROOT, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    board = Board(setup, kernel=ROOT / out / setup.isa / "quarry.bin")
    try:
        board.expect_prompt()
        missing = "not in this build: make EXTRA_CFLAGS=-DCONFIG_DEBUG_HOOKS=1"
        assert board.lines("fail every=7") == [f"fail: {missing}"]
        assert board.lines("trace on") == [f"trace: {missing}"]
        assert board.lines("owner on") == [f"owner: {missing}"]
        for name in ("page_poison", "init_on_alloc", "init_on_free"):
            assert board.lines(f"sysctl vm.{name}=1") == [f"sysctl: vm.{name}: {missing}"]
            assert board.lines(f"sysctl vm.{name}") == [f"vm.{name} = 0"]
        results = [result for suite in ("order", "api", "zone", "pcp", "misuse", "refs", "coalesce", "frag",
                                        "policy")
                   for result in check(board.cmd(f"test {suite}"))]
    finally:
        board.close()
    skipped = {result.name for result in results if result.passed is None}
    assert skipped == {"policy.refusal_changes_nothing", "policy.poison",
                       "policy.init_on_alloc_and_free", "policy.tracepoints"}
    subresults([(result.name, result.passed, result.text) for result in results
                if result.passed is not None])


# ---- geometry ----

def geometry(order, pageblock, group, batch, give_back, *more):
    return [f"-DCONFIG_MAX_PAGE_ORDER={order}", f"-DCONFIG_PAGEBLOCK_ORDER={pageblock}", f"-DCONFIG_TRUST_GROUP_SHIFT={group}",
            f"-DCONFIG_PCP_BATCH_ORDER={batch}", f"-DCONFIG_PCP_RETURN_ORDER={give_back}", *more]


CORNERS = {
    "smallest": geometry(3, 2, 1, 1, 1, "-DCONFIG_PCP_ZONE_PART=1", "-DCONFIG_PCP_HIGH_MIN=1", "-DCONFIG_PCP_HIGH_MAX=2",
                         "-DCONFIG_PCP_BLOCKS_MAX=1"),
    "groups-of-a-pageblock": geometry(12, 2, 2, 1, 1),
    "large": geometry(12, 12, 7, 6, 5, "-DCONFIG_PCP_ZONE_PART=16", "-DCONFIG_PCP_HIGH_MAX=4096", "-DCONFIG_PCP_BLOCKS_MAX=9"),
}
# Those whose layouts and figures are of no certain geometry.
OF_ANY_GEOMETRY = ["test_buddy", "test_holders", "test_misuse"]


@pytest.mark.parametrize("corner", CORNERS)
def test_geometry(corner, subresults):
    """Sections, pageblocks, trust groups and caches of other sizes: random calls against the oracle, with assertions."""
    out = make_variables(BOARDS[0], "O")["O"] + "/geometry-" + corner
    build(out, " ".join([*CORNERS[corner], DEBUG_VM]), *(f"{out}/host/{name}" for name in OF_ANY_GEOMETRY))
    results = []
    for name in OF_ANY_GEOMETRY:
        done = subprocess.run([ROOT / out / "host" / name], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", timeout=1500, check=False)
        results.append((f"{name}, geometry {corner}", done.returncode == 0, done.stdout[-300:]))
    subresults(results)


@pytest.mark.parametrize("shift, order, pageblock", [(14, 11, 10), (16, 3, 3)])
def test_page_size(shift, order, pageblock, subresults):
    """Pages of 16 and 64 KiB, in more corners of the geometry, whose other options follow: random calls against the oracle, with assertions. Other programs' layouts are of 4 KiB."""
    out = make_variables(BOARDS[0], "O")["O"] + f"/page-shift-{shift}"
    options = [f"-DCONFIG_MAX_PAGE_ORDER={order}", f"-DCONFIG_PAGEBLOCK_ORDER={pageblock}", f"-DCONFIG_PAGE_SHIFT={shift}", DEBUG_VM]
    build(out, " ".join(options), f"{out}/host/test_holders")
    done = subprocess.run([ROOT / out / "host/test_holders"], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace", timeout=1500, check=False)
    subresults([(f"test_holders, pages of 2^{shift} bytes", done.returncode == 0, done.stdout[-300:])])


@pytest.mark.parametrize("wrong, said", [
    (geometry(13, 9, 5, 4, 3), "CONFIG_MAX_PAGE_ORDER: 3 to 12"),
    (geometry(2, 2, 1, 1, 1), "CONFIG_MAX_PAGE_ORDER: 3 to 12"),
    (geometry(10, 1, 1, 0, 1), "CONFIG_PAGEBLOCK_ORDER: 2 to CONFIG_MAX_PAGE_ORDER"),
    (geometry(10, 11, 5, 4, 3), "CONFIG_PAGEBLOCK_ORDER: 2 to CONFIG_MAX_PAGE_ORDER"),
    (geometry(5, 4, 5, 3, 3), "groups lie within a pageblock"),
    (geometry(12, 11, 10, 4, 3), "groups lie within a pageblock"),
    (geometry(10, 9, 0, 4, 3), "groups lie within a pageblock"),
    (geometry(5, 4, 2, 4, 3), "a refill takes part of a pageblock"),
    (geometry(4, 3, 2, 2, 3), "so is what a return gives back"),
    (geometry(10, 9, 5, 4, 0), "so is what a return gives back"),
    (["-DCONFIG_PCP_HIGH_MIN=9", "-DCONFIG_PCP_HIGH_MAX=8"], "a cache that holds something"),
    (["-DCONFIG_PCP_ZONE_PART=0"], "a cache that holds something"),
    (["-DCONFIG_PAGE_SHIFT=13"], "pages of 4, 16 or 64 KiB"),
])
def test_impossible_geometry(wrong, said):
    names = make_variables(BOARDS[0], "HOST_CC")
    done = subprocess.run([names["HOST_CC"], "-std=gnu11", "-DQUARRY_HOST", *wrong, "-Iinclude", "-fsyntax-only", "mm/pcp/pcp.c"],
                          cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode != 0 and said in done.stdout


# ---- CONFIG_DEBUG_VM ----

DEBUG_VM = "-DCONFIG_DEBUG_VM=1"
# All programs of mm/ but the one that counts steps, which assertions take too.
HOST_PROGRAMS = sorted(path.stem for path in (ROOT / "test/host/mm").glob("test_*.c") if path.stem != "test_memblock_cost")
SUITES = ["order", "api", "zone", "pcp", "misuse", "refs", "coalesce", "frag", "policy", "irq", "smp"]


def build(out, flags, *targets):
    subprocess.run(["make", "-s", f"O={out}", f"EXTRA_CFLAGS={flags}", *targets], cwd=ROOT, check=True,
                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def test_assertions_on_the_host(subresults):
    """The host programs of mm/ with its assertions switched on: none fails."""
    out = make_variables(BOARDS[0], "O")["O"] + "/debug-vm"
    build(out, DEBUG_VM, *(f"{out}/host/{name}" for name in HOST_PROGRAMS))
    results = []
    for name in HOST_PROGRAMS:
        done = subprocess.run([ROOT / out / "host" / name], cwd=ROOT, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=1500, check=False)
        results.append((f"{name} with CONFIG_DEBUG_VM", done.returncode == 0, done.stdout[-300:]))
    subresults(results)


def test_assertions_on_the_machine(setup, subresults):
    """The suites of mm/ with its assertions switched on, on four CPUs."""
    out = setup.vars["O"] + "/debug-vm"
    build(out, DEBUG_VM, f"BOARD={setup.board}")
    board = Board(setup, kernel=ROOT / out / setup.isa / "quarry.bin", extra=["-smp", "4"])
    try:
        board.expect_prompt()
        results = [result for suite in SUITES for result in check(board.cmd(f"test {suite}"))]
    finally:
        board.close()
    subresults([(result.name, result.passed, result.text) for result in results
                if result.passed is not None])


def without_assertions(text):
    """A source without its assertions: each from VM_BUG_ON( to the parenthesis that closes it."""
    while (start := re.search(r"(?m)^[ \t]*VM_BUG_ON\(", text)) is not None:
        depth, at = 1, start.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            at += 1
        assert text[at:at + 1] == ";"
        text = text[:start.start()] + text[at + 1:]
    return text


def test_assertions_leave_no_code_behind(setup):
    """With CONFIG_DEBUG_VM=0 each object of mm/ is, byte for byte, that of the source without assertions."""
    names = make_variables(setup.board, "CC", "CFLAGS", "MM_SOURCES")
    flags = [flag for flag in shlex.split(names["CFLAGS"]) if flag != "-g"]
    count, objects = 0, {}
    for kind in ("with", "without"):
        tree = setup.scratch / f"assertions-{setup.isa}"
        shutil.rmtree(tree, ignore_errors=True)
        for folder in ("mm", "include", f"boot/{setup.isa}"):
            shutil.copytree(ROOT / folder, tree / folder)
        for path in (*tree.glob("mm/**/*.[ch]"),) if kind == "without" else ():
            text = path.read_text()
            if path.name != "vm_debug.h":
                count += text.count("VM_BUG_ON(")
                path.write_text(without_assertions(text))
        for source in names["MM_SOURCES"].split():
            subprocess.run([names["CC"], *flags, "-w", "-Iinclude", "-iquote", ".", "-c", "-o", "out.o", source], cwd=tree, check=True)
            objects.setdefault(source, []).append((tree / "out.o").read_bytes())
    assert count > 200
    for source, (one, other) in objects.items():
        assert one == other, source
