# SPDX-License-Identifier: BSD-2-Clause
"""
What others get: `make install` into an empty folder, from it each program of examples/ outside the tree, with its own Makefile; and
mm/ in one source file.
"""
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import boards
from board import ROOT
from test_library import check_names

ICOUNT = "-icount shift=0,align=off,sleep=off"
GLUE_LINES = 60


# A make that runs this passes its options on, and an example's Makefile has none of them.
ENVIRONMENT = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}


def run(*command, **options):
    return subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, check=False, timeout=600, **{"env": ENVIRONMENT, **options})


@pytest.fixture
def installed(tmp_path):
    boards.build("install", f"DESTDIR={tmp_path}/installed", "PREFIX=/usr", "ISA=host")
    return tmp_path / "installed/usr"


@pytest.fixture
def example(installed, tmp_path):
    """example(NAME, TARGET, ..): make in a copy of it, outside the tree."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples",
                    ignore=shutil.ignore_patterns("*.elf", "hosted/hosted", "build"))

    def make(name, target="run", *variables):
        done = run("make", "-C", tmp_path / "examples" / name, f"QUARRY={installed}", target, *variables)
        assert done.returncode == 0, done.stdout[-3000:]
        assert "RWX" in done.stdout or "warning" not in done.stdout, done.stdout[-3000:]
        return done.stdout
    return make


def test_makefiles_are_short():
    makefiles = sorted((ROOT / "examples").glob("*/Makefile"))
    assert len(makefiles) == 7
    for path in makefiles:
        lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
        assert len(lines) <= 10, path


@pytest.mark.parametrize("name, said", [
    ("hosted", r"hosted: order 3 at 0x\w+, freed: 0\n.*double free.*\nhosted: freed again: -\d+\n"),
    ("cmake-consumer", r"hosted: order 3 at 0x\w+, freed: 0\n.*double free.*\nhosted: freed again: -\d+\n"),
    ("bare-riscv64", r"bare-riscv64: order 3 at 0x\w+ freed\n(?s:.*)bare-riscv64: a second free is refused\n"),
    ("bare-arm64", r"bare-arm64: order 3 at 0x\w+ freed\n(?s:.*)bare-arm64: a second free is refused\n"),
    ("smp-riscv64", r"blocks of the largest order before and after: (\d+), \1; harts were kicked\n"),
    ("rtos", r"rtos: 4 threads finished, wrong: 0; switches waited for the allocator\n"),
])
def test_example(example, name, said):
    text = example(name).replace("\r", "")
    assert re.search(said, text), text[-2000:]


def tiny_kernel(text):
    found = re.search(r"kinit (\d+) instructions, a page in fork or exit (\d+); forks (\d+), preempted (\d+), "
                      r"runs by hart (\d+), (\d+), (\d+)", text)
    assert found, text[-2000:]
    return tuple(int(number) for number in found.groups())


def test_tiny_kernel(example):
    """Three harts, timer preemption and a load of forks; what it takes before and after, counted on one hart."""
    counted = {}
    for allocator in ("before", "after"):
        *_, forks, preempted, first, second, third = tiny_kernel(example("tiny-kernel", f"run-{allocator}"))
        assert forks >= 2000 and preempted > 0 and min(first, second, third) > 0
        counted[allocator] = tiny_kernel(example("tiny-kernel", f"run-{allocator}", "SMP=1", f"QEMU_EXTRA={ICOUNT}"))
        print(f"tiny-kernel {allocator}: kinit {counted[allocator][0]} instructions, a page in fork or exit {counted[allocator][1]}")
    assert counted["after"][0] * 20 < counted["before"][0]
    assert counted["after"][1] < 150
    texts = [re.sub(r"(?s)/\*.*?\*/", "", path.read_text()) for path in (ROOT / "examples/tiny-kernel/after").iterdir()]
    glue = sum(bool(line.strip()) for text in texts for line in text.splitlines())
    assert 20 < glue <= GLUE_LINES, f"{glue} lines of glue"


def test_readme_shows_an_example():
    """As `make readme` writes it there."""
    shown = re.search(r"```c\n(.*?#include <quarry/mm\.h>.*?)```", (ROOT / "README.md").read_text(), re.S)[1]
    assert shown in (ROOT / "examples/bare-riscv64/main.c").read_text()


def test_installed_tree(installed, tmp_path):
    """The archives serve a program that knows pkg-config alone; a version that does not fit is refused by CMake."""
    (tmp_path / "empty").mkdir()
    for path in installed.rglob("*"):
        if path.suffix in (".h", ".pc", ".cmake", ".c", ".md"):
            assert str(ROOT) not in path.read_text(), path
    flags = run("pkg-config", "--define-prefix", "--cflags", "quarry", env={"PKG_CONFIG_PATH": f"{installed}/lib/pkgconfig", "PATH": "/usr/bin"})
    assert flags.returncode == 0 and f"-I{installed}/include" in flags.stdout, flags.stdout
    (tmp_path / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.16)\nproject(x C)\nfind_package(Quarry 99.0 REQUIRED)\n")
    done = run("cmake", "-S", tmp_path, "-B", tmp_path / "empty", f"-DCMAKE_PREFIX_PATH={installed}")
    assert done.returncode != 0 and "99.0" in done.stdout


@pytest.mark.parametrize("level", ["-O2", "-O3", "-Os"])
def test_amalgamation_compiles_alone(tmp_path, level):
    """One command a file, no warning, nothing asked of the C library but four functions."""
    boards.build("amalgamation")
    for path in (ROOT / "build/amalgamation").glob("quarry*.[ch]"):
        shutil.copy(path, tmp_path)
    shutil.copy(ROOT / "examples/hosted/hosted_port.h", tmp_path / "my_port.h")
    for compiler in ("gcc", "clang"):
        for source in ("quarry.c", "quarry_debug.c"):
            done = run(compiler, level, "-Wall", "-Wextra", "-Werror", '-DQUARRY_PORT_HEADER="my_port.h"', "-I.", "-c", source, cwd=tmp_path)
            assert done.returncode == 0, done.stdout[-2000:]
    for source in ("quarry.o", "quarry_debug.o"):
        check_names(set(run("nm", "-g", "--defined-only", "--format=just-symbols", tmp_path / source).stdout.split()), whole=False)
    needs = set(run("nm", "-u", tmp_path / "quarry.o").stdout.split()) - {"U", "_GLOBAL_OFFSET_TABLE_"}
    assert needs - {"cpu0", "ram"} <= {"memcpy", "memmove", "memset", "memcmp", "port_log", "port_panic", "port_kick"}, needs


# Those that go through most of mm/ in least time; `make host-one` builds all.
ONE = ["test_bulk", "test_embedding", "test_gfp", "test_memblock", "test_memblock_alloc", "test_pcp", "test_policy"]


@pytest.mark.parametrize("name", ONE)
def test_amalgamation_passes_the_host_program(name):
    boards.build(f"build/host/one/{name}")
    done = run(ROOT / "build/host/one" / name, cwd=ROOT)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("port,listed", [("quarry/port/one_cpu.h", ""), ("include/quarry/port/one_cpu.h", ""),
                                         ("examples/hosted/hosted_port.h", " examples/hosted/hosted_port.h")])
def test_each_port_is_installed_once(port, listed):
    done = run("make", "-n", "install", "DESTDIR=/nowhere", "ISA=host", f"QUARRY_PORT_HEADER={port}", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    there = " ".join(sorted(str(path.relative_to(ROOT)) for path in (ROOT / "include/quarry/port").glob("*.h")))
    assert re.search(rf"install -m 644 {there}{listed} +/nowhere/usr/local/include/quarry/port\n", done.stdout), done.stdout
    assert f",@PORT@,quarry/port/{Path(port).name},g" in done.stdout


def test_two_builds_are_the_same(installed, tmp_path):
    """Byte for byte, from folders of other names."""
    tree = tmp_path / "another folder's name".replace(" ", "-").replace("'", "")
    files = run("git", "ls-files", cwd=ROOT).stdout.split()
    for name in files:
        if name.startswith(("mm/", "include/", "mk/", "docs/", "boards/", "Makefile", "README", "CHANGELOG", "LICENSE")):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tree / name)
    done = run("make", "-C", tree, "-s", "install", f"DESTDIR={tmp_path}/second", "PREFIX=/usr", "ISA=host",
               env={**ENVIRONMENT, "CCACHE_DISABLE": "1"})  # a cache of objects would hand out those of the other folder
    assert done.returncode == 0, done.stdout[-2000:]
    first = {path.relative_to(installed): path.read_bytes() for path in installed.rglob("*") if path.is_file()}
    second = {path.relative_to(tmp_path / "second/usr"): path.read_bytes() for path in (tmp_path / "second/usr").rglob("*") if path.is_file()}
    assert len(first) > 25 and first.keys() == second.keys()
    for name, content in first.items():
        assert content == second[name], name
