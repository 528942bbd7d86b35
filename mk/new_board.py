# SPDX-License-Identifier: BSD-2-Clause
"""
new_board.py FILE.dtb: what of a device tree this firmware supports, by which driver, and what it does not; its memory map
and console as build/host/fdtmap sees them. With --name NAME it writes boards/NAME besides: `make new-board`.

Drivers are read from drivers/, so nothing here lists them. A node counts as the driver core counts it: enabled, it and all
above it, and with a `compatible` that a driver of its instruction set knows.
"""
import argparse
import collections
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MIB = 1 << 20
UART = "uart"  # for a row of uart_kinds.c, whose drivers take the console and no other
ARMV7 = re.compile(r"arm,(arm.*|cortex-(a5|a7|a8|a9|a12|a15|a17|r.*|m.*))|.*krait|.*scorpion")
PSCI = ("arm,psci", "arm,psci-0.2", "arm,psci-1.0")
WAYS = ("PSCI", "spin-table")
TIMERS = ("arm,armv8-timer", "arm,armv7-timer")
QEMU = {"riscv64": "qemu-system-riscv64", "arm64": "qemu-system-aarch64"}


# ---- the tree ----


class Node:
    """A node of a blob: its path, properties, and the node above it."""

    def __init__(self, name, parent):
        self.path = "/" if parent is None else f"{parent.path.rstrip('/')}/{name}"
        self.parent, self.props = parent, {}

    def strings(self, name):
        """Of a line each, in print: they go into files of ours."""
        texts = [text.decode("latin-1") for text in self.props.get(name, b"").split(b"\0") if text]
        return [re.sub(r"[^ -~]", "?", text) for text in texts]

    def string(self, name, default=""):
        return (self.strings(name) or [default])[0]

    def number(self, name, default):
        return int.from_bytes(self.props[name], "big") if name in self.props else default

    def enabled(self):
        return self.string("status", "okay") in ("okay", "ok") and (self.parent is None or self.parent.enabled())


def read_tree(blob):
    """All nodes of a blob, the root first (devicetree specification, chapter 5): of one that fdtmap takes for whole."""
    _, _, at, strings = struct.unpack(">4I", blob[:16])
    nodes, node = [], None
    while True:
        (tag,) = struct.unpack_from(">I", blob, at)
        at += 4
        if tag == 1:
            end = blob.index(b"\0", at)
            node = Node(blob[at:end].decode("latin-1"), node)
            nodes.append(node)
            at = (end + 4) & ~3
        elif tag == 2:
            node = node.parent
        elif tag == 3:
            length, name = struct.unpack_from(">II", blob, at)
            name = blob[strings + name:blob.index(b"\0", strings + name)].decode("latin-1")
            node.props[name] = blob[at + 8:at + 8 + length]
            at = (at + 8 + length + 3) & ~3
        elif tag == 9:
            return nodes


def cpus_of(nodes):
    return [node for node in nodes if node.string("device_type") == "cpu"]


def isa_of(nodes):
    """The instruction set, by the CPUs; None: not one of ours."""
    names = [name for cpu in cpus_of(nodes) for name in cpu.strings("compatible")]
    if any(name == "riscv" for name in names):
        return "riscv64"
    return "arm64" if names and not any(ARMV7.fullmatch(name) for name in names) else None


# ---- the drivers ----


def literals(text):
    """The strings of C source, without its comments."""
    return re.findall(r'"([^"\n]*)"', re.sub(r"/\*.*?\*/", "", text, flags=re.S))


def drivers_of(isa, others):
    """{compatible: driver} of the sources built for an instruction set: all but `others`."""
    known = {}
    for source in sorted((ROOT / "drivers").glob("*/*.c")):
        if str(source.relative_to(ROOT / "drivers").with_suffix("")) in others:
            continue
        text = source.read_text()
        for name, table in re.findall(r'\bDRIVER\(\w+,\s*"([^"]+)",\s*\w+,\s*(\w+),', text):
            listed = re.search(rf"\b{table}\[\]\s*=\s*\{{(.*?)\}};", text, re.S)
            known.update(dict.fromkeys(literals(listed[1]) if listed else [], name))
    known.pop("arm,primecell", None)  # of all Arm's cells; the driver looks at which it is
    return dict.fromkeys(literals((ROOT / "drivers/serial/uart_kinds.c").read_text()), UART) | known


def supported(nodes, known, console):
    """
    [(node, driver)] of the enabled nodes that a driver takes, CPUs left out; console: a path, or None. BCM2711's interrupt-controller
    beside its GIC has no #interrupt-cells: nothing is wired to it.
    """
    found = []
    for node in nodes:
        driver = next((known[name] for name in node.strings("compatible") if name in known), None)
        no_controller = node.path.rsplit("/", 1)[-1].startswith("interrupt-controller") and "#interrupt-cells" not in node.props
        if driver and (driver != UART or node.path == console) and node.enabled() and node.string("device_type") != "cpu" and not no_controller:
            found.append((node, driver))
    return found


