# SPDX-License-Identifier: BSD-2-Clause
"""
Draw docs/figures/*.svg from docs/figures/<isa>.json and peers.json. The same figures give the same
files, byte for byte.
"""
import json
import sys
from pathlib import Path

try:
    import matplotlib
except ImportError:
    sys.exit("plot: no matplotlib, so no plots: apt-get install python3-matplotlib")
matplotlib.use("svg")
matplotlib.rcParams.update({
    "svg.hashsalt": "quarry", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": "#888888",
    "axes.labelcolor": "#333333", "xtick.color": "#555555", "ytick.color": "#555555",
    "axes.grid": True, "grid.color": "#dddddd", "grid.linewidth": 0.6, "axes.axisbelow": True,
    "axes.titlesize": 10, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "figure.facecolor": "white", "lines.linewidth": 1.4})
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter  # noqa: E402

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "docs" / "figures"
ORDERS = range(11)
MEMORIES = ["1G", "4G", "16G", "64G"]
ISAS = {"rv64": "riscv64", "arm64": "arm64"}
# Ours is what the eye should find; the others stay in the background. Blue and orange are told apart by
# every kind of colour vision.
OURS = {"rv64": "#0057b7", "arm64": "#d55e00"}
PEERS = {"Linux A": "#444444", "LLFree": "#009e73", "RT-Thread": "#cc79a7", "Unikraft": "#8c6d31",
         "pKVM": "#7570b3", "lk": "#56b4e9"}
PEER_NAMES = {"Linux A": "Linux 6.1"}


def thousands(value, _=None):
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.3g}"


def points(axes, pairs, colour, **style):
    """A line through what was measured; where it ends, or None if nothing was."""
    pairs = [(x, y) for x, y in pairs if y]
    if not pairs:
        return None
    style = {"marker": "o", "markersize": 3.5, **style}
    axes.plot([x for x, _ in pairs], [y for _, y in pairs], color=colour, **style)
    return pairs[-1]


def name_lines(axes, ends, gap=0.05):
    """Write each line's name at its end, moved apart where two are close (axes: log scale)."""
    to_axes = axes.transData + axes.transAxes.inverted()
    places = sorted([to_axes.transform(end)[1], end, text, colour]
                    for end, text, colour in ends if end)
    low = -1.0
    for place in places:
        place[0] = low = max(place[0], low + gap)
    excess = places[-1][0] - 0.99 if places else 0
    high = 2.0
    for place in reversed(places if excess > 0 else []):
        place[0] = high = min(place[0], 0.99, high - gap)
    for y, _, text, colour in places:
        axes.annotate(text, (1.02, y), xycoords="axes fraction", color=colour, fontsize=8,
                      va="center", annotation_clip=False)


