# SPDX-License-Identifier: BSD-2-Clause
"""
consoles.py FDTMAP FOLDER: on which UART each device tree of a folder would print, as fdtmap --console says it: how many
of a kind, how many have one, and those that have none with the reason.
"""
import collections
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path


def ask(fdtmap, dtb):
    """(kind, None), or (None, why not)."""
    run = subprocess.run([fdtmap, "--console", dtb], capture_output=True, text=True, check=False, timeout=120)
    if run.returncode == 0:
        return run.stdout.split()[0], None
    return None, run.stderr.strip().split(": ", 2)[2]


def survey(fdtmap, folder):
    """{name of a tree: (kind, why not)}"""
    trees = sorted(Path(folder).glob("*.dtb"))
    with ThreadPoolExecutor(2) as pool:
        return dict(zip((tree.stem for tree in trees), pool.map(lambda tree: ask(fdtmap, tree), trees)))


def main():
    found = survey(*sys.argv[1:])
    kinds = collections.Counter(kind for kind, _ in found.values() if kind)
    for kind, count in kinds.most_common():
        print(f"{count:5} {kind}")
    for tree, (kind, why) in found.items():
        if not kind:
            print(f"    - {tree}: {why}")
    print(f"{sum(kinds.values())} of {len(found)} trees have a console that is known "
          f"({100 * sum(kinds.values()) / len(found):.1f} %)")


if __name__ == "__main__":
    main()