def unsupported(nodes, known):
    """Enabled nodes with registers in memory that no driver knows; what lies on I2C, SPI and the like is not looked at."""
    return [node for node in nodes if node.strings("compatible") and "reg" in node.props and node.enabled()
            and node.string("device_type") not in ("cpu", "memory")
            and node.parent and node.parent.number("#size-cells", 1) != 0
            and "/reserved-memory" not in node.path and not any(name in known for name in node.strings("compatible"))]


# ---- what it comes to ----


def start_of_cpus(nodes, isa):
    """(CPUs that are there, how many run us, why not all)."""
    there = [cpu for cpu in cpus_of(nodes) if cpu.enabled()
             and not (isa == "riscv64" and cpu.string("mmu-type") in ("", "riscv,none"))]
    if isa == "riscv64":
        return len(there), len(there), "by the SBI"
    psci = has(nodes, *PSCI)
    ways = [way_of(cpu, psci) for cpu in there]
    known = [way for way in ways if way in WAYS]
    if len(known) == len(ways):
        return len(there), len(there), f"by {', '.join(sorted(set(ways)))}"
    # the one that the loader starts runs whatever the tree says
    return len(there), max(len(known), 1), f"{', '.join(sorted(set(ways) - set(WAYS)))}; known: {', '.join(WAYS)}, or entry at EL3"


def way_of(cpu, psci):
    """How an arm64 CPU is started, or why it is not; psci: is there such a node?"""
    method = cpu.string("enable-method")
    if method == "spin-table":
        return "spin-table" if len(cpu.props.get("cpu-release-addr", b"")) in (4, 8) else "spin-table without cpu-release-addr"
    return "PSCI" if psci else f"enable-method {method or 'missing'}"


def has(nodes, *names):
    """Is there an enabled node of one of these?"""
    return any(name in names for node in nodes if node.enabled() for name in node.strings("compatible"))


def timer_and_power(nodes, isa):
    """What the boot code and the firmware's services take from a tree, or miss in it."""
    off = ["syscon-poweroff"] if has(nodes, "syscon-poweroff") else []
    if isa == "riscv64":
        return "timer: the SBI's", f"power: {', '.join(off + ['the SBI, if it has SRST'])}"
    off += ["PSCI"] if has(nodes, *PSCI) else []
    timer = next((name for name in TIMERS if has(nodes, name)), None)
    return (f"timer: {timer or f'none; known: ' + ', '.join(TIMERS)}",
            f"power: {', '.join(off) or 'nothing that switches it off is known'}")


def fdtmap(tool, *args):
    """(what it prints, what it complains of)"""
    run = subprocess.run([tool, *args], capture_output=True, text=True, check=False)
    complaints = [line.removeprefix(f"fdtmap: {args[-1]}: ") for line in run.stderr.splitlines()]
    return run.stdout.splitlines(), complaints


def path_of(consoles):
    """The node that fdtmap --console names, or None."""
    return consoles[0][0].split(" ", 2)[2] if consoles[0] else None


def report(nodes, isa, known, maps, consoles):
    """The lines of the report."""
    root = nodes[0]
    taken = supported(nodes, known, path_of(consoles))
    spare = [node.path for node in nodes if node.enabled() and any(known.get(name) == UART for name in node.strings("compatible"))
             and node.path != path_of(consoles)]
    yield f"{root.string('model', '(no model)')} ({', '.join(root.strings('compatible')) or 'no compatible'}), {isa}"
    yield "memory:"
    yield from (f"    {line}" for line in maps[0] or ["none: its loader has to fill it in"])
    yield from (f"    ! {line}" for line in maps[1])
    yield "console:"
    yield from (f"    {line}" for line in consoles[0] or [])
    yield from (f"    ! {line}" for line in consoles[1])
    there, run, why = start_of_cpus(nodes, isa)
    yield f"CPUs: {run} of {there}, {why}"
    yield from timer_and_power(nodes, isa)
    yield "supported, and by which driver:"
    yield from (f"    {driver:14} {node.path}" for node, driver in taken)
    if spare:
        yield "UARTs that are known, and not used because they are not the console:"
        yield from (f"    {path}" for path in spare)
    rest = unsupported(nodes, known)
    chips = [node for node in rest if "interrupt-controller" in node.props and "gpio-controller" not in node.props]
    if chips:
        yield "no driver for these interrupt controllers; what interrupts through them is polled, or has no driver that can:"
        yield from (f"    {node.string('compatible'):28} {node.path}" for node in chips)
    names = collections.Counter(node.string("compatible") for node in rest if node not in chips)
    if names:
        yield "no driver, and left alone:"
        yield from (f"    {count:3} x {name}" for name, count in sorted(names.items()))


