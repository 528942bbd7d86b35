# SPDX-License-Identifier: BSD-2-Clause
"""
The console as a user sees it: `make run` in a terminal of 80 columns and 24 rows, which tmux emulates. Keys go in, and what is
read is the screen.
"""
import re
import struct
import time
import xml.etree.ElementTree

import pytest

import pictures
from terminal import COLUMNS, MORE, ROWS, Terminal

# What does not come back to the prompt by itself, or takes long.
NOT_RUN = {"bench", "clear", "disk", "edu", "flash", "fwcfg", "memtest", "map", "poweroff", "reboot", "shutdown", "stress", "test",
           "trap"}
MORE_LINES = ["test -l", "bench -l", "test frag", "stress seconds=1", "bench B1 B3", "why 10 GFP_ATOMIC", "help stress", "why 11",
              "nosuchcommand", "alloc 0 __GFP_MOVABLE|__GFP_RECLAIMABLE",
              "owner on", "alloc 0", "owner", "owner top", "owner since 0", "owner diff 0 1", "owner leaks 0", "owner off", "trace on", "alloc 3",
              "drain", "trace dump", "trace off", "trace disk", "trace stream x", "mem", "mem offline 0", "cma", "cma alloc 10", "range any 100",
              "slabstress 3000", "slabinfo -a", "slab kmalloc-96", "slab kmalloc-96 check", "slab 0", "compact", "badpages",
              "sysctl", "memtest 0x0-0x1000 1", "fail every=2", "alloc 0", "fail", "fail off", "help trace", "help owner", "help slab"]


@pytest.fixture(scope="module")
def terminal(setup):
    window = Terminal(setup.board)
    try:
        window.meet()
        yield window
    finally:
        window.close()


def test_no_line_is_wrapped(terminal):
    """Whatever a command prints, no line is wider than the screen."""
    terminal.run("help | grep -v nosuch")
    names = [line.split()[0] for line in terminal.history() if re.match(r"[a-z]+ .*", line) and "help" not in line.split("> ")[0]]
    names = [name for name in dict.fromkeys(names) if name.isalpha() and name not in NOT_RUN]
    terminal.tmux("clear-history")
    said = 0
    for line in [*(name for name in names if name not in {"qemu", "mm"}), *MORE_LINES]:
        terminal.run(line)
        said += 1
    assert said > 30
    lines, joined = terminal.history(), terminal.history("-J")
    assert [line for line in lines if re.fullmatch(r"kmalloc-96( +\d+){7}", line)], "slabinfo's rows have a line each"
    assert sum("quarry> " in line for line in lines) > 30 and max(map(len, lines)) <= COLUMNS
    assert [line.rstrip() for line in joined] == [line.rstrip() for line in lines], \
        [line for line in joined if len(line.rstrip()) > COLUMNS]


def test_pager(terminal):
    terminal.type("vmstat", "Enter")
    first = terminal.wait(MORE + ".*")
    assert first[0] == "nr_free_pages " + first[0].split()[1] or first[0].startswith("quarry> vmstat")
    assert sum(bool(re.match(r"\w+ \d+$", line)) for line in first) == ROWS - 1
    terminal.type("", "Enter")
    time.sleep(0.3)
    second = terminal.wait(MORE + ".*")
    assert second[:ROWS - 2] == first[1:ROWS - 1] and second[ROWS - 2] != first[ROWS - 2]
    terminal.type("q")
    assert terminal.wait("quarry>")[-2] == second[ROWS - 2]
    terminal.type("vmstat | grep nr_", "Enter")  # short enough: no pager
    terminal.wait("quarry>")
    terminal.type("vmstat; meminfo", "Enter")
    terminal.wait(MORE + ".*")
    terminal.type("", "C-c")
    assert terminal.wait("quarry>")[-2] == "^C"


def test_progress_and_ctrl_c(terminal):
    terminal.type("test", "Enter")
    terminal.wait(r"\d+ of \d+: \w+\.\w+, Ctrl-C ends after it")
    terminal.type("", "C-c")
    screen = terminal.wait("quarry>")
    assert screen[-3].startswith("Bail out! Ctrl-C") and screen[-2].startswith("# quarry: passed=")
    assert not [line for line in screen if "Ctrl-C ends" in line]


def test_log_erases_progress(terminal):
    """The log's lines, of failures that the suite makes, begin at the line's start, with nothing before them."""
    terminal.run("test api")
    lines = terminal.history()
    failures = [line for line in lines if "page allocation failure" in line]
    assert failures and all(line.startswith("[") for line in failures)
    assert not [line for line in lines if "Ctrl-C ends after it" in line]


