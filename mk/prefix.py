#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
The interface with a prefix before each name, for a program that has Linux's names for what is its own (QUARRY_LINUX_NAMES=0):

    prefix.py INCLUDE FROM TO

TO gets the headers and sources of the folder FROM, each name that the headers of INCLUDE declare with the prefix: macros, functions,
data, types, tags, constants of enums. Names that have a prefix of ours stay. The prefix comes before the whole name:
quarry_alloc_pages, quarry___free_pages, QUARRY___GFP_ZERO. A tag is one after struct, union or enum alone; what follows a dot or an
arrow is a member and stays, and so do strings.
"""
import re
import sys
from pathlib import Path

# Of ours, the port's, and what is C's where there is a C library.
STAY = re.compile(r"(?:quarry|mm|port|QUARRY|MM|PORT)_|VM_BUG_ON$|E[A-Z]+$|static_assert$")
TOKEN = re.compile(r"""(?xs) /\*.*?\*/ | \#[ \t]*include[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' |
                   (?:\.|->)\s*\w+ | \w+ | \s+ | .""")
TAGGED = {"struct", "union", "enum"}


def with_prefix(name):
    return ("quarry_" if re.search(r"[a-z]", name) else "QUARRY_") + name


def outside_of_braces(text):
    parts, depth = [], 0
    for piece in re.split(r"([{}])", text):
        depth += (piece == "{") - (piece == "}")
        if piece == "}" and not depth:
            parts.append(";")
        elif piece not in "{}" and not depth:
            parts.append(piece)
    return "".join(parts)


def code(path):
    """A file's text without comments; and without preprocessor lines too."""
    text = re.sub(r"(?s)/\*.*?\*/", " ", path.read_text())
    return text, re.sub(r"(?m)^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", "", text)


def objects(text):
    """(name, declaration) of the functions, data and typedefs that a text without preprocessor lines declares."""
    text = re.sub(r"__attribute__\s*\(\(.*?\)\)+|\bMM_\w+_DECLS\b", " ", outside_of_braces(text))
    for piece in text.split(";"):
        function = re.match(r"[\w\s*]*[\s*](\w+)\s*\((?!\s*\*)", piece.strip())
        data = re.match(r"\s*(?:typedef|extern)\s[^(]*?(\w+)\s*(?:\[[^]]*\])*\s*$", piece)
        if data or function:
            yield (data or function)[1], " ".join(piece.split())


def declared(folder):
    """(ordinary names, tags) of the headers in a folder."""
    names, tags = set(), set()
    for path in sorted(Path(folder).rglob("*.h")):
        whole, text = code(path)
        names |= set(re.findall(r"(?m)^[ \t]*#[ \t]*define[ \t]+(\w+)", whole))
        tags |= set(re.findall(r"\b(?:struct|union|enum)\s+(\w+)\s*[{;]", text))
        for body in re.findall(r"\benum\s*\w*\s*\{([^}]*)\}", text):
            names |= {item.split("=")[0].strip() for item in body.split(",")} - {""}
        names |= {name for name, _ in objects(text)}
    return tuple({name for name in which if not STAY.match(name)} for which in (names, tags))


def in_comment(text, names, tags):
    """A tag after its keyword, and a word of a sentence that looks like a name."""
    text = re.sub(r"\b(struct|union|enum) (\w+)", lambda found: f"{found[1]} {with_prefix(found[2])}" if found[2] in tags else found[0], text)
    return re.sub(r"\b\w*[A-Z_]\w*\b|\b\w+(?=\()", lambda found: with_prefix(found[0]) if found[0] in names else found[0], text)


def rename(text, names, tags):
    tokens = TOKEN.findall(text)
    words = [at for at, token in enumerate(tokens) if not token.isspace() and not token.startswith("/*")]
    follows = dict(zip(words, words[1:]))
    bodies, before, keyword = [], "", False  # for each brace that is open: is it of a struct or union?
    for at, token in enumerate(tokens):
        if at not in follows:
            tokens[at] = in_comment(token, names, tags) if token.startswith("/*") else token
            continue
        if token == "{":
            bodies.append(keyword)
        elif token == "}" and bodies:
            bodies.pop()
        if token in "{};)=" or token in ("struct", "union"):
            keyword = token in ("struct", "union")
        is_member = bodies and bodies[-1] and re.search(r"[a-z](?<!_t)$", token) and tokens[follows[at]] in ";,[:"
        if before in TAGGED and token in tags or before not in TAGGED and token in names and not is_member:
            tokens[at] = with_prefix(token)
        before = token
    return re.sub(r"\b(QUARRY_LINUX_NAMES (?:== )?)1\b", r"\g<1>0", "".join(tokens))


def main():
    include, source, target = map(Path, sys.argv[1:])
    names, tags = declared(include)
    for path in sorted(path for path in source.rglob("*") if path.suffix in (".h", ".c")):
        made = target / path.relative_to(source)
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(rename(path.read_text(), names, tags))


if __name__ == "__main__":
    main()
