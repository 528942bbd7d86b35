# SPDX-License-Identifier: BSD-2-Clause
"""
Write the tables of README.md, between its marks, from docs/figures/*.json and peers.json: riscv64. `make bench`
and `make bench-linux` end with it. A figure that a peer was not measured for is left out.
"""
import json
import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
FIGURES = ROOT / "docs" / "figures"

# What it is, and the figures.
LINUX_ROWS = [
    ("a page taken and given back", ["B1.inline.pair"]),
    ("1024 pages: one allocation, one free", ["B2.alloc", "B2.free"]),
    ("1024 pages in bulk, the caches empty: one page", ["B2.bulk.cold"]),
    ("a pair at order 3, order 10", ["B4.order3.merged", "B4.order10.merged"]),
    ("a call in a churn of mixed orders: mean", ["B5.mean"]),
    ("boot to the first page, the caches set up; 1 GiB, 64 GiB", ["B8.init", "B8.init@64G"]),
    ("descriptor and map, bytes a page", ["B8.bytes_per_page"]),
    ("2 MiB blocks free after churn, after surges", ["B7.share", "B10.share"]),
]
# What it is, RAM and CPUs, and the figures.
BEYOND_ROWS = [
    ("2,048 pages, freed in order", "1 GiB, 1", ["B11.fifo2048.alloc", "B11.fifo2048.free"]),
    ("65,536 pages, freed in order", "1 GiB, 1", ["B11.fifo65536.alloc", "B11.fifo65536.free"]),
    ("4,096 pages, freed shuffled", "1 GiB, 1", ["B11.shuffled4096.alloc", "B11.shuffled4096.free"]),
    ("65,536 pages, freed shuffled", "1 GiB, 1", ["B11.shuffled65536.alloc", "B11.shuffled65536.free"]),
    ("1,024 pages, freed in reverse: one free", "128 MiB, 1", ["B2.free@128M"]),
    ("4,096 pages, freed in order", "128 MiB, 1", ["B11.fifo4096.alloc@128M", "B11.fifo4096.free@128M"]),
    ("4,096 pages, freed in order", "1 GiB, 64", ["B11.fifo4096.alloc@64cpus", "B11.fifo4096.free@64cpus"]),
    ("4,096 pages, freed shuffled", "1 GiB, 64", ["B11.shuffled4096.alloc@64cpus", "B11.shuffled4096.free@64cpus"]),
    ("a call in a churn of mixed orders: mean", "1 GiB, 64", ["B5.mean@64cpus"]),
    ("all of the pool taken: one allocation", "1 GiB, 1", ["B12.fill.alloc"]),
    ("the same", "128 MiB, 1", ["B12.fill.alloc@128M"]),
    ("4,096 random pages of a fragmented pool", "1 GiB, 1", ["B12.swing4096.alloc", "B12.swing4096.free"]),
    ("16,384 of them", "1 GiB, 1", ["B12.swing16384.alloc", "B12.swing16384.free"]),
    ("all pages in random order: one free", "1 GiB, 1", ["B13.free"]),
    ("a page by its address and back: a pair", "1 GiB, 1", ["B14.address.pair"]),
    ("64 pages in bulk, both ways: a page", "1 GiB, 1", ["B14.bulk.alloc", "B14.bulk.free"]),
]
PEERS = ["Linux A", "LLFree", "RT-Thread", "Unikraft"]
NAMES = {"Linux A": "Linux 6.1", "RT-Thread": "RT-Thread, no checks, no lock"}


def show(name, value):
    if value is None:
        return ""
    if name.endswith("share"):
        return f"{value:.1f} %"
    if value >= 1_000_000:
        return f"{value / 1_000_000:,.1f} M" if value < 100_000_000 else f"{value / 1_000_000:,.0f} M"
    if value >= 100_000 or name.startswith("B8.init") and value >= 1000:
        return f"{value / 1000:.1f} k"
    if name == "B8.bytes_per_page":
        return f"{value:.2f}".rstrip("0").rstrip(".")
    return f"{value:.1f}" if value < 100 and value != int(value) else f"{value:,.0f}"


def cell(names, figures):
    if any(figures.get(name) is None for name in names):
        return ""
    return ", ".join(show(name, figures[name]) for name in names)


def ratios(names, ours, others):
    texts = []
    for name in names:
        if not ours.get(name) or not others.get(name):
            return ""
        ratio = ours[name] / others[name] if name.endswith("share") else others[name] / ours[name]
        texts.append(f"{ratio:,.0f}x" if ratio >= 100 else f"{ratio:.1f}x" if ratio >= 2 else f"{ratio:.2f}x")
    return ", ".join(texts)


def put(text, mark, lines):
    """The lines take the place of what is between the mark and the next end."""
    begin = f"<!-- {mark}: written by make bench -->"
    end = "<!-- end -->"
    pattern = re.escape(begin) + ".*?" + re.escape(end)
    if not re.search(pattern, text, flags=re.S):
        raise RuntimeError(f"README.md has no mark {begin}")
    return re.sub(pattern, lambda _: "\n".join([begin, *lines, end]), text, count=1, flags=re.S)


def write():
    ours = json.loads((FIGURES / "rv64.json").read_text())
    linux = FIGURES / "linux-rv64.json"
    linux = json.loads(linux.read_text()) if linux.exists() else {}
    rows = json.loads((HERE / "peers.json").read_text())["rv64"]
    peers = {peer: {name: row[peer] for name, row in rows.items() if isinstance(row.get(peer), (int, float))}
             for peer in PEERS}
    peers["Linux A"] = {**peers["Linux A"], **linux}
    first = ["| riscv64 | Quarry | Linux 6.1 | ratio |", "|--|--:|--:|--:|"]
    first += [f"| {text} | {cell(names, ours)} | {cell(names, linux)} | {ratios(names, ours, linux)} |"
              for text, names in LINUX_ROWS]
    second = ["| one allocation, one free | RAM, CPUs | Quarry | " +
              " | ".join(NAMES.get(peer, peer) for peer in PEERS) + " |", "|--|--|" + "--:|" * (1 + len(PEERS))]
    second += [f"| {text} | {where} | {cell(names, ours)} | " +
               " | ".join(cell(names, peers[peer]) for peer in PEERS) + " |" for text, where, names in BEYOND_ROWS]
    path = ROOT / "README.md"
    path.write_text(put(put(path.read_text(), "linux", first), "beyond", second))


if __name__ == "__main__":
    write()
