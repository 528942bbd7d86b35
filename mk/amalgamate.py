#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
mm/ in one source file: amalgamate.py FOLDER VERSION --core FILE.. --slab FILE.. --debug FILE..

FOLDER gets quarry.h, all public headers; quarry.c, the core; quarry_slab.c and quarry_debug.c, what is in libquarry-slab and in
libquarry-debug. The text is that of the tree, in an order that is always the same. A name that two source files have of their own gets
the file's name as a suffix, and a file's macros end with it. What is internal to the library has the prefix quarry__ for the linker, as
in the archives (names.py).
"""
import argparse
import re
from collections import Counter
from pathlib import Path

from prefix import code as code_of
from prefix import objects

ROOT = Path(__file__).resolve().parent.parent
PUBLIC = ROOT / "include/quarry"
TOKEN = re.compile(r'(?s)/\*.*?\*/|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|(?:\.|->)\s*\w+|\w+|.')
# Functions of private headers that not every part uses are no headers' any more; a name of one file may be a local one of another.
QUIET = """#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-function"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Wunneeded-internal-declaration"
#endif
"""
LICENCE = "/* SPDX-License-Identifier: BSD-2-Clause */\n"


def code(text):
    return re.sub(r"(?s)/\*.*?\*/", " ", text)


def own_names(text):
    """What a source file defines for itself: static functions and objects, types, constants of enums, macros."""
    text = code(text)
    names = set(re.findall(r"(?m)^#define (\w+)", text))
    text = re.sub(r"(?m)^#(?:[^\n]*\\\n)*[^\n]*", "", text)
    text = re.sub(r"__attribute__\s*\(\(.*?\)\)\)?", "", text)
    names |= set(re.findall(r"(?m)^(?:static )?(?:const )?(?:struct|union|enum) (\w+)\s*\{", text))
    for body in re.findall(r"(?ms)^enum \w*\s*\{(.*?)\}", text):
        names |= set(re.findall(r"(?:^|,)\s*(\w+)", body))
    for line in re.findall(r"(?m)^(?:[A-Z_]+ )*(?:static|MM_OUTLINE|MM_APART)\b[^;={]*", text):
        found = re.match(r"[^(]*?(\w+)\s*(?:\(|\[|$)", " ".join(line.split()))
        names.add(found[1])
    names |= set(re.findall(r"(?m)^\} (\w+)", text))
    return names - {"struct", "union", "enum"}


def rename(text, names, suffix):
    if not names:
        return text
    tokens = TOKEN.findall(text)
    return "".join(f"{token}_{suffix}" if token in names else token for token in tokens)


class Unit:
    """One file that is made: the headers it has already, and its text."""

    def __init__(self, title, public):
        self.seen, self.public = set(), public
        self.parts = [LICENCE, title]

    def expand(self, path):
        """The text of a file with the project's headers in place, each where it is first named."""
        text = path.read_text().replace(LICENCE, "", 1)
        out = [f"\n/* ---- {path.relative_to(ROOT)} ---- */\n"]
        for line in text.splitlines(keepends=True):
            found = re.match(r'\s*#\s*include\s*([<"])([^">]+)[">]', line)
            if not found or (found[1] == "<" and not found[2].startswith("quarry/")):
                out.append(line)
                continue
            header = PUBLIC / found[2][7:] if found[1] == "<" else (path.parent / found[2]).resolve()
            if header.parent == PUBLIC and not self.public or header in self.seen:
                continue
            self.seen.add(header)
            out.append(self.expand(header))
            out.append(f"\n/* ---- {path.relative_to(ROOT)}, goes on ---- */\n")
        return "".join(out)


def header(version):
    unit = Unit(f"/*\n * Quarry {version}, all of its interface in one header. Made of include/quarry/ by `make amalgamation`.\n */\n"
                "#ifndef QUARRY_H\n#define QUARRY_H\n", True)
    for path in (PUBLIC / "mm.h", *sorted(PUBLIC.glob("*.h"))):
        if path not in unit.seen:
            unit.seen.add(path)
            text = unit.expand(path)
            # the core does without, so that a port's header may declare a kmalloc() or kfree() of the program's
            unit.parts.append(f"\n#ifndef QUARRY_WITHOUT_SLAB{text}#endif\n" if path.name in ("slab.h", "slab_debug.h", "mempool.h") else text)
    unit.parts.append("\n#endif\n")
    return "".join(unit.parts)


def internal():
    """Functions and data that mm/'s own headers declare and the public ones do not; those of C are C's."""
    public = {name for path in PUBLIC.rglob("*.h") for name, _ in objects(code_of(path)[1])}
    return {name for path in (ROOT / "mm").rglob("*.h") for name, text in objects(code_of(path)[1])
            if not text.startswith(("static", "typedef"))} - public - {"memcmp", "memcpy", "memmove", "memset"}


def source(title, paths):
    # where size counts this one has the locks' bodies, and says so before the header is seen
    paths = sorted(paths, key=lambda path: (path.name != "spinlock.c", path))
    own = {path: own_names(path.read_text()) for path in paths}
    count = Counter(name for names in own.values() for name in names)
    hidden = internal()
    for_linker = ("/* What is internal, for the linker. QUARRY_INTERNAL_NAMES: by the names it has here. */\n#ifndef QUARRY_INTERNAL_NAMES\n" +
                  "".join(f"#define {name} quarry__{name}\n" for name in sorted(hidden)) + "#endif\n")
    core = any(path.name == "page_alloc.c" for path in paths)
    unit = Unit(title + "#define QUARRY_WITHOUT_SLAB\n" * core + '#include "quarry.h"\n' + for_linker + QUIET, False)
    for path in paths:
        text = unit.expand(path)
        # a header that this file was the first to name stays as it is
        pieces = re.split(r"(/\* ---- \S+?(?:, goes on)? ---- \*/\n)", text)
        inside = None
        for piece in pieces:
            mark = re.fullmatch(r"/\* ---- (\S+?)(?:, goes on)? ---- \*/\n", piece)
            if mark:
                inside = mark[1]
            elif inside == str(path.relative_to(ROOT)):
                piece = rename(piece, {name for name in own[path] if count[name] > 1}, path.stem)
            # one that is a macro where it is inline, or of several allocators
            unit.parts.append(re.sub(r"(?m)^#define (\w+)", lambda found: f"#undef {found[1]}\n{found[0]}" if found[1] in hidden else found[0], piece))
        macros = re.findall(r"(?m)^#define (\w+)", code(path.read_text()))
        unit.parts += [f"#undef {name}_{path.stem}\n" if count[name] > 1 else f"#undef {name}\n" for name in dict.fromkeys(macros)]
    return "".join(unit.parts)


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("version")
    for part in ("--core", "--slab", "--debug"):
        arguments.add_argument(part, nargs="*", default=[])
    options = arguments.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    made = {"quarry.h": header(options.version)}
    for name, what, paths in (("quarry.c", "the allocator", options.core), ("quarry_slab.c", "kmalloc and kmem_cache", options.slab),
                              ("quarry_debug.c", "what prints, explains and checks", options.debug)):
        made[name] = source(f"/*\n * Quarry {options.version}, {what}, in one source file. Made of mm/ by `make amalgamation`. To compile it:\n"
                            f" *   cc -O2 -DQUARRY_PORT_HEADER='\"my_port.h\"' -I. -c {name}\n */\n",
                            [ROOT / path for path in paths])
    for name, text in made.items():
        (options.folder / name).write_text(text)


if __name__ == "__main__":
    main()
