# SPDX-License-Identifier: BSD-2-Clause
"""
`make bench`: all workloads on the board under QEMU's -icount, a table beside what others need, and
every budget checked: exit status 1 if a bound is broken. The figures are kept in
docs/figures/<isa>.json, from which plot.py draws.
"""
import json
import re
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "harness"))

import figures as fig  # noqa: E402
from board import ROOT, Board, Setup, make  # noqa: E402

SIZED = "bench B1; bench B5; bench B8"
RUNS = [("1G", "bench"), ("1G", "bench worst"), ("4G", SIZED), ("4G", "bench worst"),
        ("16G", SIZED), ("64G", SIZED)]
# Objects of mm/ that only inform, check or debug, and memblock, which peers count apart.
NOT_CORE = re.compile(r"^(check|debug|gfp|info|memblock\w*|report)\.o$")


def measure(setup, memory, commands):
    print(f"-m {memory}: {commands}", flush=True)
    board = Board(setup, memory=memory, append=commands + "; poweroff", extra=fig.ICOUNT)
    try:
        status = board.wait_end(timeout=900)
    finally:
        board.close()
    text = board.transcript.getvalue()
    found, errors = fig.parse(text, memory)
    if status != 0 or errors or not found:
        sys.exit("\n".join(errors) or f"bench: the machine stopped (status {status}):\n" +
                 text[-2000:])
    return found


def sizes():
    """B9: code and constants of mm/'s objects by optimisation, of the core and of all."""
    found, level = {}, None
    for line in make("sizes").splitlines():
        match = re.fullmatch(r"\S+ -(O\w)", line)
        if match:
            level = match[1]
        words = line.split()
        if len(words) != 6 or not words[0].isdigit():
            continue
        key = f"B9.{level}.all" if "TOTAL" in words[5] else \
            None if NOT_CORE.match(words[5]) else f"B9.{level}.core"
        if key:
            found[key] = found.get(key, 0.0) + int(words[0])
    return found


def show(value):
    if isinstance(value, list):
        return "-".join(show(v) for v in value)
    return "-" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".")


def print_table(measured, peers, isa):
    columns = [name for name in peers["columns"]
               if any(name in row for row in peers[isa].values())]
    rows = [["figure", "Quarry", *columns, "better than Linux A"]]
    for name, others in peers[isa].items():
        ours = measured.get(name)
        linux = others.get("Linux A")
        ratio = "-"
        if ours and linux:
            ratio = f"{ours / linux if name.endswith('share') else linux / ours:,.1f}x"
        rows.append([name, show(ours), *(show(others.get(column)) for column in columns), ratio])
    print_rows(rows)


def print_rows(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join([row[0].ljust(widths[0])] +
                        [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])]))


def main():
    setup = Setup()
    measured = {}
    isa = {"riscv64": "rv64"}.get(setup.out.name, setup.out.name)
    for memory, commands in RUNS:
        measured.update(measure(setup, memory, commands))
    # the hunt counts at any size of RAM: the worst of all
    for name in [name for name in measured if name.startswith("worst.") and "@" in name]:
        plain = name.partition("@")[0]
        measured[plain] = max(measured.get(plain, 0), measured.pop(name))
    measured.update(sizes())
    fig.derive(measured)

    out = ROOT / "docs" / "figures"
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{isa}.json").write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n")

    print(f"\n{isa}: instructions; shares in percent, sizes in bytes")
    print_table(measured, json.loads((HERE / "peers.json").read_text()), isa)

    results = fig.check(measured, fig.budgets())
    print("\nbudgets")
    print_rows([["figure", "measured", "", "bound", "aim", "met"]] +
               [[name, show(value), row.rule, show(row.bound), show(row.aim), verdict]
                for row, name, value, verdict in results])
    missing = [row.name for row in fig.budgets() if not row.matches(measured)]
    missed = sum(verdict == "MISSED" for *_, verdict in results)
    for name in missing:
        print(f"bench: nothing was measured for the budget {name}")
    print(f"bench: {len(results)} budgets, {missed} missed, "
          f"{sum(verdict == 'aim' for *_, verdict in results)} aims met")
    return 1 if missed or missing else 0


if __name__ == "__main__":
    sys.exit(main())
