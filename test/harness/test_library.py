# SPDX-License-Identifier: BSD-2-Clause
"""The archives that `make lib` makes, at -O2 and -Os: what they ask of the program they are linked into."""
import subprocess

import pytest

from board import ROOT, make

OF_C = {"memcpy", "memmove", "memset", "memcmp"}  # C11 4p6, and compilers, ask for these
PORT = {"port_log", "port_panic", "port_kick"}
OF_C_DEBUG = {"snprintf", "vsnprintf", "strcmp", "strcspn"}
HOST = {"port_host_offset", "port_host_pcpu"}  # test/host/port_host.c
OF_THE_LINKER = {"_GLOBAL_OFFSET_TABLE_"}
SAVE_RESTORE = {f"__riscv_{what}_{n}" for what in ("save", "restore") for n in range(13)}  # -msave-restore, of libgcc


def nm(tool, *options):
    listing = subprocess.run([tool, *map(str, options)], check=True, text=True, capture_output=True).stdout
    return {line.split()[-1] for line in listing.splitlines() if line and not line.endswith(":")}


def undefined(tool, archive):
    return nm(tool, "-u", archive) - nm(tool, "-g", "--defined-only", archive) - OF_THE_LINKER


def check(tool, folder, more=frozenset()):
    core, debug = folder / "libquarry.a", folder / "libquarry-debug.a"
    needs = undefined(tool, core)
    # A compiler may write some of C's in place.
    assert (needs - OF_C) - SAVE_RESTORE == PORT | more
    assert "memmove" in needs
    needs = undefined(tool, debug) - nm(tool, "-g", "--defined-only", core)
    assert needs - OF_C - SAVE_RESTORE == OF_C_DEBUG | more | {"port_log"}


def test_needs_of_both_archives(setup):
    make(f"BOARD={setup.board}", "sizes")
    for level in ("-O2", "-Os"):
        check(setup.vars["CROSS"] + "nm", ROOT / f"build/sizes{level}" / setup.isa / "lib")


@pytest.mark.parametrize("level", ["-O2", "-Os"])
def test_needs_of_both_archives_on_the_host(level):
    make(f"O=build/sizes{level}", f"OPT={level}", "lib-host")
    check("nm", ROOT / f"build/sizes{level}/host/lib", HOST)
