# SPDX-License-Identifier: BSD-2-Clause
"""
Which names of the library a program that links it can see: names.py INCLUDE NM CORE.o DEBUG.o FOLDER

CORE.o and DEBUG.o are all objects of an archive as one. What include/quarry/ declares stays as it is, what only the two archives use
of each other gets the prefix quarry__, and all else becomes local. FOLDER gets `global` and `redefine`, as objcopy reads them
(--keep-global-symbols, --redefine-syms).
"""
import re
import subprocess
import sys
from pathlib import Path

OPTIONS = re.compile(r"__NR_CPUS_\w*$")  # the end of a name by MM_LINK_NAME()


def declared(include):
    """Names of functions and data that the public headers declare. Those that are only mentioned do no harm."""
    text = " ".join(path.read_text() for path in sorted(Path(include).rglob("*.h")))
    text = re.sub(r"(?s)/\*.*?\*/", " ", text)
    return set(re.findall(r"\b(\w+)\(", text)) | set(re.findall(r"\bextern [^;(]*?(\w+);", text))


def symbols(nm, path, option):
    listing = subprocess.run([nm, "-g", option, path], check=True, text=True, capture_output=True).stdout
    return {line.split()[-1] for line in listing.splitlines()}


def main():
    include, nm, core, debug, folder = sys.argv[1:]
    public = declared(include)
    defined = {path: symbols(nm, path, "--defined-only") for path in (core, debug)}
    either = defined[core] | defined[debug]
    api = {name for name in either if OPTIONS.sub("", name) in public}
    shared = (symbols(nm, debug, "--undefined-only") | symbols(nm, core, "--undefined-only") |
              defined[core] & defined[debug]) & either - api
    Path(folder, "global").write_text("".join(f"{name}\n" for name in sorted(api | shared | {"quarry__" + name for name in shared})))
    Path(folder, "redefine").write_text("".join(f"{name} quarry__{name}\n" for name in sorted(shared)))


if __name__ == "__main__":
    main()