# ---- the folder ----


def load_address(maps):
    """Where an image may go: 2 MiB above the lowest memory, or None."""
    bases = [int(line.split()[1], 16) for line in maps[0] if line.startswith("memory ")]
    return (min(bases) + 2 * MIB - 1) // (2 * MIB) * 2 * MIB + 2 * MIB if bases else None


def board_mk(model, isa, tree, machine, load):
    lines = ["# SPDX-License-Identifier: BSD-2-Clause", f"# board: {model}", "", f"ISA       := {isa}"]
    if machine:
        lines += [f"QEMU      := {QEMU[isa]}",
                  f"QEMU_ARGS := -M {machine} {'-bios default ' if isa == 'riscv64' else ''}-nic none"]
    lines += [f"{tree[0]:9} := {tree[1]}"]
    lines += [f"RAM_LOAD  := {load:#x}"] if load is not None else ["# RAM_LOAD: the tree lists no memory"]
    return "\n".join(lines) + "\n"


README = """# {name}

{model}. `make new-board` wrote this folder; what it said of the tree:

{report}

    make run BOARD={name}

{how}
"""
WITH_QEMU = "QEMU's machine is `{machine}`. If the console stays silent it may not be its first UART (`SERIAL_BEFORE`, docs/porting.md)."
WITHOUT_QEMU = ("For hardware: `make sdcard BOARD={name}` makes an SD card that U-Boot starts, with `Image`, the tree and\n"
                "`extlinux/extlinux.conf`; `make run` leaves the same files in build/{isa}/sd-{name}. Nothing has been seen on the board yet.")


def check_names(args):
    """What is given is looked at before anything is printed or written."""
    if args.name and not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", args.name):
        raise ValueError(f"NAME={args.name} is no name of a folder: small letters, digits, - and .")
    if args.name and (ROOT / "boards" / args.name).exists():
        raise ValueError(f"boards/{args.name} is there already")
    if not re.fullmatch(r"[\w.,=+-]*", args.machine):
        raise ValueError(f"MACHINE={args.machine} is no machine of QEMU's")


def write_board(args, nodes, isa, lines, load):
    """All of the folder or nothing."""
    folder = ROOT / "boards" / args.name
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".new-") as made:
        made = Path(made) / args.name
        made.mkdir()
        tree = (args.kind, args.source)
        if args.kind == "DTB":  # as text, which can be read and reviewed
            tree = ("DTS", f"boards/{args.name}/{args.name}.dts")
            subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", "-o", made / f"{args.name}.dts", args.dtb], check=True)
        model = nodes[0].string("model", args.name).rstrip("\\")
        how = (WITH_QEMU if args.machine else WITHOUT_QEMU).format(isa=isa, name=args.name, machine=args.machine)
        (made / "board.mk").write_text(board_mk(model, isa, tree, args.machine, load))
        (made / "README.md").write_text(README.format(name=args.name, model=model, how=how,
                                                      report="\n".join(f"    {line}" for line in lines)))
        made.rename(folder)
    print(f"wrote boards/{args.name}: " + ", ".join(sorted(path.name for path in folder.iterdir())))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dtb")
    parser.add_argument("--fdtmap", required=True)
    parser.add_argument("--name", default="")
    parser.add_argument("--kind", default="DTB", choices=["DTB", "DTS", "LINUX_DTS"])
    parser.add_argument("--source", default="")
    parser.add_argument("--machine", default="")
    for isa in QEMU:
        parser.add_argument(f"--{isa}", default="", help="drivers that only this instruction set has")
    args = parser.parse_args()
    try:
        check_names(args)
        maps, consoles = fdtmap(args.fdtmap, args.dtb), fdtmap(args.fdtmap, "--console", args.dtb)
        if not maps[0] and not consoles[0] and maps[1] == consoles[1]:  # no tree that can be read
            raise ValueError(maps[1][0])
        nodes = read_tree(Path(args.dtb).read_bytes())
        isa = isa_of(nodes)
        if not isa:
            raise ValueError("its CPUs are neither riscv64 nor arm64" if cpus_of(nodes) else "it names no CPU: for riscv64 or arm64?")
        others = [name for other in QEMU if other != isa for name in getattr(args, other).split()]
        known = drivers_of(isa, others)
        lines = list(report(nodes, isa, known, maps, consoles))
        print("\n".join(lines))
        if args.name:
            write_board(args, nodes, isa, lines, load_address(maps))
    except (ValueError, OSError, subprocess.CalledProcessError) as wrong:
        sys.exit(f"new-board: {args.dtb}: {wrong}")


if __name__ == "__main__":
    main()
