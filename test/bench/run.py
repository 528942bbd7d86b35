# SPDX-License-Identifier: BSD-2-Clause
"""
`make bench`: all workloads on the boards of both instruction sets under QEMU's -icount, a table beside
what others need, and every budget checked: exit status 1 if a bound is broken. The figures are kept
in docs/figures/<isa>.json, from which plot.py draws, and the tables of docs/bounds.md. `run.py moves` writes two of these
alone, what memory that moves costs and how long interrupts are masked.
"""
import json
import re
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "harness"))

import figures as fig  # noqa: E402
import readme  # noqa: E402
from board import BOARDS, ROOT, Setup, make  # noqa: E402
from layouts import machine, masked_machine  # noqa: E402

ISA = {"riscv64": "rv64", "arm64": "arm64"}
SIZED = "bench B1; bench B5; bench B8"
# The machine, commands; the hunt also on one zone, two zones, and memory in many pieces.
RUNS = [("1G", "bench; bench B17"), ("128M", "bench B2; bench B11; bench B12; bench B13; bench B16"),
        ("64cpus", "bench B2; bench B5; bench B8; bench B11; bench B12; bench B13"),
        ("4G", SIZED), ("16G", SIZED), ("64G", SIZED), ("banks16", "bench B8"), ("banks100", "bench B8"), ("cma", "bench B18"),
        ("1G", "bench worst-quick"), ("8G", "bench worst"), ("regions", "bench worst")]
KINDS = ("alloc", "steal", "rescue", "bulk", "exact", "free", "put", "shared", "exact_free", "fail",
         "mayfail", "drain")


# What is done while the stretches are counted that interrupts are masked, as test/masked names it.
MASKED = {f"masked.{name}.longest": what for name, what in {
          "fresh": "16 MiB of contiguous pages, and ranges at any page, fresh", "area": "16 MiB of an area, free",
          "ranges": "the same ranges among pages that move", "demand": "`compact_memory()`",
          "request": "requests that compact", "ahead": "`mm_balance()`", "full": "16 MiB of an area full of pages that move",
          "offline": "memory that goes offline and comes back", "idle": "a CPU with full caches becomes idle",
          "others": "each pageblock as a range, three CPUs' caches full", "drain": "`drain_all_pages()`, the same"}.items()}


# What memory that moves costs: B18's figures, as docs/bounds.md has them.
MOVES = {"B18.fresh.alloc16384": "`alloc_contig_pages()` of 64 MiB, fresh", "B18.fresh.free16384": "`free_contig_range()` of it",
         "B18.half.alloc16384": "the same pages, half of 1 GiB in use by pages that move, copies included",
         **{f"B18.left{n}.page": f"a page that `compact_memory()` moves, beside its copy, {n} % in use" for n in (80, 50, 25, 10)},
         "B18.surge.page": "the same after surges of pages that stay (B10)",
         **{f"B18.direct.order{n}": f"a request of order {n} that compacts, every second page in use, beside the copies" for n in (1, 3, 9)},
         "B18.cma.alloc@cma": "`cma_alloc()` of 16 MiB, the area free", "B18.cma.release@cma": "`cma_release()` of it",
         "B18.cma.full@cma": "`cma_alloc()` of 16 MiB, the area full of pages that move, copies included",
         "B18.uncached.fixed": "a single page that no cache has", "B18.uncached.fixed@cma": "the same where there is an area",
         "B18.uncached.movable@cma": "the same, movable", "B18.cma.served@cma": "one that the area serves",
         "B18.cma.back@cma": "that page, freed"}


def run_masked(setup):
    """masked.*.longest: from the image that counts them."""
    make(f"BOARD={setup.board}", "masked")
    text = fig.measure(setup, "masked", timeout=1800, **masked_machine(setup, "masked"))
    found, errors = fig.parse(text)
    if errors or not found:
        raise RuntimeError("\n".join(errors) or f"no figures:\n{text[-2000:]}")
    return found


def run(setup, memory, commands):
    began = time.monotonic()
    text = fig.measure(setup, commands, timeout=1800, **machine(setup, memory, commands))
    found, errors = fig.parse(text, memory)
    if errors or not found:
        raise RuntimeError("\n".join(errors) or f"no figures:\n{text[-2000:]}")
    print(f"{setup.isa} {memory}: {commands}: {time.monotonic() - began:.0f} s", flush=True)
    return found


def measure_moves(setup):
    """Those of MOVES and MASKED alone."""
    return {**run(setup, "1G", "bench B18"), **run(setup, "cma", "bench B18"), **run_masked(setup)}


def measure_board(setup):
    """All figures of a board."""
    measured = {}
    for memory, commands in RUNS:
        found = run(setup, memory, commands)
        if "worst" in commands:
            fig.merge_worst(measured, found)
        else:
            measured.update(found)
    measured.update(fig.sizes(setup))
    measured.update(run_masked(setup))
    fig.derive(measured)
    return measured


