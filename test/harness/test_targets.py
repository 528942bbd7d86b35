# SPDX-License-Identifier: BSD-2-Clause
"""mm/ on other machines: it compiles without a warning, its host programs run, and hot paths ask nothing of libgcc."""
import re
import resource
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

import boards
from board import ROOT
from targets import PORT, TARGETS

sys.path.insert(0, str(ROOT / "test/bench"))
from targets_table import DOCUMENT, rows  # noqa: E402

WARNINGS = "-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wundef -Werror".split()
SOURCES = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "mm").rglob("*.c"))
# Those that every call may go through: allocate, free, caches, the buddy, locks.
HOT = ["mm/alloc/free.c", "mm/alloc/page_alloc.c", "mm/buddy/buddy.c", "mm/buddy/buddy_free.c", "mm/buddy/buddy_pages.c", "mm/buddy/map.c", "mm/pcp/pcp.c", "mm/spinlock.c"]
LIBGCC = re.compile(r"__(?:aeabi_)?(?:u?[dlis]*(?:div|mod)\w*|atomic_\w+|sync_\w+)")
PROGRAMS = ["test_gfp", "test_memblock"]
LARGE = ["test_bulk"]  # it maps half a gigabyte, which a bare C library has not
SUPPORT = ["build/amalgamation/quarry.c", "build/amalgamation/quarry_debug.c", "test/host/port_host.c", "test/host/mm/machine.c",
           "test/host/mm/policy.c"]


# Three minutes of a machine with two CPUs, for all of this file.
CPU_SECONDS = 360


@pytest.fixture(scope="module", autouse=True)
def within_three_minutes():
    """CPU time, which other load leaves as it is; each of pytest's processes has its part of it."""
    def spent():
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime
    before = spent()
    yield
    assert spent() - before <= CPU_SECONDS, f"{spent() - before:.0f} s"


def run(*command, **options):
    return subprocess.run([str(word) for word in command], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, check=False, timeout=900, **options)


def compile_all(target, folder, level):
    """The objects of mm/ at this level: {source: path}."""
    def one(source):
        made = folder / (source.replace("/", "-") + level + ".o")
        done = run(*target.compiler, "-std=gnu11", level, *WARNINGS, PORT, "-Iinclude", "-c", "-o", made, source)
        assert done.returncode == 0, f"{target.name}: {done.stdout[:2000]}"
        return made
    with ThreadPoolExecutor(2) as pool:
        return dict(zip(SOURCES, pool.map(one, SOURCES)))


@pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name.replace(" ", "-"))
def test_compiles(target, tmp_path):
    objects = compile_all(target, tmp_path, "-O2")
    nm = run("nm", "-u", *(objects[source] for source in HOT)).stdout
    assert "port_panic" in nm or "memset" in nm  # it reads these objects
    asked = set(re.findall(r"U (\S+)", nm))
    wrong = {name for name in asked if LIBGCC.fullmatch(name)}
    if target.name in ("armv7-a", "armv7-r"):  # no instruction divides words there: caches are sized by it, once a CPU
        wrong -= {"__aeabi_uidiv"}
    assert not wrong, f"{target.name}: {wrong}"
    if target.small:
        everything = run("nm", "-u", *objects.values()).stdout
        assert not re.findall(r"U (__atomic\w+|__sync\w+)", everything)


def test_what_hot_paths_may_not_ask_is_seen():
    for name in ("__udivdi3", "__umoddi3", "__aeabi_uldivmod", "__atomic_load_8", "__divdi3", "__aeabi_uidiv"):
        assert LIBGCC.fullmatch(name), name
    assert not LIBGCC.fullmatch("__alloc_pages")


