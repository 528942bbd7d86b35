#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
The table of targets in docs/embedding.md: the library in one source file compiled for each at -O2, its sizes and the deepest stack of a
call; B1 and B5 where `make bench` has counted them.
"""
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "harness"))
import stack  # noqa: E402
from board import ROOT  # noqa: E402
from targets import PORT, TARGETS  # noqa: E402

COUNTED = {"rv64 lp64": "rv64", "arm64": "arm64"}
WITH_STACK = ("x86-64", "rv64 lp64", "rv64 lp64d", "arm64")  # what stack.py reads the calls of
DOCUMENT = ROOT / "docs/embedding.md"
HEAD = ["| target, -O2 | text, read-only data | data | stack | B1 | B5 |", "|--|--:|--:|--:|--:|--:|"]


def row(target, folder):
    made = Path(folder) / "quarry.o"
    subprocess.run([*target.compiler, "-std=gnu11", "-O2", "-w", "-ffunction-sections", "-fdata-sections", "-fstack-usage", "-fno-stack-protector",
                    "-fno-asynchronous-unwind-tables", PORT, "-Iinclude", "-c", "-o", str(made), "build/amalgamation/quarry.c"], cwd=ROOT, check=True)
    text, data, bss = (int(word) for word in subprocess.run(["size", str(made)], check=True, text=True, capture_output=True)
                       .stdout.splitlines()[1].split()[:3])
    deepest, counted = "-", ["-", "-"]
    if target.name in WITH_STACK:
        prefix = target.compiler[0].removesuffix("gcc")
        deepest = f"{stack.Graph(prefix + 'objdump', [made], weak={'quarry__say_refusal'}).worst()[0]:,}"
    if target.name in COUNTED:
        figures = json.loads((ROOT / "docs/figures" / f"{COUNTED[target.name]}.json").read_text())
        counted = [f"{figures['B1.inline.pair']:.0f}", f"{figures['B5.mean']:.1f}"]
    return f"| {target.name} | {text:,} | {data + bss:,} | {deepest} | {counted[0]} | {counted[1]} |"


def rows(names=None):
    with tempfile.TemporaryDirectory() as folder:
        return [row(target, folder) for target in TARGETS if names is None or target.name in names]


def main():
    text = DOCUMENT.read_text()
    table = "\n".join([*HEAD, *rows()])
    DOCUMENT.write_text(re.sub(r"(?s)(<!-- targets: [^\n]* -->\n).*?(<!-- end -->)", lambda found: f"{found[1]}{table}\n{found[2]}", text))


if __name__ == "__main__":
    main()
