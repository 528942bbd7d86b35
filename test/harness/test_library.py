# SPDX-License-Identifier: BSD-2-Clause
"""The archives that `make lib` makes, at -O2 and -Os: what they ask of the program they are linked into."""
import re
import subprocess

import pytest

import stack
from board import BOARDS, ROOT, make, make_variables

OF_C = {"memcpy", "memmove", "memset", "memcmp"}  # C11 4p6, and compilers, ask for these
PORT = {"port_log", "port_panic"}
OPTIONAL = {"port_kick", "port_yield"}  # of the port
OF_C_DEBUG = {"snprintf", "vsnprintf", "strcmp", "strcspn"}
HOST = {"port_host_offset", "port_host_pcpu"}  # test/host/port_host.c
OF_THE_LINKER = {"_GLOBAL_OFFSET_TABLE_"}
SAVE_RESTORE = {f"__riscv_{what}_{n}" for what in ("save", "restore") for n in range(13)}  # -msave-restore, of libgcc


def nm(tool, *options):
    listing = subprocess.run([tool, *map(str, options)], check=True, text=True, capture_output=True).stdout
    return {line.split()[-1] for line in listing.splitlines() if line and not line.endswith(":")}


def undefined(tool, archive):
    return nm(tool, "-u", archive) - nm(tool, "-g", "--defined-only", archive) - OF_THE_LINKER


def check(cross, folder, more=frozenset()):
    tool, core, debug = cross + "nm", folder / "libquarry.a", folder / "libquarry-debug.a"
    needs = undefined(tool, core)
    listing = subprocess.run([tool, "-g", core], check=True, text=True, capture_output=True).stdout
    assert set(re.findall(r" W (\w+)", listing)) == OPTIONAL | {"say_refusal"}
    # A compiler may write some of C's in place.
    assert (needs - OF_C) - SAVE_RESTORE == PORT | more
    assert "memmove" in needs
    needs = undefined(tool, debug) - nm(tool, "-g", "--defined-only", core)
    assert needs - OF_C - SAVE_RESTORE == OF_C_DEBUG | more | {"port_log"}


def check_stack(cross, folder):
    """No recursion, and no more stack than port.h says, without and with the second archive."""
    text = (ROOT / "include/quarry/port.h").read_text()
    sources = make_variables(BOARDS[0], "MM_CORE_SOURCES", "MM_DEBUG_SOURCES")
    core, debug = ([(folder / name).with_suffix(".o") for name in names.split()] for names in sources.values())
    for objects, limit in ((core, "QUARRY_STACK_MAX"), (debug + core, "QUARRY_STACK_MAX_DEBUG")):
        most, chain = stack.Graph(cross + "objdump", objects, weak={"say_refusal"}).worst()
        assert len(chain) > 5 and most <= int(re.search(rf"{limit}\s+(\d+)", text)[1]), (most, chain)


def test_stack_is_added_up(tmp_path):
    """A chain over two files, the deeper of two; recursion is seen."""
    (tmp_path / "a.c").write_text("void b(char *); void c(void); void a(void) { char x[500]; b(x); c(); }"
                                  "void c(void) { char x[100]; b(x); }")
    (tmp_path / "b.c").write_text("void d(char *); void b(char *p) { char x[300]; d(x); *p = *x; }")
    build = ["gcc", "-O1", "-fno-inline", "-ffunction-sections", "-fstack-usage", "-fno-stack-protector", "-c"]
    subprocess.run([*build, "a.c", "b.c"], cwd=tmp_path, check=True)
    objects = [tmp_path / "a.o", tmp_path / "b.o"]
    most, chain = stack.Graph("objdump", objects).worst()
    assert 900 < most < 1000 and chain == ("a", "c", "b"), (most, chain)
    (tmp_path / "b.c").write_text("void a(void); void b(char *p) { char x[300]; a(); *p = *x; }")
    subprocess.run([*build, "b.c"], cwd=tmp_path, check=True)
    with pytest.raises(AssertionError, match="recursion"):
        stack.Graph("objdump", objects).worst()


def test_needs_of_both_archives(setup):
    make(f"BOARD={setup.board}", "sizes")
    for level in ("-O2", "-Os"):
        folder = ROOT / f"build/sizes{level}" / setup.isa / "lib"
        check(setup.vars["CROSS"], folder)
        check_stack(setup.vars["CROSS"], folder)


@pytest.mark.parametrize("level", ["-O2", "-Os"])
def test_needs_of_both_archives_on_the_host(level):
    make(f"O=build/sizes{level}", f"OPT={level}", "lib-host")
    folder = ROOT / f"build/sizes{level}/host/lib"
    check("", folder, HOST)
    check_stack("", folder)
