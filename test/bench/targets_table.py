#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""
The table of targets in docs/embedding.md: the library in one source file compiled for each at -O2, its sizes and the deepest stack of a
call; B1 and B5 where qemu-user runs its programs. That logs each instruction by itself, and what is counted is the difference between
two lengths of a run, less that of the same loops without the calls (test/targets/count.c). The port is that of examples/hosted.
"""
import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "harness"))
import stack  # noqa: E402
from board import ROOT  # noqa: E402
from targets import PORT, TARGETS  # noqa: E402

# Of targets whose programs run on this machine without it.
QEMU = {"x86-64": ["qemu-x86_64"], "i386": ["qemu-i386"]}
COUNTS = {"PAIRS": (1000, 3000), "CHURN": (10000, 40000)}
WITH_STACK = ("x86-64", "rv64 lp64", "rv64 lp64d", "arm64")  # what stack.py reads the calls of
DOCUMENT = ROOT / "docs/embedding.md"
HEAD = ["| target, -O2 | text, read-only data | data | stack | B1 | B5 |", "|--|--:|--:|--:|--:|--:|"]


def instructions(target, folder, what, count):
    program = Path(folder) / "count"
    subprocess.run([*target.compiler, "-std=gnu11", "-O2", "-w", *target.program, PORT, f"-DWHAT={what}", f"-DCOUNT={count}", "-Iinclude", "-o",
                    program, "test/targets/count.c", Path(folder) / "quarry.o"], cwd=ROOT, check=True)
    with subprocess.Popen([*QEMU.get(target.name, target.run), "-singlestep", "-d", "exec,nochain", program], stdout=subprocess.DEVNULL,
                          stderr=subprocess.PIPE) as running:
        counted = sum(line.startswith(b"Trace") for line in running.stderr)
    assert running.returncode == 0, f"{target.name}: {what} {count}"
    return counted


def cost(target, folder, what):
    """Instructions of a pair, or of a call."""
    few, many = COUNTS[what]
    with_calls, without = (instructions(target, folder, which, many) - instructions(target, folder, which, few) for which in (what, "NO_" + what))
    return (with_calls - without) / (many - few)


def row(target, folder, count):
    made = Path(folder) / "quarry.o"
    subprocess.run([*target.compiler, "-std=gnu11", "-O2", "-w", "-ffunction-sections", "-fdata-sections", "-fstack-usage", "-fno-stack-protector",
                    "-fno-asynchronous-unwind-tables", PORT, "-Iinclude", "-c", "-o", str(made), "build/amalgamation/quarry.c"], cwd=ROOT, check=True)
    text, data, bss = (int(word) for word in subprocess.run(["size", str(made)], check=True, text=True, capture_output=True)
                       .stdout.splitlines()[1].split()[:3])
    deepest, counted = "-", ["-", "-"]
    if target.name in WITH_STACK:
        prefix = target.compiler[0].removesuffix("gcc")
        deepest = f"{stack.Graph(prefix + 'objdump', [made], weak={'quarry__say_refusal'}, without={'quarry__migrate_block'}).worst()[0]:,}"
    if count and target.run is not None:
        counted = [f"{cost(target, folder, 'PAIRS'):.0f}", f"{cost(target, folder, 'CHURN'):.1f}"]
    return f"| {target.name} | {text:,} | {data + bss:,} | {deepest} | {counted[0]} | {counted[1]} |"


def rows(names=None, count=True):
    with tempfile.TemporaryDirectory() as folder:
        return [row(target, folder, count) for target in TARGETS if names is None or target.name in names]


def main():
    text = DOCUMENT.read_text()
    table = "\n".join([*HEAD, *rows()])
    DOCUMENT.write_text(re.sub(r"(?s)(<!-- targets: [^\n]* -->\n).*?(<!-- end -->)", lambda found: f"{found[1]}{table}\n{found[2]}", text))


if __name__ == "__main__":
    main()
