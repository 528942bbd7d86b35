# SPDX-License-Identifier: BSD-2-Clause
"""Rules of the source tree that a compiler does not check."""
import re
import subprocess

import pytest

import arrows
from board import BOARDS, ROOT, make, make_variables

FOLDERS = ("boards", "boot", "console", "docs", "drivers", "dts", "examples", "include", "mk", "mm", "test")
SOURCES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*")
                 if path.suffix in (".c", ".h", ".S", ".py", ".mk", ".lds", ".dts", ".dtsi"))


def includes(path):
    return re.findall(r'(?m)^\s*#\s*include\s*["<]([^">]+)[">]', path.read_text())


def test_format():
    done = subprocess.run(["make", "-s", "format"], cwd=ROOT, text=True, capture_output=True,
                          check=False)
    assert done.returncode == 0, done.stderr[:4000]


def test_mm_depends_on_nothing_but_its_own_headers():
    # Of a compiler, not of a C library; quarry/errno.h takes the macros of an <errno.h> that there is.
    freestanding = {"limits.h", "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h"}
    debug = set(make_variables(BOARDS[0], "MM_DEBUG_SOURCES")["MM_DEBUG_SOURCES"].split())
    assert len(debug) > 10
    for path in SOURCES:
        if path.relative_to(ROOT).parts[0] not in ("mm", "include"):
            continue
        for name in includes(path):
            own = name.startswith("quarry/") or (path.parent / name).resolve().is_relative_to(ROOT / "mm")
            allowed = freestanding | ({"stdio.h", "string.h"} if str(path.relative_to(ROOT)) in debug else set()) | \
                ({"errno.h"} if path.name == "errno.h" else set())
            assert own or name in allowed, f"{path.relative_to(ROOT)} includes {name}"


@pytest.mark.parametrize("folder,forbidden", [("boot", ("drivers/", "console/", "test/")), ("drivers", ("console/", "test/")), ("console", ("test/",))])
def test_arrows_point_one_way(folder, forbidden):
    for path in SOURCES:
        if path.relative_to(ROOT).parts[0] == folder:
            for name in includes(path):
                # a door is below: the drawing says to whom
                assert not name.startswith(forbidden) or name in arrows.DOORS, f"{path.relative_to(ROOT)} includes {name}"
                # what others may use of mm/ is in include/quarry; its lock is the one thing besides
                assert not name.startswith("mm/") or name == "mm/spinlock.h", f"{path.relative_to(ROOT)} includes {name}"


def test_includes_follow_the_arrows():
    used = arrows.used_by_includes(("mm", "boot", "drivers"))
    drawn = arrows.drawing(arrows.DESIGN.read_text())
    assert not arrows.violations(used, drawn, arrows.EXCEPTIONS)
    assert len(arrows.EXCEPTIONS) <= 3
    assert all(why and use in used for use, why in arrows.EXCEPTIONS.items()), "an exception nobody needs"


def test_calls_in_mm_follow_the_arrows(setup):
    used = arrows.used_by_calls(setup)
    assert ("mm/zone/zone_init.c", "mm/memblock") in used and ("mm/alloc/free.c", "mm/debug/hooks.h") in used
    assert not arrows.violations(used, arrows.drawing(arrows.DESIGN.read_text()), arrows.EXCEPTIONS)


def test_the_arrows_drawn_are_those_there_are(setup):
    """No arrow that nobody follows, and none in a circle."""
    drawn = arrows.drawing(arrows.DESIGN.read_text())
    used = arrows.used_by_includes(("mm", "boot", "drivers")) | arrows.used_by_calls(setup)
    there = {(arrows.place(user), used_place) for user, used_place in used}
    assert drawn <= there, drawn - there
    assert not [a for a, b in arrows.closure(drawn) if a == b]


def test_files_that_use_each_other_say_why(setup):
    """Within a folder of mm/: its private header names both, and the reason."""
    pairs = arrows.files_that_use_each_other(setup)
    assert ("mm/buddy/buddy.c", "mm/buddy/fallback.c") in pairs
    for pair in pairs:
        one, other = (ROOT / file for file in pair)
        header = (one.parent / (one.parent.name + "_internal.h")).read_text()
        text = re.sub(r"\s+\*?\s*", " ", header)
        assert f"{one.name} and {other.name} call each other: " in text, pair


