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
matplotlib.rcParams.update({"svg.hashsalt": "quarry", "svg.fonttype": "none", "font.size": 9,
                            "axes.grid": True, "grid.alpha": 0.3, "figure.figsize": (6.4, 4)})
import matplotlib.pyplot as plt  # noqa: E402

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "docs" / "figures"
ORDERS = range(11)
MEMORIES = ["1G", "4G", "16G", "64G"]
PEERS = ["Linux A", "LLFree", "Unikraft", "lk"]


def load():
    return {isa: json.loads((OUT / f"{isa}.json").read_text())
            for isa in ("rv64", "arm64") if (OUT / f"{isa}.json").exists()}


def points(axes, pairs, label, **style):
    pairs = [(x, y) for x, y in pairs if y]
    if pairs:
        axes.plot([x for x, _ in pairs], [y for _, y in pairs], marker="o", markersize=3,
                  label=label, **style)


def save(figure, axes, name):
    axes.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(OUT / f"{name}.svg", metadata={"Date": None, "Creator": None})
    plt.close(figure)


def by_order(data, peers):
    figure, axes = plt.subplots()
    for isa, measured in data.items():
        for state, line in (("merged", "-"), ("held", "--")):
            points(axes, [(k, measured.get(f"B4.order{k}.{state}")) for k in ORDERS],
                   f"Quarry {isa}, {state}", linestyle=line)
    for peer in PEERS:
        points(axes, [(k, peers["rv64"].get(f"B4.order{k}.merged", {}).get(peer)) for k in ORDERS],
               f"{peer}, rv64", linestyle=":")
    axes.set(yscale="log", xlabel="order", ylabel="instructions", xticks=list(ORDERS),
             title="one allocation and its free, by order (B4)")
    save(figure, axes, "cost-by-order")


def by_memory(data, peers):
    figure, axes = plt.subplots()

    def sized(measured, name):
        return [(int(size[:-1]), measured.get(name + ("" if size == "1G" else f"@{size}")))
                for size in MEMORIES]

    for isa, measured in data.items():
        for name, what in (("B8.init", "initialisation"), ("B5.max_alloc", "worst allocation, B5"),
                           ("B5.mean", "mean call, B5"), ("B1.inline.pair", "hot pair, B1")):
            points(axes, sized(measured, name), f"Quarry {isa}: {what}")
    for peer in PEERS:
        rows = peers["rv64"]
        points(axes, [(1, rows["B8.init"].get(peer)), (64, rows["B8.init@64G"].get(peer))],
               f"{peer}, rv64: initialisation", linestyle=":")
    axes.set(xscale="log", yscale="log", xlabel="RAM, GiB", ylabel="instructions",
             xticks=[1, 4, 16, 64], xticklabels=MEMORIES, title="cost by size of RAM (B8, B5, B1)")
    axes.minorticks_off()
    save(figure, axes, "cost-by-ram")


def worst(data, peers):
    figure, axes = plt.subplots()
    for isa, measured in data.items():
        for kind, line in (("alloc", "-"), ("free", "--"), ("shared", "-."), ("fail", ":")):
            points(axes, [(k, measured.get(f"worst.order{k}.{kind}")) for k in ORDERS],
                   f"Quarry {isa}, {kind}", linestyle=line)
    for kind, line in (("alloc", "-"), ("free", "--")):
        axes.axhline(peers["rv64"][f"worst.any.{kind}"]["Linux A"], color="grey", linewidth=0.8,
                     linestyle=line, label=f"Linux A, rv64, {kind}, any order")
    axes.set(yscale="log", xlabel="order", ylabel="instructions", xticks=list(ORDERS),
             title="the most expensive single call that was found")
    save(figure, axes, "worst-case")


def main():
    data = load()
    if not data:
        sys.exit("plot: no figures yet: make bench")
    peers = json.loads((HERE / "peers.json").read_text())
    by_order(data, peers)
    by_memory(data, peers)
    worst(data, peers)
    print("plots: docs/figures/*.svg")


if __name__ == "__main__":
    main()