def finish(figure, name, note):
    figure.text(0.008, 0.008, note, fontsize=7, color="#777777", va="bottom")
    figure.savefig(OUT / f"{name}.svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)


def by_order(data, peers):
    figure, panels = plt.subplots(1, 2, figsize=(10, 4.4), sharey=True)
    for axes, (isa, long_name) in zip(panels, ISAS.items()):
        measured = data.get(isa, {})
        ends = [(points(axes, [(k, measured.get(f"B4.order{k}.merged")) for k in ORDERS],
                        OURS[isa], linewidth=2.4), "Quarry", OURS[isa]),
                (points(axes, [(k, measured.get(f"B4.uncached.order{k}")) for k in ORDERS],
                        OURS[isa], linestyle="--"), "Quarry, caches off", OURS[isa])]
        for peer, colour in PEERS.items():
            pairs = [(k, peers[isa].get(f"B4.order{k}.merged", {}).get(peer)) for k in ORDERS]
            ends.append((points(axes, pairs, colour, linewidth=1), PEER_NAMES.get(peer, peer), colour))
        axes.set(yscale="log", xlabel="order (2^order pages)", xticks=list(ORDERS), title=long_name,
                 ylim=(30, 2e5))
        axes.yaxis.set_major_formatter(FuncFormatter(thousands))
        ends_of = ends  # the scale must be set before the names are placed
        name_lines(axes, ends_of)
    panels[0].set_ylabel("instructions")
    panels[1].tick_params(labelleft=True)
    figure.suptitle("One allocation and its free, by order (B4)", x=0.008, ha="left", fontsize=12)
    figure.subplots_adjust(left=0.065, right=0.885, top=0.84, bottom=0.17, wspace=0.5)
    finish(figure, "cost-by-order", "Retired instructions, QEMU virt, 1 GiB, pool fully merged. "
           "Logarithmic scale. Others' figures for orders 0, 3, 6 and 10, where measured.")


BURSTS = [1024, 2048, 4096, 16384, 65536]
BURST_KINDS = (("fifo", "freed in order", "-"), ("shuffled", "freed shuffled", "--"), ("lifo", "freed in reverse", ":"))


def burst_pair(measured, kind, n):
    """One allocation and one free of a burst, as one number; None if it was not measured."""
    name = f"B11.{kind}{n}" if n > 1024 else "B2" if kind == "lifo" else f"B3.{kind}"
    alloc, free = measured.get(f"{name}.alloc"), measured.get(f"{name}.free")
    return alloc + free if alloc and free else None


def by_burst(data, peers):
    """Where the caches end, at 1,016 pages: beside Linux by `make bench-linux`, and the others."""
    figure, panels = plt.subplots(1, 2, figsize=(10, 4.4), sharey=True)
    for axes, (isa, long_name) in zip(panels, ISAS.items()):
        axes.set(xscale="log", yscale="log", xlabel="pages of a burst", title=long_name, ylim=(25, 1200))
        axes.set_xticks(BURSTS, [f"{n:,}" for n in BURSTS])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(FuncFormatter(thousands))
        ends = [(points(axes, [(n, burst_pair(data.get(isa, {}), kind, n)) for n in BURSTS], OURS[isa],
                        linestyle=line, linewidth=2.2), f"Quarry, {text}", OURS[isa])
                for kind, text, line in BURST_KINDS]
        linux = OUT / f"linux-{isa}.json"
        linux = json.loads(linux.read_text()) if linux.exists() else {}
        for peer, colour in PEERS.items():
            figures = linux if peer == "Linux A" else {
                name: row[peer] for name, row in peers[isa].items() if name[:3] == "B11" and peer in row}
            for kind, text, line in BURST_KINDS[:2]:
                end = points(axes, [(n, burst_pair(figures, kind, n)) for n in BURSTS], colour, linestyle=line,
                             linewidth=1)
                ends.append((end, f"{PEER_NAMES.get(peer, peer)}, {text.split()[-1]}" if kind != "fifo"
                             else PEER_NAMES.get(peer, peer), colour))
        name_lines(axes, ends)
    panels[0].set_ylabel("instructions")
    panels[1].tick_params(labelleft=True)
    figure.suptitle("One allocation and its free, by size of the burst (B2, B3, B11)", x=0.008, ha="left", fontsize=12)
    figure.subplots_adjust(left=0.065, right=0.845, top=0.84, bottom=0.17, wspace=0.62)
    finish(figure, "cost-by-burst", "Retired instructions, QEMU virt, 1 GiB, one CPU, whose cache of single pages has room "
           "for 1,016. Logarithmic scales. RT-Thread checks and locks nothing.")


def by_memory(data, peers):
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.4))

    def sized(measured, name):
        return [(int(size[:-1]), measured.get(name + ("" if size == "1G" else f"@{size}")))
                for size in MEMORIES]

    for axes in (left, right):
        axes.set(xscale="log", yscale="log", xlabel="RAM, GiB")
        axes.set_xticks([int(size[:-1]) for size in MEMORIES], [size[:-1] for size in MEMORIES])
        axes.minorticks_off()
        axes.yaxis.set_major_formatter(FuncFormatter(thousands))
    ends = []
    for peer, colour in PEERS.items():
        rows = peers["rv64"]
        pairs = [(1, rows["B8.init"].get(peer)), (64, rows["B8.init@64G"].get(peer))]
        ends.append((points(left, pairs, colour, linewidth=1), PEER_NAMES.get(peer, peer), colour))
    for isa, measured in data.items():
        ends.append((points(left, sized(measured, "B8.init"), OURS[isa], linewidth=2.4),
                     f"Quarry, {isa}", OURS[isa]))
    left.set(title="boot: to the first page (B8)", ylabel="instructions", ylim=(1e3, 1e10))
    name_lines(left, ends)
    ends = []
    for isa, measured in data.items():
        for name, what, line in (("B5.max_alloc", "worst allocation, churn", ":"),
                                 ("B5.mean", "mean call, churn", "--"),
                                 ("B1.inline.pair", "hot pair", "-")):
            ends.append((points(right, sized(measured, name), OURS[isa], linestyle=line),
                         f"{what}, {isa}", OURS[isa]))
    right.set(title="Quarry: a call (B1, B5)", ylim=(20, 2000))
    name_lines(right, ends)
    figure.suptitle("Cost by size of RAM", x=0.008, ha="left", fontsize=12)
    figure.subplots_adjust(left=0.065, right=0.82, top=0.84, bottom=0.17, wspace=0.5)
    finish(figure, "cost-by-ram", "Retired instructions, QEMU virt. Logarithmic scales. "
           "Others on riscv64, measured at 1 and 64 GiB.")


