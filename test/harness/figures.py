# SPDX-License-Identifier: BSD-2-Clause
"""
The lines `bench` prints and the sizes `make sizes` prints, as numbers, and the budgets they must keep
(budgets.txt).
"""
import re
from fnmatch import fnmatchcase
from pathlib import Path

from board import ROOT, Board, make

BUDGETS = Path(__file__).with_name("budgets.txt")
ICOUNT = ("-icount", "shift=0,align=off,sleep=off")


# Objects of mm/ that only inform, check or debug, and memblock, which peers count apart, but for the
# part that hands memory over; and what is linked only by who asks for pages between two addresses or a range, or stops a CPU.
NOT_CORE = re.compile(r"^((\w+_)?check|check_walk|advice|debug|explain|free_blocks|gfp|info|page_bad|page_info|record|record_start|slab_debug|slab_info|slab_options|slab_view|mempool|trace_text|words|memblock(_alloc|_array|_limit|_query)?|"
                      r"might_sleep|gfp_mask|nearest|report|state_hash|state_moved|buddy_range|page_between|isolation|contig|memory_hotplug|cma|page_cma|migrate|movable|compact|compact_direct|balance|mhandle|cpu_stopped)\.o$")
# Of slab/, what is linked for objects without debug options; not what is linked only by who asks for figures, or for a pool.
SLAB = {path.stem + ".o" for path in (ROOT / "mm/slab").glob("*.c")} - {"slab_check.o", "slab_debug.o", "slab_options.o", "slab_view.o",
                                                                        "slab_info.o", "mempool.o"}


def parse(text, memory="1G"):
    """
    ({"B1.inline.pair": 40.0, ..}, errors): from `bench: B1 rv64 inline pair=40.00 ..`. Figures of
    another machine than 1G with one CPU end with @LABEL (layouts.machine()). What is no figure but words of complaint is an error.
    """
    figures, errors = {}, []
    suffix = "" if memory == "1G" else f"@{memory}"
    for line in text.replace("\r", "").splitlines():
        if not line.startswith("bench: "):
            continue
        match = re.fullmatch(r"bench: (\S+) (rv64|arm64|host)((?: [a-z]\w*)?)((?: \w+=\S+)+)", line)
        if not match:
            errors.append(line)
            continue
        name = match[1].removesuffix("-quick") + match[3].replace(" ", ".")
        for key, value in (word.split("=") for word in match[4].split()):
            try:
                figures[f"{name}.{key}{suffix}"] = float(value.lstrip("~"))
            except ValueError:
                pass  # a word
            if value.startswith("~"):
                errors.append(f"{name}.{key} is not a count of instructions")
    return figures, errors


def measure(setup, commands, timeout, **options):
    """What a board printed that ran these commands under -icount and ended by itself."""
    extra = [*options.pop("extra", ()), *ICOUNT]
    board = Board(setup, append=options.pop("append", commands + "; poweroff"), extra=extra, **options)
    try:
        status = board.wait_end(timeout=timeout)
    finally:
        board.close()
    text = board.transcript.getvalue()
    if status != 0:
        raise RuntimeError(f"the machine stopped (status {status}):\n{text[-2000:]}")
    return text


def sizes(setup):
    """B9: bytes of code and constants, and of data, of mm/'s objects, of the core, of slab/ and of all; what a program links of slab/."""
    found, level = {}, None
    for line in make(f"BOARD={setup.board}", "sizes").splitlines():
        match = re.fullmatch(r"\S+ -(O\w)", line)
        if match:
            level = match[1]
        words = line.split()
        if len(words) != 6 or not words[0].isdigit():
            continue
        parts = ["all"] if "TOTAL" in words[5] else [words[5]] if words[5] == "slab_linked" else ["slab"] if words[5] in SLAB else [] if NOT_CORE.match(words[5]) else ["core"]
        for part in parts:
            for key, size in ((part, int(words[0])), (part + "_data", int(words[1]) + int(words[2]))):
                name = f"B9.{level}.{key}"
                found[name] = found.get(name, 0.0) + size
    return found


def merge_worst(figures, found):
    """Take in what a hunt found: the most expensive of each kind, whatever the machine was."""
    for name, value in found.items():
        name = name.partition("@")[0]
        if name.startswith("worst.order") or name.startswith("worst.any"):
            if name.rpartition(".")[2] in ("fresh", "virgin", "worn", "records"):
                continue
            figures[name] = max(figures.get(name, 0.0), value)


def derive(figures):
    """Figures that follow from others."""
    if "B8.init" in figures and "B8.init@64G" in figures:
        growth = (figures["B8.init@64G"] / figures["B8.init"] - 1) * 100
        figures["B8.growth_percent"] = round(growth, 2)
    if "B8.init" in figures and "B8.init@banks100" in figures:
        figures["B8.bank"] = round((figures["B8.init@banks100"] - figures["B8.init"]) / 99, 2)


class Budget:
    """One line of the file."""

    def __init__(self, line):
        name, rule, bound, aim, *rest = line.split()
        self.name, self.rule = name, rule
        self.bound, self.aim = float(bound), float(aim)
        self.missed_on = {isa: float(limit) for isa, limit in (word.split(":") for word in rest)}
        if rule not in ("<=", ">="):
            raise ValueError(f"budgets: {line!r}")

    def gate(self, isa):
        """What `make test` lets pass."""
        return self.missed_on.get(isa, self.bound)

    def keeps(self, value, limit):
        return value <= limit if self.rule == "<=" else value >= limit

    def matches(self, figures):
        """The figures it is for; B4.order* stands for all keys of these lines."""
        size = self.name.partition("@")[2]
        patterns = (self.name, self.name.split("@")[0] + ".*" + ("@" + size if size else ""))
        return {name: value for name, value in figures.items()
                if name.partition("@")[2] == size
                and any(fnmatchcase(name, pattern) for pattern in patterns)}


def budgets(path=BUDGETS):
    lines = (line.partition("#")[0].strip() for line in Path(path).read_text().splitlines())
    return [Budget(line) for line in lines if line]


def check(figures, rows, gate=None):
    """
    [(budget, name, value, verdict)] for every figure with a budget: "aim", "bound" or "MISSED".
    With gate, an ISA's name, a bound that is not met there is replaced by its last column.
    """
    results = []
    for row in rows:
        limit = row.gate(gate)
        for name, value in row.matches(figures).items():
            verdict = "aim" if row.keeps(value, row.aim) else \
                "bound" if row.keeps(value, limit) else "MISSED"
            results.append((row, name, value, verdict))
    return results