# ---- output -------------------------------------------------------------------------------------

def show(value):
    if isinstance(value, list):
        return "-".join(show(v) for v in value)
    text = "-" if value is None else f"{value:,.2f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def print_rows(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join([row[0].ljust(widths[0])] +
                        [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]).rstrip())


def print_table(measured, peers):
    """Beside the others' figures, those of Linux as the ratio."""
    columns = [name for name in peers["columns"]
               if any(name in row for row in peers["rows"].values())]
    rows = [["figure", "Quarry", *columns, "better than Linux A"]]
    for name, others in peers["rows"].items():
        ours, linux = measured.get(name), others.get("Linux A")
        ratio = "-"
        if ours and linux:
            ratio = f"{ours / linux if name.endswith('share') else linux / ours:,.1f}x"
        rows.append([name, show(ours), *(show(others.get(column)) for column in columns), ratio])
    print_rows(rows)


def check(measured):
    """Print each budget; the number that is missed or was not measured."""
    rows = fig.budgets()
    results = fig.check(measured, rows)
    print_rows([["figure", "measured", "", "bound", "aim", "met"]] +
               [[name, show(value), row.rule, show(row.bound), show(row.aim), verdict]
                for row, name, value, verdict in results])
    missing = [row.name for row in rows if not row.matches(measured)]
    missed = sum(verdict == "MISSED" for *_, verdict in results)
    for name in missing:
        print(f"bench: nothing was measured for the budget {name}")
    print(f"bench: {len(results)} figures with a budget, {missed} missed, "
          f"{sum(verdict == 'aim' for *_, verdict in results)} aims met")
    return missed + len(missing)


def write_worst(measured):
    """The tables of docs/bounds.md, between its marks."""
    path = ROOT / "docs" / "bounds.md"
    if not path.exists():
        return
    text = path.read_text()
    for isa, figures in measured.items():
        kinds = [kind for kind in KINDS if figures.get(f"worst.any.{kind}")]
        lines = ["| order | " + " | ".join(kinds) + " |", "|--|" + "--:|" * len(kinds)]
        for row in [f"order{n}" for n in range(11)] + ["any"]:
            cells = (figures.get(f"worst.{row}.{kind}") for kind in kinds)
            lines.append(f"| {row.removeprefix('order')} | " +
                         " | ".join(show(cell or None) for cell in cells) + " |")
        mark = f"<!-- worst {isa}: written by make bench -->"
        end = "<!-- end -->"
        text = re.sub(re.escape(mark) + ".*?" + re.escape(end),
                      "\n".join([mark, *lines, end]), text, flags=re.S)
    path.write_text(text)


def write_table(mark, rows, measured):
    """A table of docs/bounds.md, between its marks: {figure: what it is}, both boards."""
    path = ROOT / "docs" / "bounds.md"
    lines = [f"<!-- {mark}: written by make bench -->", "| what is done | riscv64 | arm64 |", "|--|--:|--:|"]
    for figure, what in rows.items():
        value = (measured.get(isa, {}).get(figure) for isa in ("rv64", "arm64"))
        lines.append(f"| {what} | " + " | ".join(show(v if v is None else round(v)) for v in value) + " |")
    text = re.sub(re.escape(lines[0]) + ".*?<!-- end -->", "\n".join([*lines, "<!-- end -->"]), path.read_text(), flags=re.S)
    path.write_text(text)


def read_table(mark, rows):
    """{isa: {figure: number}} of that table."""
    text = (ROOT / "docs" / "bounds.md").read_text()
    table = text.partition(f"<!-- {mark}: written by make bench -->")[2].partition("<!-- end -->")[0]
    cells = {line.split("|")[1].strip(): line.split("|")[2:4] for line in table.strip().splitlines()[2:]}
    return {isa: {figure: float(cells[what][n].replace(",", "")) for figure, what in rows.items()}
            for n, isa in enumerate(("rv64", "arm64"))}


def main():
    setups = [Setup(board) for board in BOARDS]
    moves = sys.argv[1:] == ["moves"]
    with ThreadPoolExecutor(len(setups)) as pool:
        measured = {ISA[setup.isa]: figures
                    for setup, figures in zip(setups, pool.map(measure_moves if moves else measure_board, setups))}
    write_table("masked", MASKED, measured)
    write_table("moves", MOVES, measured)
    if moves:
        return 0
    out = ROOT / "docs" / "figures"
    out.mkdir(parents=True, exist_ok=True)
    for isa, figures in measured.items():
        (out / f"{isa}.json").write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    write_worst(measured)
    readme.write()

    peers = json.loads((HERE / "peers.json").read_text())
    failed = 0
    for isa, figures in measured.items():
        print(f"\n{isa}: instructions; shares in percent, sizes in bytes")
        print_table(figures, {"columns": peers["columns"], "rows": peers[isa]})
        print(f"\n{isa}: budgets")
        failed += check(figures)
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RuntimeError as error:
        sys.exit(f"bench: {error}")
