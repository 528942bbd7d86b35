# SPDX-License-Identifier: BSD-2-Clause
"""
`make pictures`: screens of the console as SVG, for README. A machine runs in a terminal (terminal.py), keys are typed, and what
tmux shows then is drawn, colours as it has them. And the report of a recording, as Chromium shows it: a PNG, which says of which
page (test/replay/report.html) it is.
"""
import hashlib
import random
import re
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from xml.sax.saxutils import escape

from board import ROOT, Board, Setup
from terminal import COLUMNS, ROWS, Terminal

CELL_WIDTH, CELL_HEIGHT, MARGIN = 8, 17, 10
PAPER, INK = "#1c1c1c", "#dadada"
# SGR 31 to 37 (ECMA-48, 8.3.117)
COLOURS = {31: "#e06c6c", 32: "#8cc265", 33: "#e0b34c", 34: "#6ca0e0", 35: "#c583d6", 36: "#5cc0c0", 37: "#ffffff"}


def cells(line):
    """A line of capture-pane -e: [(character, SGR's colour or None, reversed?)]."""
    colour, is_reversed, found = None, False, []
    for sgr, character in re.findall(r"\x1b\[([\d;]*)m|(.)", line):
        if character:
            found.append((character, colour, is_reversed))
            continue
        for code in map(int, (sgr or "0").split(";")):
            if code == 0:
                colour, is_reversed = None, False
            elif code in (7, 27):
                is_reversed = code == 7
            elif code in COLOURS or code == 39:
                colour = None if code == 39 else code
            elif code == 49:
                pass  # the ground is never coloured
            else:
                raise ValueError(f"SGR {code} is none that the console sends")
    return found


def svg(lines, title):
    """The screen as a picture; runs of one look are one element."""
    width, height = COLUMNS * CELL_WIDTH + 2 * MARGIN, ROWS * CELL_HEIGHT + 2 * MARGIN
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           f'role="img" font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13.29">',
           f"<title>{escape(title)}</title>", f'<rect width="{width}" height="{height}" rx="6" fill="{PAPER}"/>']
    for row, line in enumerate(lines):
        at = 0
        looks = cells(line)
        while at < len(looks):
            end = at
            while end < len(looks) and looks[end][1:] == looks[at][1:]:
                end += 1
            text = "".join(character for character, _, _ in looks[at:end])
            x, y = MARGIN + at * CELL_WIDTH, MARGIN + row * CELL_HEIGHT
            ink, paper = COLOURS.get(looks[at][1], INK), None
            if looks[at][2]:
                ink, paper = PAPER, ink
                out.append(f'<rect x="{x}" y="{y}" width="{(end - at) * CELL_WIDTH}" height="{CELL_HEIGHT}" fill="{paper}"/>')
            if text.strip():
                out.append(f'<text x="{x}" y="{y + 13}" textLength="{(end - at) * CELL_WIDTH}" fill="{ink}" '
                           f'xml:space="preserve">{escape(text)}</text>')
            at = end
    return "\n".join([*out, "</svg>", ""])


def draw_map(folder):
    """Memory by type, when blocks of all orders and types were allocated and half of them freed, and CPUs go on at it."""
    window = Terminal("qemu-virt-riscv64", "SMP=4 CMD='cma=16M'")
    chance = random.Random(1)
    try:
        window.meet()
        blocks = []
        for _ in range(120):
            gfp = chance.choice(("GFP_KERNEL", "GFP_KERNEL|__GFP_MOVABLE", "GFP_KERNEL|__GFP_RECLAIMABLE"))
            window.run(f"alloc {chance.randint(3, 9)} {gfp}")
            blocks += re.findall(r"^(0x[0-9a-f]+) order", "\n".join(window.screen()[-2:]), re.M)
        for address in chance.sample(blocks, len(blocks) // 2):
            window.run(f"free {address}")
        window.run("stress background orders=0-4")
        window.type("map type", "Enter")
        window.wait("arrows .*")
        window.type("", *["Down"] * 7, *["Right"] * 20)
        title = window.screen()[0]
        base, size = int(re.search("0x[0-9a-f]+", title)[0], 16), int(re.search(r"(\d+) KiB", title)[1]) << 10
        cursor = f"{base + (7 * 64 + 20) * size:#x}-"
        window.until(lambda screen: any(line.startswith(cursor) for line in screen))
        lines = window.tmux("capture-pane", "-p", "-e").rstrip("\n").split("\n")
        window.type("q")
    finally:
        window.close()
    (folder / "map.svg").write_text(svg(lines, "The console's map of memory, by type"))


def page_sum():
    return hashlib.sha256((ROOT / "test/replay/report.html").read_bytes()).hexdigest()


def png_chunks(data):
    """(type, content) of each (PNG, 5.3)."""
    at = 8
    while at < len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        yield kind, data[at + 8:at + 8 + size]
        at += 12 + size


def with_text(data, text):
    """A PNG with a tEXt chunk more, before its last."""
    out = [data[:8]]
    for kind, content in png_chunks(data):
        for each in ([(b"tEXt", text)] if kind == b"IEND" else []) + [(kind, content)]:
            out.append(struct.pack(">I", len(each[1])) + each[0] + each[1] + struct.pack(">I", zlib.crc32(each[0] + each[1])))
    return b"".join(out)


def record():
    """The console's log of a machine of four CPUs at work, recorded: blocks of all types come and go, pages move, one request is refused."""
    board = Board(Setup("qemu-virt-riscv64"), memory="256M", extra=["-smp", "4"])
    chance, blocks = random.Random(3), []
    try:
        board.expect_prompt()
        board.cmd("trace stream 1000")
        for i in range(80):
            gfp = chance.choice(("GFP_KERNEL", "GFP_KERNEL|__GFP_MOVABLE", "GFP_KERNEL|__GFP_RECLAIMABLE"))
            blocks.append(board.cmd(f"alloc {chance.randint(4, 10)} {gfp}").split()[0])
            if i % 3 == 2:
                board.cmd(f"free {blocks.pop(chance.randrange(len(blocks)))}")
            if i % 20 == 19:
                board.cmd("stress ops=1000 orders=0-4")
        for line in ("test migrate", "fail every=1 times=1", "alloc 0", "fail off", "compact", "range any 3000", "trace off"):
            board.cmd(line)
    finally:
        board.close()
    return board.transcript.getvalue()


def draw_report(folder, log):
    """The page at a moment of the recording, its top, in a window of 1100 pixels."""
    with tempfile.TemporaryDirectory() as scratch:
        trace, page, picture = Path(scratch) / "trace", Path(scratch) / "page.html", Path(scratch) / "page.png"
        trace.write_text(log, encoding="latin-1")
        html = subprocess.run([ROOT / "build/host/replay", "--html", "-", trace], text=True, capture_output=True, check=True).stdout
        page.write_text(subprocess.run([ROOT / "mk/symbols.py", ROOT / "build/riscv64/quarry.elf"], input=html, text=True, capture_output=True,
                                       check=True).stdout)
        moment = [int(event) for event in re.findall(r'"event":(\d+),"time"', html)][150]
        subprocess.run(["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={scratch}/profile",
                        "--window-size=1100,1250", f"--screenshot={picture}", f"file://{page}#{moment}"], check=True, capture_output=True, timeout=120)
        (folder / "report.png").write_bytes(with_text(picture.read_bytes(), b"Source\0" + page_sum().encode()))


if __name__ == "__main__":
    to = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs/figures"
    draw_map(to)
    draw_report(to, record())
