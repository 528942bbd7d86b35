# SPDX-License-Identifier: BSD-2-Clause
"""
`make bench-linux`: the same workloads in Quarry and in Linux (kernel.sh has built it), on the same
machine under QEMU's -icount, one after the other. Prints the figures side by side and writes Linux's to
docs/figures/linux-<isa>.json and the table to docs/figures/comparison.md.
"""
import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "harness"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import figures as fig  # noqa: E402
import readme  # noqa: E402
from board import BOARDS, ROOT, Board, Setup, size_of  # noqa: E402

OUT = ROOT / "docs" / "figures"
ISA = {"riscv64": "rv64", "arm64": "arm64"}
# Without a driver that finds the 8250 the early console must stay; with both each line comes twice.
CONSOLE = {"riscv64": "earlycon keep_bootcon", "arm64": "earlycon"}
TIMEOUT = 1800  # seconds; a run takes 10 to 60
# RAM, what `bench` is told, what quarry_bench= is told
RUNS = [("1G", "", ""), ("128M", "B2 B11 B12 B13", "B2,B11,B12,B13"), ("64G", "B8", "B8")]
ROWS = [
    ("B1.inline.pair", "a page taken and given back"),
    ("B1.called.pair", "the same, each through a function"),
    ("B2.alloc", "1024 pages: one allocation"),
    ("B2.free", "1024 pages: one free, in reverse"),
    ("B2.bulk.warm", "1024 pages in bulk, from the cache: a page"),
    ("B2.bulk.cold", "1024 pages in bulk, caches empty: a page"),
    ("B4.order0.merged", "pair of order 0, pool merged"),
    ("B4.order3.merged", "pair of order 3"),
    ("B4.order6.merged", "pair of order 6"),
    ("B4.order10.merged", "pair of order 10"),
    ("B4.order0.held", "pair of order 0, such a block at hand"),
    ("B4.order3.held", "pair of order 3"),
    ("B4.order6.held", "pair of order 6"),
    ("B4.order10.held", "pair of order 10"),
    ("B4.uncached.order0", "pair of order 0, per-CPU caches switched off"),
    ("B4.uncached.order3", "pair of order 3"),
    ("B4.uncached.order6", "pair of order 6"),
    ("B4.uncached.order10", "pair of order 10"),
    ("B5.mean", "churn of mixed orders: mean call"),
    ("B5.max_alloc", "churn: most expensive allocation"),
    ("B5.max_free", "churn: most expensive free"),
    ("B11.lifo2048.alloc", "2,048 pages: one allocation"),
    ("B11.lifo2048.free", "2,048 pages: one free, in reverse"),
    ("B11.fifo2048.free", "2,048 pages: one free, in order"),
    ("B11.shuffled2048.free", "2,048 pages: one free, shuffled"),
    ("B11.fifo16384.alloc", "16,384 pages: one allocation"),
    ("B11.fifo16384.free", "16,384 pages: one free, in order"),
    ("B11.shuffled16384.free", "16,384 pages: one free, shuffled"),
    ("B11.fifo65536.alloc", "65,536 pages: one allocation"),
    ("B11.fifo65536.free", "65,536 pages: one free, in order"),
    ("B11.shuffled65536.alloc", "65,536 pages, the last freed shuffled: one allocation"),
    ("B11.shuffled65536.free", "65,536 pages: one free, shuffled"),
    ("B2.free@128M", "1024 pages: one free, in reverse; 128 MiB"),
    ("B11.fifo4096.alloc@128M", "4,096 pages: one allocation; 128 MiB"),
    ("B11.fifo4096.free@128M", "4,096 pages: one free, in order; 128 MiB"),
    ("B12.fill.alloc", "the pool filled: one allocation"),
    ("B12.swing4096.alloc", "4,096 random pages of a fragmented pool: one allocation"),
    ("B12.swing4096.free", "4,096 random pages of a fragmented pool: one free"),
    ("B12.swing16384.alloc", "16,384 of them: one allocation"),
    ("B12.swing16384.free", "16,384 of them: one free"),
    ("B13.free", "all of its pages in random order: one free"),
    ("B14.address.pair", "a page by its address and back"),
    ("B14.bulk.alloc", "64 pages in bulk: a page"),
    ("B14.bulk.free", "64 pages freed in bulk: a page"),
    ("B7.share", "% of 2 MiB blocks free after churn, 10 % unmovable"),
    ("B8.init", "initialisation, 1 GiB, to the first page and the caches"),
    ("B8.init@64G", "initialisation, 64 GiB"),
    ("B8.bytes_per_page", "bytes of descriptors a page"),
    ("B10.share", "% of 2 MiB blocks free after surges of unmovable pages"),
]