def worst(data, peers):
    figure, panels = plt.subplots(1, 3, figsize=(12, 4.4), width_ratios=(1, 1, 0.95))
    kinds = (("alloc", "allocation", "-", "#0057b7"), ("free", "free", "-", "#d55e00"),
             ("put", "last put_page", "--", "#8c6d31"), ("shared", "free, shared block", ":", "#009e73"))
    for axes, (isa, long_name) in zip(panels, ISAS.items()):
        measured = data.get(isa, {})
        ends = [(points(axes, [(k, measured.get(f"worst.order{k}.{kind}")) for k in ORDERS], colour,
                        linestyle=line), text, colour) for kind, text, line, colour in kinds]
        axes.axhline(1000, color="#b00020", linewidth=0.9)
        axes.annotate("bound", (0, 1000), color="#b00020", fontsize=8, va="bottom", xytext=(0, 2),
                      textcoords="offset points")
        top = max([1200] + [end[0][1] for end in ends if end[0]] +
                  [measured.get(f"worst.any.{kind}", 0) for kind, *_ in kinds])
        axes.set(xlabel="order", xticks=list(ORDERS), title=f"{long_name}, by order", ylim=(0, top * 1.08))
        name_lines(axes, ends, gap=0.055)
    panels[0].set_ylabel("instructions")
    bars(panels[2], data, peers)
    figure.suptitle("The most expensive single successful call that a search found", x=0.008, ha="left",
                    fontsize=12)
    figure.subplots_adjust(left=0.06, right=0.985, top=0.84, bottom=0.17, wspace=0.7)
    finish(figure, "worst-case", "Retired instructions, QEMU virt, any state of the pool. "
           "How it is searched and why no state is worse: docs/bounds.md.")


def bars(axes, data, peers):
    """Beside the others: any order."""
    rows = [(f"Quarry, {isa}", data[isa].get("worst.any.alloc"), data[isa].get("worst.any.free"),
             OURS[isa]) for isa in data]
    rows += [(PEER_NAMES.get(peer, peer), peers["rv64"]["worst.any.alloc"].get(peer),
              peers["rv64"]["worst.any.free"].get(peer), colour) for peer, colour in PEERS.items()]
    rows = [row for row in rows if row[1] and row[2]][::-1]
    for y, (_, alloc, free, colour) in enumerate(rows):
        axes.barh(y + 0.2, alloc, 0.36, color=colour)
        axes.barh(y - 0.2, free, 0.36, color=colour, alpha=0.45)
        axes.annotate(thousands(alloc), (alloc, y + 0.2), xytext=(3, 0), textcoords="offset points",
                      fontsize=7, va="center", color="#333333")
        axes.annotate(thousands(free), (free, y - 0.2), xytext=(3, 0), textcoords="offset points",
                      fontsize=7, va="center", color="#777777")
    axes.set(xscale="log", xlabel="instructions", title="any order; free below, paler", xlim=(100, 2e7))
    axes.set_yticks(range(len(rows)), [row[0] for row in rows])
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    axes.minorticks_off()
    axes.xaxis.set_major_formatter(FuncFormatter(thousands))


def main():
    data = {isa: json.loads((OUT / f"{isa}.json").read_text())
            for isa in ISAS if (OUT / f"{isa}.json").exists()}
    if not data:
        sys.exit("plot: no figures yet: make bench")
    peers = json.loads((HERE / "peers.json").read_text())
    by_order(data, peers)
    by_burst(data, peers)
    by_memory(data, peers)
    worst(data, peers)
    print("plots: docs/figures/*.svg")


if __name__ == "__main__":
    main()