def test_a_broken_arrow_is_seen():
    drawn = arrows.drawing("```arrows\nmm/a <- mm/b <- mm/c\nmm/a mm/d <- mm/e\n```\n")
    assert drawn == {("mm/b", "mm/a"), ("mm/c", "mm/b"), ("mm/e", "mm/a"), ("mm/e", "mm/d")}
    used = {("mm/c/x.c", "mm/a"), ("mm/a/y.h", "mm/b"), ("mm/b/z.c", "mm/d")}
    assert arrows.violations(used, drawn) == [("mm/a/y.h", "mm/b"), ("mm/b/z.c", "mm/d")]
    assert arrows.violations(used, drawn, {("mm/a/y.h", "mm/b"): ""}) == [("mm/b/z.c", "mm/d")]


def test_each_folder_of_mm_has_one_short_header():
    """One header says what the folder offers; a private one is included by its folder alone."""
    for folder in (path for path in (ROOT / "mm").iterdir() if path.is_dir()):
        headers = {path.name for path in folder.glob("*.h")}
        private = {name for name in headers if name.endswith("_internal.h")}
        offered = {"hooks.h"} if folder.name == "debug" else {folder.name + ".h"}
        assert headers - private == offered, folder.name
    for path in (ROOT / "mm").rglob("*.h"):
        assert len(path.read_text().splitlines()) <= 150, path.relative_to(ROOT)
    for path in SOURCES:
        for other in arrows.includes(path):
            if other.parts[0] == "mm" and other.name.endswith("_internal.h"):
                assert path.parent == (ROOT / other).parent, f"{path.relative_to(ROOT)} includes {other}"


def where_is_what(text):
    """[(word, file, function)]: the table of docs/design.md."""
    section = re.search(r"(?ms)^## Where is what\n(.*?)^## ", text)[1]
    return re.findall(r"(?m)^\| .* \| `(.+)` \| `(\S+)`: `(\w+)\(\)` \|$", section)


def test_the_first_grep_finds_the_rule():
    """Of 12 rules of the allocator: the file is among the first three that have the word, and decides there."""
    table = where_is_what((ROOT / "docs/design.md").read_text())
    assert len(table) >= 12 and len({function for _, _, function in table}) == len(table)
    texts = {str(path.relative_to(ROOT)): path.read_text() for path in sorted((ROOT / "mm").rglob("*.c"))}
    for word, file, function in table:
        found = [name for name, text in texts.items() if word in text]
        assert file in found[:3], f"{word} is first in {found[:3]}, not in {file}"
        assert re.search(rf"(?m)^[a-zA-Z][^;\n]*\b{function}\([^;]*?\n\{{", texts[file]), f"{file}: {function}()"


def code(path):
    """A source file without its comments."""
    return re.sub(r"(?s)/\*.*?\*/|//[^\n]*", " ", path.read_text())


def test_reads_without_a_lock_are_listed():
    """docs/smp.md says why each is enough."""
    listed = set(re.findall(r"`(\w+)\(\)`", (ROOT / "docs/smp.md").read_text()))
    found = set()
    for path in sorted((ROOT / "mm").rglob("*.[ch]")):
        found |= set(re.findall(r"\bRACY\b(?! __attribute__)[^;({]*?(\w+)\(", code(path)))
    assert len(found) > 10 and found <= listed, found - listed


LINUX_ONLY = {"bad_page", "shrinker_alloc", "shrinker_register"}  # where it is compared with


def test_documents_name_what_there_is():
    """Each function and each path that README.md and docs/ name."""
    words = set(re.findall(r"\w+", " ".join(path.read_text() for path in SOURCES if path.suffix != ".py")))
    for document in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for quoted in re.findall(r"`([^`\n]+)`", document.read_text()):
            for function in re.findall(r"\b([A-Za-z_]\w+)\(\)", quoted):
                assert function in words | LINUX_ONLY, f"{document.name}: {quoted}"
            if re.fullmatch(r"(?:(?:boot|console|docs|drivers|include|mk|mm|test)/[\w./*-]*|[\w-]+\.[chS])", quoted):
                path = quoted.replace("NAME", "*")
                assert list(ROOT.glob(path)) or list(ROOT.glob("*/**/" + path)), f"{document.name}: {quoted}"


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
    others = [path for folder in (*FOLDERS, ".ci") for path in (ROOT / folder).rglob("*")
              if path.suffix in (".in", ".ini", ".txt", ".sh", ".pml") or path.name in ("Makefile", "Doxyfile", "run")]
    assert len(others) > 20
    for path in [*SOURCES, *others, ROOT / "Makefile", ROOT / ".clang-format"]:
        head = "\n".join(path.read_text().splitlines()[:3])
        assert "SPDX-License-Identifier: BSD-2-Clause" in head, path


def test_a_second_build_does_nothing():
    assert make("build-all", "host", "fuzzers") == ""