def test_picture(terminal):
    """What `make pictures` draws is what is on the screen: each character in its place, the cursor reversed, and colours."""
    terminal.type("map type", "Enter")
    plain = terminal.wait("arrows .*")
    drawn = xml.etree.ElementTree.fromstring(
        pictures.svg(terminal.tmux("capture-pane", "-p", "-e").rstrip("\n").split("\n"), "map"))
    terminal.type("q")
    terminal.wait("quarry>")
    screen = [[" "] * COLUMNS for _ in range(ROWS)]
    texts = drawn.findall("{http://www.w3.org/2000/svg}text")
    for text in texts:
        column, row = (int(text.get("x")) - pictures.MARGIN) // pictures.CELL_WIDTH, int(text.get("y")) // pictures.CELL_HEIGHT
        screen[row - 1][column:column + len(text.text)] = text.text
    assert ["".join(row).rstrip() for row in screen][:len(plain)] == [line.rstrip() for line in plain]
    assert len({text.get("fill") for text in texts}) >= 3
    assert len(drawn.findall("{http://www.w3.org/2000/svg}rect")) == 2  # the ground, and the cursor


def test_search(terminal):
    terminal.run("gfp 0x310")
    terminal.run("drain")
    terminal.type("", "C-r")
    terminal.type("0x3")
    terminal.wait(r"\(search\) 0x3: gfp 0x310")
    terminal.type("", "C-a")
    terminal.type("why 0; ", "Enter")
    time.sleep(0.3)
    assert terminal.wait("quarry>")[-2].startswith("0x310 GFP_KERNEL|__GFP_ZERO")


def test_widths(terminal):
    terminal.type("", "C-l")
    terminal.run("buddyinfo")
    assert re.match(r"Node 0, zone    DMA32( +\d+){11}$", terminal.screen()[1]) and len(terminal.screen()[1]) <= 78
    terminal.run("clear")
    terminal.run("devices")
    assert terminal.screen()[1].split() == ["driver", "reg", "irq", "pages", "bytes", "mask", "zone", "coh", "node"]


def cells(screen):
    return "".join(line.split(" ", 1)[1] for line in screen if line.startswith("0x00"))


def test_map(terminal):
    """The cursor, zoom down to a page that was allocated, and back; another CPU at work is seen to change cells."""
    terminal.run("alloc 4")
    address = int(next(line for line in reversed(terminal.screen()) if " order 4 " in line).split()[0], 16)
    terminal.type("map", "Enter")
    screen = terminal.wait("arrows .*")
    title = re.match(r"map free: a cell is (\d+) KiB, (0x[0-9a-f]+)-", screen[0])
    size, base = int(title[1]) << 10, int(title[2], 16)
    down, right = divmod((address - base) // size, 64)
    terminal.type("", *["Down"] * down, *["Right"] * right)
    terminal.until(lambda screen: any(line.startswith(f"{base + (down * 64 + right) * size:#x}-") for line in screen))
    terminal.type("+++")

    def taken(screen):
        """A cell is a page, all are drawn, and so are the 16 that were allocated."""
        first = next((int(line.split()[0], 16) for line in screen if line.startswith("0x00")), address + 1)
        return screen[0].startswith("map free: a cell is 4 KiB") and len(cells(screen)) == 1024 and first <= address and \
            cells(screen)[(address - first) // 4096:][:16] == "#" * 16

    terminal.until(taken)
    terminal.type("---")
    terminal.until(lambda screen: screen[0].startswith(f"map free: a cell is {size >> 10} KiB, "))
    terminal.type("t")
    terminal.until(lambda screen: screen[0].startswith("map type: "))
    terminal.type("q")
    terminal.run(f"free {address:#x}")
    terminal.run("stress background orders=0-2")
    terminal.type("map age -w 1", "Enter")
    terminal.until(lambda screen: re.search("[0-3]", cells(screen)))
    terminal.type("q")
    terminal.run("test")
    assert "test: not while stress runs: 'stress stop' ends it" in terminal.screen()
    terminal.run("stress stop")
    assert "0 mismatches, buddyinfo as before" in " ".join(terminal.screen()).replace("    ", " ")


def test_the_reports_picture_is_of_this_page():
    """docs/figures/report.png says of which page it is; after a change of that `make pictures` draws it anew. README shows both pictures."""
    chunks = dict(pictures.png_chunks((pictures.ROOT / "docs/figures/report.png").read_bytes()))
    assert chunks[b"tEXt"] == b"Source\0" + pictures.page_sum().encode() and struct.unpack_from(">II", chunks[b"IHDR"]) == (1100, 1250)
    readme = (pictures.ROOT / "README.md").read_text()
    assert "](docs/figures/map.svg)" in readme and "](docs/figures/report.png)" in readme
