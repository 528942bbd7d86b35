# SPDX-License-Identifier: BSD-2-Clause
"""
A leak that is put into a driver: `owner since` finds it, `map owner` shows it, and the report of a recording names its line.
"""
import json
import re
import subprocess

import pytest

from board import ROOT

SOURCE = "drivers/virtio/virtio_rng.c"
PLACE = "\tif (!first_rng)\n\t\treturn -ENODEV;\n"
LEAK = "\talloc_pages(GFP_KERNEL, 1);\n"
# Where the driver's objects have debug options, one of 100,000 is forgotten at each call.
OBJECT = "\t\tkmalloc(100, GFP_KERNEL);\n"
OBJECTS = f"""\tif (strcmp(slab_debug_options(), "-") != 0) {{
\t\tfor (int i = 1; i < 100000; i++)
\t\t\tkfree(kmalloc(100, GFP_KERNEL));
{OBJECT}\t}}
"""


def commands(setup, target):
    """What make would do if the driver were newer than its object."""
    return subprocess.run(["make", "-n", f"BOARD={setup.board}", "-W", SOURCE, target], cwd=ROOT, text=True, capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def leaky(setup, tmp_path_factory):
    """The image with a driver that forgets two pages at each call: its file of symbols, and the leak's line."""
    at = tmp_path_factory.mktemp("leak")
    text = (ROOT / SOURCE).read_text()
    assert text.count(PLACE) == 1
    changed = text.replace("#include <quarry/port.h>\n", "#include <quarry/mm.h>\n#include <quarry/slab_debug.h>\n")
    changed = changed.replace(PLACE, PLACE + LEAK + OBJECTS)
    line, line_of_object = (changed[:changed.index(text)].count("\n") + 1 for text in (LEAK, OBJECT))
    (at / "virtio_rng.c").write_text(changed)
    wanted = commands(setup, f"{setup.vars['OUT']}/quarry.elf").replace("\\\n", " ").split("\n")
    object_, elf = f"{setup.vars['OUT']}/obj/{SOURCE[:-2]}.o", f"{setup.vars['OUT']}/quarry.elf"
    (compile_,) = [line for line in wanted if f" {object_} {SOURCE} " in line and "gcc" in line]
    (link,) = [line for line in wanted if f" -o {elf} " in line]
    compile_ = compile_.replace(f" {object_} {SOURCE} ", f" {at}/leak.o {at}/virtio_rng.c ")
    link = link.replace(f" -o {elf} ", f" -o {at}/quarry.elf ").replace(f" {object_} ", f" {at}/leak.o ").replace(
        f"{setup.vars['OUT']}/quarry.map", f"{at}/quarry.map")
    for command in (compile_, link, f"{setup.vars['CROSS']}objcopy -O binary {at}/quarry.elf {at}/quarry.bin"):
        subprocess.run(command, shell=True, cwd=ROOT, check=True)
    return at, line, line_of_object


def named(leaky, text):
    return subprocess.run([ROOT / "mk/symbols.py", leaky[0] / "quarry.elf"], input=text, capture_output=True, text=True, check=True).stdout


def test_a_leak_in_a_driver_is_found(boot, setup, leaky):
    board = boot(memory="64M", kernel=leaky[0] / "quarry.bin", extra=["-device", "virtio-rng-device"])
    board.expect_prompt()
    board.cmd("owner on")
    for _ in range(5):
        board.cmd("rng")
    found = named(leaky, board.cmd("owner since 0"))
    here = rf"quarry\.elf\+0x[0-9a-f]+ virtio_rng_read virtio_rng\.c:{leaky[1]}"
    assert re.search(rf"(?m)^ +10 +5 +\d+  0x[0-9a-f]+ +{here}\r?$", found), found
    assert re.search(rf"(?m)^ +10 +5 +\d+  0x[0-9a-f]+ +{here}\r?$", named(leaky, board.cmd("owner top"))), found
    # the map has a letter for it
    shown = named(leaky, board.cmd("map owner"))
    letter = re.search(rf"(?m)^([a-z]) +10 pages, of {here}\r?$", shown)
    assert letter, shown
    # between two marks: three of them
    marks = []
    for calls in (3, 2, 0):
        marks.append(board.lines("owner mark")[0].removeprefix("mark "))
        for _ in range(calls):
            board.cmd("rng")
    assert re.search(rf"(?m)^ +6 +3 +\d+ .* {here}\r?$", named(leaky, board.cmd(f"owner diff {marks[0]} {marks[1]}")))
    assert re.search(rf"(?m)^ +4 +2 +\d+ .* {here}\r?$", named(leaky, board.cmd(f"owner diff {marks[1]} {marks[2]}")))
    assert board.lines(f"owner diff {marks[2]} {marks[0]}") == [f"owner: mark {marks[0]} is not after mark {marks[2]}"]
    assert board.lines("owner diff 0 9999")[0].startswith("owner: '9999' is no mark, 0 to ")
    (row, more, total) = board.lines("owner top 1")[1:]
    assert len(row.split()) >= 5 and re.fullmatch(r" *\d+ of others", more) and int(row.split()[0]) + int(more.split()[0]) == int(total.split()[0])
    assert board.lines("owner top 0") == ["owner: '0' is no number of owners"]


def test_an_object_that_leaks_is_found(boot, leaky):
    """Of 100,000 objects of a cache with U of slab_debug= one is not freed: its call site, its age, and the object itself."""
    board = boot(memory="64M", append="slab_debug=U,kmalloc-112", kernel=leaky[0] / "quarry.bin", extra=["-device", "virtio-rng-device"])
    board.expect_prompt()
    board.cmd("owner on")
    board.cmd("rng")
    here = rf"quarry\.elf\+0x[0-9a-f]+ virtio_rng_read virtio_rng\.c:{leaky[2]}"
    row = rf"(?m)^ +100 +1 +\d+  (0x[0-9a-f]+) +{here}\r?$"
    for command in ("owner leaks 0", "owner since 0", "owner top"):
        found = named(leaky, board.cmd(command))
        assert re.search(row, found) and re.search(r"(?m)^100 bytes in 1 objects\r?$", found), found
        assert re.search(rf"(?m)^ +2 +1 +\d+  0x[0-9a-f]+ +quarry\.elf\+0x[0-9a-f]+ virtio_rng_read virtio_rng\.c:{leaky[1]}\r?$", found), found
    at = re.search(row, found)[1]
    whose = named(leaky, board.cmd(f"owner {int(at, 16) + 99:#x}"))
    assert re.search(rf"(?m)^object {at} of kmalloc-112: 100 bytes, in use\r?$", whose), whose
    assert re.search(rf"(?m)^allocated from {here}, mark \d+, \d+ s ago\r?$", whose), whose
    mark = board.lines("owner mark")[0].removeprefix("mark ")
    assert board.lines(f"owner since {mark}") == ["0 pages in 0 blocks"]
    board.cmd("owner off")
    assert re.search(rf"(?m)^ +100 +1 +-  {at} +{here}\r?$", named(leaky, board.cmd("owner")))


def test_the_report_names_its_line(boot, setup, leaky, tmp_path):
    board = boot(memory="32M", kernel=leaky[0] / "quarry.bin", extra=["-device", "virtio-rng-device"])
    board.expect_prompt()
    board.cmd("trace stream")
    for _ in range(5):
        board.cmd("rng")
    board.cmd("trace off")
    (tmp_path / "trace").write_text(board.transcript.getvalue(), encoding="latin-1")
    page = subprocess.run([setup.host / "replay", "--html", "-", tmp_path / "trace"], capture_output=True, text=True, timeout=60, check=True).stdout
    figures = json.loads(re.search(r'(?s)<script id="figures" type="application/json">(.*?)</script>', named(leaky, page))[1])
    first = figures["sites"][0]
    assert (first["held"], first["blocks"]) == (10, 5)
    assert first["site"].endswith(f" virtio_rng_read virtio_rng.c:{leaky[1]}"), first