@pytest.mark.parametrize("target", [target for target in TARGETS if target.run is not None], ids=lambda target: target.name.replace(" ", "-"))
def test_host_programs(target, tmp_path, subresults):
    boards.build("amalgamation")
    sources = [*SUPPORT, *(word for word in target.program if word.endswith(".c"))]
    options = [word for word in target.program if not word.endswith(".c")]

    def one(source):
        made = tmp_path / (source.replace("/", "-") + ".o")
        done = run(*target.compiler, "-std=gnu11", "-O1", "-w", "-DQUARRY_HOST", "-DQUARRY_INTERNAL_NAMES", "-DCONFIG_FAULT_POINTS", *options, "-Itest/targets",
                   "-Iinclude", "-I.", "-c", "-o", made, source)
        assert done.returncode == 0, done.stdout[-2000:]
        return made
    with ThreadPoolExecutor(2) as pool:
        programs = PROGRAMS if "-nostartfiles" in options else PROGRAMS + LARGE
        mains = dict(zip(programs, pool.map(one, [f"test/host/mm/{name}.c" for name in programs])))
        support = list(pool.map(one, sources))
    results = []
    for name, main in mains.items():
        done = run(*target.compiler, *options, "-o", tmp_path / name, main, *support)
        assert done.returncode == 0, done.stdout[-2000:]
        done = run(*target.run, tmp_path / name, errors="replace")
        passed = done.returncode == 0 and "ok: " in done.stdout
        results.append((f"{name} on {target.name}", passed, done.stdout[-300:]))
    subresults(results)


@pytest.mark.parametrize("compiler", ["g++", "clang++"])
def test_headers_are_cpp17(compiler, tmp_path):
    """Each header alone, and all of them linked with the library's C."""
    headers = sorted(path.name for path in (ROOT / "include/quarry").glob("*.h"))
    for name in [*headers, "mm.h>\n#include <quarry/memblock.h"]:
        (tmp_path / "one.cc").write_text(f"#include <quarry/{name}>\n")
        done = run(compiler, "-std=c++17", "-Wall", "-Wextra", "-Werror", PORT, "-Iinclude", "-fsyntax-only", tmp_path / "one.cc")
        assert done.returncode == 0, f"{name}: {done.stdout[:2000]}"
    (tmp_path / "main.cc").write_text(
        "#include <quarry/memblock.h>\n#include <quarry/mm.h>\nstruct mm_pcpu cpu0;\nchar *ram;\nextern \"C\" { void port_log(const char *, ...) {}\n"
        "void port_panic(const char *, ...) { __builtin_trap(); } void port_kick(unsigned int) {} }\n"
        "int main() { return argc_zero() ? mm_init(nullptr) : 0; }\n".replace("argc_zero()", "alloc_pages(GFP_KERNEL, 20) != nullptr"))
    boards.build("amalgamation")
    assert run("gcc", "-O1", PORT, "-Iinclude", "-c", "-o", tmp_path / "quarry.o", "build/amalgamation/quarry.c").returncode == 0
    done = run(compiler, "-std=c++17", PORT, "-Iinclude", "-o", tmp_path / "main", tmp_path / "main.cc", tmp_path / "quarry.o")
    assert done.returncode == 0, done.stdout[:2000]


def test_big_endian_is_refused_by_name(tmp_path):
    (tmp_path / "one.c").write_text("#include <quarry/mm.h>\n")
    done = run("arm-none-eabi-gcc", "-mbig-endian", "-march=armv7-a", PORT, "-Iinclude", "-fsyntax-only", tmp_path / "one.c")
    assert done.returncode != 0 and "Quarry is for little-endian machines" in done.stdout


def test_table_of_targets():
    """docs/embedding.md has a row for each; the sizes and the stack are those of this tree, but for what another compiler makes of it."""
    boards.build("amalgamation")
    text = DOCUMENT.read_text().split("<!-- targets: ")[1]
    for target in TARGETS:
        assert f"\n| {target.name} |" in text, target.name
    for name in ("arm64", "i386"):
        shown = re.search(rf"(?m)^\| {name} \|.*$", text)[0].split("|")
        now = rows([name], count=False)[0].split("|")
        for which in (2, 3, 4):  # text, data, stack
            old, new = (int(cells[which].replace(",", "").replace("-", "0")) for cells in (shown, now))
            assert bool(old) == bool(new) and abs(old - new) <= old * 0.15, f"{name}: {old} in docs/embedding.md, {new}: make targets-table"
