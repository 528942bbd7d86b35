# SPDX-License-Identifier: BSD-2-Clause
"""
Which folder uses which: the arrows that docs/design.md draws, and those the sources have: includes and,
within mm/, calls.
"""
import re
import subprocess
from pathlib import Path

from board import ROOT

DESIGN = ROOT / "docs/design.md"

# (file, folder): why that file uses what stands above it.
EXCEPTIONS = {
    ("mm/zone/memblock_free.c", "mm/buddy"): "memblock's free memory goes to the buddy: once, at boot, and late",
    ("mm/state.h", "mm/zone"): "the one state holds the zones themselves, not pointers to them",
    ("drivers/dma/dma_internal.h", "drivers/base"): "a mapping is written down with its device, which holds the record",
}

# Files that are a place of their own: what a folder offers to those below it.
DOORS = {"boot/boot.h": "boot/boot.h", "boot/console_early.h": "boot/boot.h", "mm/debug/hooks.h": "mm/debug/hooks.h",
         "drivers/serial/uart_kind.h": "drivers/serial/uart_kind.h",
         "mm/compiler.h": "mm/compiler.h", "mm/spinlock.h": "mm/spinlock.h"}


def place(path):
    """The name by which the drawing knows a file: its folder of at most two names, or a door."""
    path = str(path)
    return DOORS.get(path) or "/".join(Path(path).parent.parts[:2])


def drawing(text):
    """The lines `A B <- C <- D` of the block ```arrows: {(C, A), (C, B), (D, C)}, as `C uses A`."""
    block = re.search(r"(?ms)^```arrows\n(.*?)^```", text)[1]
    drawn = set()
    for line in block.splitlines():
        stages = [stage.split() for stage in line.split("<-")]
        for below, above in zip(stages, stages[1:]):
            drawn |= {(user, used) for used in below for user in above}
    return drawn


def closure(drawn):
    """With all that follows: what uses C may use what C may use."""
    reach = set(drawn)
    while True:
        more = {(a, d) for a, b in reach for c, d in drawn if b == c} - reach
        if not more:
            return reach
        reach |= more


def includes(path):
    """Files of the tree that a file includes."""
    for name in re.findall(r'(?m)^\s*#\s*include\s*["<]([^">]+)[">]', path.read_text()):
        for candidate in (path.parent / name, ROOT / name):
            if candidate.exists():
                yield candidate.resolve().relative_to(ROOT)
                break


def used_by_includes(folders):
    """{(file, place)}: each file of these folders, and the other places it includes something of."""
    found = set()
    for folder in folders:
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".c", ".h", ".S"):
                own = path.relative_to(ROOT)
                found |= {(str(own), place(other)) for other in includes(path)
                          if other.parts[0] in folders and place(other) != place(own)}
    return found


def symbols_of_mm(setup):
    """[(file, symbol it uses)], {symbol: file that defines it}: of mm/'s objects, which `make` has built."""
    symbols, wanted, defined = re.compile(r"^(.*?):\s*[0-9a-f]*\s+(\w) (\S+)$"), [], {}
    sources = sorted((ROOT / "mm").rglob("*.c"))
    objects = {str((setup.out / "obj" / path.relative_to(ROOT)).with_suffix(".o")): str(path.relative_to(ROOT))
               for path in sources}
    listing = subprocess.run([setup.vars["CROSS"] + "nm", "-A", *objects], check=True, text=True,
                             capture_output=True).stdout
    for name, kind, symbol in (symbols.match(line).groups() for line in listing.splitlines()):
        if kind == "U":
            wanted.append((objects[name], symbol))
        elif kind.isupper():
            defined[symbol] = objects[name]
    return wanted, defined


def files_that_use_each_other(setup):
    """[(file, file)]: two of one folder of mm/, each of which uses a symbol of the other."""
    wanted, defined = symbols_of_mm(setup)
    uses = {(user, defined[symbol]) for user, symbol in wanted if symbol in defined}
    return sorted((a, b) for a, b in uses if a < b and (b, a) in uses and Path(a).parent == Path(b).parent)


def used_by_calls(setup):
    """What used_by_includes() gives, from the symbols of mm/'s objects."""
    wanted, defined = symbols_of_mm(setup)
    defined = {symbol: place(file) for symbol, file in defined.items()}
    hooks = (ROOT / "mm/debug/hooks.h").read_text()
    for symbol, owner in defined.items():
        if owner == "mm/debug" and re.search(rf"\b{symbol}\b", hooks):
            defined[symbol] = "mm/debug/hooks.h"
    return {(user, defined[symbol]) for user, symbol in wanted
            if symbol in defined and defined[symbol] != place(user)}


def violations(used, drawn, exceptions=()):
    """Uses that follow no arrow."""
    allowed = closure(drawn)
    return sorted((user, used_place) for user, used_place in used
                  if (place(user), used_place) not in allowed and (user, used_place) not in exceptions)
