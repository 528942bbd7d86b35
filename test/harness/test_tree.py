# SPDX-License-Identifier: BSD-2-Clause
"""Rules of the source tree that a compiler does not check."""
import re
import subprocess

import pytest

from board import ROOT, make

FOLDERS = ("boards", "boot", "console", "docs", "drivers", "dts", "include", "mk", "mm", "test")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*")
                 if path.suffix in (".c", ".h", ".S", ".py", ".mk", ".lds", ".dts", ".dtsi"))


def includes(path):
    return re.findall(r'(?m)^\s*#\s*include\s*["<]([^">]+)[">]', path.read_text())


def test_format():
    done = subprocess.run(["make", "-s", "format"], cwd=ROOT, text=True, capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr[:4000]


def test_mm_depends_on_nothing_but_its_own_headers():
    standard = {"assert.h", "errno.h", "inttypes.h", "limits.h", "stdarg.h",
                "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h", "stdio.h", "stdlib.h", "string.h"}
    for path in SOURCES:
        if path.relative_to(ROOT).parts[0] not in ("mm", "include"):
            continue
        for name in includes(path):
            own = name.startswith("quarry/") or (path.parent / name).resolve().is_relative_to(ROOT / "mm")
            assert own or name in standard, f"{path.relative_to(ROOT)} includes {name}"


@pytest.mark.parametrize("folder,forbidden", [("boot", ("drivers/", "console/", "test/")), ("drivers", ("console/", "test/")), ("console", ("test/",))])
def test_arrows_point_one_way(folder, forbidden):
    for path in SOURCES:
        if path.relative_to(ROOT).parts[0] == folder:
            for name in includes(path):
                assert not name.startswith(forbidden), f"{path.relative_to(ROOT)} includes {name}"


def code(path):
    """A source file without its comments."""
    return re.sub(r"(?s)/\*.*?\*/|//[^\n]*", " ", path.read_text())


def test_nothing_of_a_board_in_the_sources(setup):
    """No address of a board's devices, memory or flash, and none of its names, in boot/, mm/ or drivers/."""
    blob = setup.scratch / f"addresses-{setup.isa}.dtb"
    subprocess.run([*setup.qemu(), "-machine", f"dumpdtb={blob}", "-display", "none"], check=True,
                   capture_output=True)
    tree = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", str(blob)], check=True, text=True,
                          capture_output=True).stdout
    addresses = {int(unit, 16) for unit in re.findall(r"@([0-9a-f]{5,})", tree)} | {setup.load}
    addresses = {address for address in addresses if address > 1 << 20}  # or it is as likely a size
    assert setup.ram_base in addresses and len(addresses) > 8
    names = {setup.board, *re.findall(r'(?m)^\t(?:compatible|model) = "([^"]+)"', tree)}
    assert len(names) > 1
    for path in SOURCES:
        if path.relative_to(ROOT).parts[0] not in ("boot", "mm", "drivers"):
            continue
        text = code(path)
        # with a U it is a mask of 32 bits, not an address
        found = {int(number, 16) for number in re.findall(r"\b0x([0-9a-fA-F]+)(?:UL)?\b", text)} & addresses
        assert not found, f"{path.relative_to(ROOT)}: {', '.join(hex(number) for number in found)}"
        for name in names:
            assert name not in text, f"{path.relative_to(ROOT)}: {name}"
        # with a comma it is the vendor's part of a `compatible` string
        assert not re.search("(?i)qemu(?!,)", text), path.relative_to(ROOT)


def test_every_file_has_its_licence():
    for path in SOURCES:
        head = "\n".join(path.read_text().splitlines()[:3])
        assert "SPDX-License-Identifier: BSD-2-Clause" in head, path


def test_a_second_build_does_nothing():
    assert make("build-all", "host", "fuzzers") == ""