def run(setup, memory, what, options, kernel):
    """What a machine printed until it switched itself off, and its figures."""
    began = time.monotonic()
    board = Board(setup, memory=memory, kernel=kernel, append=options, extra=fig.ICOUNT)
    try:
        status = board.wait_end(timeout=TIMEOUT)
    finally:
        board.close()
    text = board.transcript.getvalue()
    found, errors = fig.parse(text, memory)
    if status != 0 or errors or not found:
        raise RuntimeError("\n".join([f"{what}, {setup.isa}, {memory}: status {status}", *errors,
                                      text[-2000:]]))
    print(f"{setup.isa} {memory}: {what}: {time.monotonic() - began:.0f} s", flush=True)
    return text, found


def measure(setup):
    """(Quarry's figures, Linux's, Linux's version and compiler) on this board."""
    image = ROOT / setup.vars["O"] / "linux" / f"{setup.isa}.image"
    quarry, linux, text = {}, {}, ""
    for memory, command, names in RUNS:
        quarry.update(run(setup, memory, "Quarry", f"bench {command}; poweroff", None)[1])
        options = CONSOLE[setup.isa] + (f" quarry_bench={names}" if names else "")
        text, found = run(setup, memory, "Linux", options, image)
        linux.update(found)
    version = re.search(r"Linux version (\S+) .*?-gcc \([^)]*\) ([\d.]+)", text)
    return quarry, linux, version.groups() if version else ("of unknown version", "unknown")


def show(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 1000 else f"{value:.2f}".rstrip("0").rstrip(".")


def better(name, ours, others):
    """How many times better we are: less of a cost, more of a share."""
    if not ours or not others:
        return "-"
    ratio = ours / others if name.endswith("share") else others / ours
    return f"{ratio:,.0f}x" if ratio >= 100 else f"{ratio:.1f}x" if ratio >= 2 else f"{ratio:.2f}x"


def table(measured):
    """Rows of cells, the heading first."""
    rows = [["figure", "what it is"]]
    for isa in measured:
        rows[0] += [f"Quarry {isa}", f"Linux {isa}", "better"]
    for name, text in ROWS:
        cells = [name, text]
        for quarry, linux, _ in measured.values():
            ours, others = quarry.get(name), linux.get(name)
            cells += [show(ours), show(others), better(name, ours, others)]
        rows.append(cells)
    return rows


def print_table(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) if i < 2 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(row, widths))).rstrip())


def write(measured, setups, rows):
    for isa, (_, linux, _) in measured.items():
        (OUT / f"linux-{isa}.json").write_text(json.dumps(linux, indent=1, sort_keys=True) + "\n")
    qemu = subprocess.run([setups[0].vars["QEMU"], "--version"], capture_output=True, text=True,
                          check=True).stdout
    qemu = re.search(r"version (\S+)", qemu)[1]
    versions = "; ".join(f"{isa}: Linux {version}, gcc {gcc}"
                         for isa, (*_, (version, gcc)) in measured.items())
    heading, *body = rows
    lines = [
        "<!-- written by make bench-linux -->",
        f"Retired instructions, 1 GiB unless said, one CPU, QEMU {qemu}; {versions}, -O2, minimal",
        "configuration with SMP (test/bench/linux/kernel.config). The same source of the workloads in",
        "both, run one after the other by `make bench-linux`.",
        "",
        "| " + " | ".join(heading) + " |",
        "|--|--|" + "--:|" * (len(heading) - 2),
        *("| " + " | ".join(row) + " |" for row in body),
    ]
    (OUT / "comparison.md").write_text("\n".join(lines) + "\n")


def main():
    setups = [Setup(board) for board in BOARDS]
    setups[0].random_ram(size_of("1G"))  # once, before two boards at a time ask for it
    with ThreadPoolExecutor(len(setups)) as pool:
        measured = {ISA[setup.isa]: figures
                    for setup, figures in zip(setups, pool.map(measure, setups))}
    rows = table(measured)
    print()
    print_table(rows)
    write(measured, setups, rows)
    readme.write()
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"bench-linux: {error}")
