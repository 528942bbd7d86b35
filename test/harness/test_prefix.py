# SPDX-License-Identifier: BSD-2-Clause
"""QUARRY_LINUX_NAMES=0: headers and a library that leave Linux's names to the program."""
import re
import subprocess

import pytest

import boards
from board import ROOT
from test_contracts import HEADERS
from test_library import LINUX_MACROS, OPTIONAL, OUR_MACROS, PROGRAM, WITHOUT_PREFIX, nm

PREFIXED = ROOT / "build/prefixed/include"
PREFIX = re.compile(r"(?:QUARRY|quarry|MM|mm|PORT|port)_|VM_BUG_ON$")
OF_C = "#include <errno.h>\n#include <stdarg.h>\n#include <stdbool.h>\n#include <stddef.h>\n#include <stdint.h>\n"
ALL = OF_C + "".join(f"#include <quarry/{header.name}>\n" for header in HEADERS)


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)


@pytest.fixture(scope="module")
def library():
    boards.build("QUARRY_LINUX_NAMES=0", "lib-host", "amalgamation")
    return ROOT / "build/host/lib-prefixed"


def declared(include, text, folder):
    """What a text has at file scope: macros, and types, tags, constants and functions with a body, as debugging information has them."""
    (folder / "all.c").write_text(text)
    command = ["gcc", "-std=gnu11", "-DQUARRY_HOST", f"-I{include}", folder / "all.c"]
    macros = run(*command, "-dM", "-E")
    made = run(*command, "-g", "-fno-eliminate-unused-debug-types", "-fno-eliminate-unused-debug-symbols", "-fkeep-inline-functions", "-c",
               "-o", folder / "all.o")
    assert (macros.returncode, made.returncode) == (0, 0), macros.stdout + made.stdout
    found, wanted = set(re.findall(r"(?m)^#define (\w+)", macros.stdout)), False
    for line in run("readelf", "--debug-dump=info", folder / "all.o").stdout.splitlines():
        entry = re.match(r" <(\w+)><\w+>: .*\(DW_TAG_(\w+)\)", line)
        name = re.match(r".* DW_AT_name +: (?:\(.*?\): )?(\w+)", line)
        if entry:
            wanted = (entry[1] == "1" and entry[2] != "base_type") or entry[2] == "enumerator"
        elif name and wanted:
            found.add(name[1])
    return found


def test_no_name_without_prefix(library, tmp_path):
    of_c = declared(PREFIXED, OF_C, tmp_path)
    linux = declared(ROOT / "include", ALL, tmp_path) - of_c
    assert {"alloc_pages", "page", "gfp_t", "GFP_KERNEL", "ZONE_NORMAL", "for_each_mem_range", "CONFIG_NR_CPUS"} <= linux
    ours = declared(PREFIXED, ALL, tmp_path) - of_c
    assert len(ours) == len(linux) > 200
    assert {name for name in ours if not PREFIX.match(name)} == set()
    symbols = nm("nm", "-g", "--defined-only", *library.glob("*.a"))
    assert "quarry_alloc_pages_bulk" in symbols and {name for name in symbols if not PREFIX.match(name)} == set()


# What a kernel has of its own under Linux's names, before and after the headers of Quarry.
OWN_MACROS = LINUX_MACROS | OUR_MACROS
OWN = "".join(f"#define {name} {name.lower()}_of_mine\n" for name in sorted(OWN_MACROS)) + "".join(
    f"int {name}(int, int); int {name}(int a, int b) {{ return a + b; }}\n"
    for name in sorted((WITHOUT_PREFIX | {"alloc_pages", "__free_pages", "get_zeroed_page", "phys_to_virt", "virt_to_phys"}) - OPTIONAL)) + """
struct page { char mine[64]; };
struct zone { int mine; };
struct shrinker { int mine; };
typedef unsigned char gfp_t;
typedef char pfn_t;
typedef double phys_addr_t;
enum zone_type { ZONE_DMA32 = 40, ZONE_NORMAL, MAX_NR_ZONES };
enum migratetype { MIGRATE_UNMOVABLE = 70, MIGRATE_MOVABLE };
enum { PAGE_FREE = 90, PAGE_ALLOC };
"""


def renamed(text):
    """The program of test_library.py with the other names."""
    text = re.sub(r"\b(memblock_\w+(?=\()|alloc_pages(?=\()|setup_per_cpu_pageset)", r"quarry_\1", text)
    return text.replace("GFP_KERNEL", "QUARRY_GFP_KERNEL")


@pytest.mark.parametrize("first", ["its own", "quarry's"])
@pytest.mark.parametrize("port", ["archives", "one file"])
def test_a_program_with_linux_names_of_its_own(library, tmp_path, first, port):
    text = renamed(PROGRAM)
    include = re.search(r"(?s)#include <quarry.*?>\n#include <quarry.*?>\n", text)[0]
    text = text.replace(include, OWN + include if first == "its own" else include + OWN)
    use = """
	struct quarry_page *pages[40];
	if (quarry_alloc_pages_bulk(QUARRY_GFP_KERNEL, 40, pages) != 40 || alloc_pages_bulk(1, 2) != 3 || sizeof(struct page) != 64)
		return 70;
	for (int i = 0; i < 40; i++)
		if (quarry___free_page(pages[i]))
			return 71;
	if (quarry___free_page(pages[0]) >= 0 || memblock(3, 4) != 7 || ZONE_NORMAL != 41 || QUARRY_ZONE_NORMAL != 1)
		return 72;
	return CHECK"""
    (tmp_path / "program.c").write_text(text.replace("\treturn CHECK", use))
    one = ROOT / "build/amalgamation-prefixed"
    linked = {"archives": [f"-I{PREFIXED}", f"-L{library}", "-lquarry", "-lquarry-debug"],
              "one file": [f"-I{PREFIXED}", one / "quarry.c", one / "quarry_debug.c"]}[port]
    built = run("gcc", "-std=gnu11", "-O1", "-Wall", "-Wextra", "-Werror", "-DQUARRY_HOST", "-DQUARRY_LINUX_NAMES=0", "-DCHECK=mm_check()",
                "-Wno-unused-macros", "-o", "program", "program.c", *linked, cwd=tmp_path)
    assert built.returncode == 0, built.stdout
    done = run("./program", cwd=tmp_path)
    line = "page allocation failure: order:11, mode:0x110(GFP_KERNEL): order above 10\n"
    assert done.returncode == 0 and line in done.stdout and "double free" in done.stdout, done


def test_the_choice_is_the_headers(library, tmp_path):
    """A program that wants the names which its headers do not have is told so."""
    (tmp_path / "one.c").write_text("#include <quarry/mm.h>\n")
    for include, has in ((ROOT / "include", 1), (PREFIXED, 0)):
        for wanted in (0, 1):
            done = run("gcc", "-DQUARRY_HOST", f"-DQUARRY_LINUX_NAMES={wanted}", f"-I{include}", "-fsyntax-only", tmp_path / "one.c")
            assert (done.returncode == 0) == (wanted == has), done.stdout
            assert wanted == has or "make install QUARRY_LINUX_NAMES=0" in done.stdout
    assert library.exists()
