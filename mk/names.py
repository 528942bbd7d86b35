# SPDX-License-Identifier: BSD-2-Clause
"""
Which names of the library a program that links it can see: names.py INCLUDE NM FOLDER ARCHIVE.o..

Each ARCHIVE.o is all objects of an archive as one. What include/quarry/ declares stays as it is, what only the archives use of each
other gets the prefix quarry__, and all else becomes local. FOLDER gets `global` and `redefine`, as objcopy reads them
(--keep-global-symbols, --redefine-syms).
"""
import re
import subprocess
import sys
from collections import Counter
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
    include, nm, folder, *archives = sys.argv[1:]
    public = declared(include)
    defined = [symbols(nm, path, "--defined-only") for path in archives]
    undefined = [symbols(nm, path, "--undefined-only") for path in archives]
    count = Counter(name for names in defined for name in names)
    api = {name for name in count if OPTIONS.sub("", name) in public}
    shared = (set().union(*undefined) & count.keys() | {name for name in count if count[name] > 1}) - api
    Path(folder, "global").write_text("".join(f"{name}\n" for name in sorted(api | shared | {"quarry__" + name for name in shared})))
    Path(folder, "redefine").write_text("".join(f"{name} quarry__{name}\n" for name in sorted(shared)))


if __name__ == "__main__":
    main()
