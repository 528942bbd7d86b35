# SPDX-License-Identifier: BSD-2-Clause
"""
Memory cut into many pieces: QEMU's own device tree of a board, with other memory in it.
"""
import os
import re
import subprocess

from board import MIB, size_of

MEMORY = "4G"
ABOVE = 1 << 40  # an offset that means 4 GiB, the end of DMA32


def cells(number):
    return f"{number >> 32:#x} {number & 0xffffffff:#x}"


def many_regions(setup, commands):
    """
    A tree that runs these commands, with about as many banks and reservations as memblock takes (128 each), so that the tables of
    banks and spans are as long as they get: whole 4 MiB reserved next to a part of the 4 MiB before
    them, pages reserved here and there, and banks of 4 MiB; then memory above 4 GiB.
    """
    base = setup.scratch / f"many-regions-{setup.isa}"
    subprocess.run([*setup.qemu(), "-machine", f"dumpdtb={base}.raw.dtb", "-m", MEMORY, "-display",
                    "none"], check=True, capture_output=True)
    source = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", f"{base}.raw.dtb"], check=True,
                            capture_output=True, text=True).stdout
    banks = [(0, 1152 * MIB)] + [((1152 + 8 * n) * MIB, 4 * MIB) for n in range(100)]
    banks += [(setup.dma32 - 16 * MIB, 16 * MIB), (setup.dma32, size_of(MEMORY) - setup.dma32)]
    reserved = [((128 + 8 * n + 4) * MIB - 4096, 4 * MIB + 4096) for n in range(56)]
    reserved += [((640 + 8 * n) * MIB, 4096) for n in range(56)]
    nodes = "".join(
        f"memory@{setup.place(at):x} {{ device_type = \"memory\"; "
        f"reg = <{cells(setup.place(at))} {cells(size)}>; }};\n" for at, size in banks)
    nodes += "reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;\n" + "".join(
        f"kept@{setup.place(at):x} {{ reg = <{cells(setup.place(at))} {cells(size)}>; }};\n"
        for at, size in reserved) + "};\n"
    source = source.replace("chosen {", f"chosen {{ bootargs = \"{commands}; poweroff\";", 1)
    start = source.index("memory@")
    end = source.index("};", start) + 2
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", f"{base}.dtb", "-"], check=True,
                   input=source[:start] + nodes + source[end:], text=True)
    return f"{base}.dtb"


def with_many_regions(setup, commands):
    """Options of Board for such a machine. Where a tree is put into RAM, QEMU cannot add the commands."""
    return {"memory": MEMORY, **setup.with_fdt(many_regions(setup, commands), MEMORY)}


def source_of(setup, memory, cpus=1):
    """QEMU's own tree of this board, as source text."""
    base = setup.scratch / f"tree-{setup.isa}-{memory}-{cpus}.{os.getpid()}"
    subprocess.run([*setup.qemu(), "-machine", f"dumpdtb={base}.dtb", "-m", memory, "-smp", str(cpus),
                    "-display", "none"], check=True, capture_output=True)
    source = subprocess.run(["dtc", "-q", "-I", "dtb", "-O", "dts", f"{base}.dtb"], check=True,
                            capture_output=True, text=True).stdout
    os.unlink(f"{base}.dtb")
    return source


def with_memory(setup, source, banks, reserved):
    """
    The tree with these banks [(offset, size)..], an offset of ABOVE or more counting from 4 GiB, and these
    [(offset, size, properties)..] reserved.
    """
    def region(name, at, size, more):
        where = setup.place(at if at < ABOVE // 2 else at - ABOVE + setup.dma32)
        return f"{name}@{where:x} {{ {more} reg = <{cells(where)} {cells(size)}>; }};\n"

    nodes = "".join(region("memory", at, size, 'device_type = "memory";') for at, size in banks)
    if reserved:
        nodes += "reserved-memory { #address-cells = <2>; #size-cells = <2>; ranges;\n" + "".join(
            region("kept", *entry) for entry in reserved) + "};\n"
    start = source.index("memory@")
    end = source.index("};", start) + 2
    return source[:start] + nodes + source[end:]


def with_tree(setup, name, memory, source, commands):
    """Options of Board for this tree, which runs the commands."""
    source = source.replace("chosen {", f"chosen {{ bootargs = \"{commands}; poweroff\";", 1)
    path = setup.scratch / f"{name}-{setup.isa}.dtb"
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", str(path), "-"], check=True, input=source,
                   text=True)
    return {"memory": memory, **setup.with_fdt(path, memory)}


def with_banks(setup, commands, number):
    """
    Options of Board for 1 GiB whose memory is so many banks (3 or more), whole 4 MiB blocks with holes between them.
    The last has the device tree.
    """
    banks = [(0, 96 * MIB)] + [((104 + 8 * n) * MIB, 4 * MIB) for n in range(number - 2)] + [(1008 * MIB, 16 * MIB)]
    source = with_memory(setup, source_of(setup, "1G"), banks, [])
    return with_tree(setup, f"banks{number}", "1G", source, commands)


def with_cpus(setup, commands, memory, cpus):
    """Options of Board for a tree with so many CPUs, of which the machine has the first: the others cannot be started."""
    if setup.isa == "riscv64":
        source = source_of(setup, memory, cpus)
    else:  # a GICv2 has 8 at most
        source = source_of(setup, memory)
        first = re.search(r"\t\tcpu@0 \{.*?\};\n", source, re.S)[0]
        other = re.sub(r".*phandle.*\n", "", first)
        source = source.replace(first, first + "".join(
            other.replace("cpu@0", f"cpu@{n:x}").replace("reg = <0x00>", f"reg = <{n:#x}>") for n in range(1, cpus)))
    return with_tree(setup, f"cpus{cpus}", memory, source, commands)


def machine(setup, label, commands):
    """
    Options of Board by a label of the benchmarks: a size of RAM, "regions", "banks100", "64cpus" or "cma", the last
    three with 1 GiB, and an area of 64 MiB.
    """
    if label == "regions":
        return with_many_regions(setup, commands)
    if label.startswith("banks"):
        return with_banks(setup, commands, int(label[5:]))
    if label == "cma":
        return {"memory": "1G", "append": f'cma=64M quarry.cmd="{commands}; poweroff"'}
    if label.endswith("cpus"):
        return with_cpus(setup, commands, "1G", int(label[:-4]))
    return {"memory": label}


def masked_machine(setup, commands):
    """Options of Board for the image of `make masked`: four CPUs, an area, and memory that comes and goes."""
    at = setup.place(160 << 20)  # neither the image nor the tree is there
    return {"kernel": setup.out / "masked" / "quarry.bin", "memory": "256M", "extra": ["-smp", "4"],
            "append": f'cma=64M mem_hotadd=16M@{at:#x} quarry.cmd="{commands}; poweroff"'}


def without_timer(_, source):
    """A tree that tells of no timer, arm64's: OpenSBI starts no machine without one."""
    return re.sub(r"\n\ttimer \{.*?\};", "", source, flags=re.S)


def strange_cpus(_, source):
    """
    A tree with CPUs that the machine does not have: they cannot be started, and their memory is freed late. The
    machine has one CPU: OpenSBI boots on the hart that comes first, and is silent if the tree does not name it.
    """
    for cpu in (1, 2, 3):
        source = re.sub(rf"(cpu@{cpu} \{{.*?\breg = )<[^>]*>", rf"\g<1><{cpu + 0x40:#x}>", source, count=1,
                        flags=re.S)
    return source


def narrow_bus(setup, source):
    """A tree whose PCI bus reaches the first 8 MiB of RAM: DMA32 ends there."""
    base = f"{setup.ram_base >> 32:#x} {setup.ram_base & 0xffffffff:#x}"
    return re.sub(r"(\bpcie?@[0-9a-f]+ \{)", rf"\1 dma-ranges = <0x3000000 {base} {base} 0 0x800000>;", source,
                  count=1)


NOMAP = "no-map;"

# Legal boards: banks, and what is kept besides. Where a layout names none, its RAM is one bank.
LAYOUTS = {
    "5M": {"banks": [(0, 5 * MIB)]},
    "8M": {"banks": [(0, 8 * MIB)]},
    "12M": {"banks": [(0, 12 * MIB)]},
    "16M": {"banks": [(0, 16 * MIB)]},
    "32M": {"banks": [(0, 32 * MIB)]},
    "odd-end": {"banks": [(0, 27 * MIB + 4096 + 123)]},
    "no-map": {"banks": [(0, 64 * MIB)],
               "reserved": [(0x1800000, 2 * MIB, NOMAP), (0x2345000, 0x3000, NOMAP), (0x2c00000, 16 * MIB, NOMAP)]},
    "no-map-first": {"banks": [(0, 64 * MIB)], "reserved": [(56 * MIB, 8 * MIB, NOMAP)]},
    "no-order-10": {"banks": [(0, 64 * MIB)],
                    "reserved": [(at + 0x234000, 4096, "") for at in range(0, 64 * MIB, 4 * MIB)]},
    "no-order-4": {"banks": [(0, 16 * MIB)],
                   "reserved": [(at + 0x5000, 4096, "") for at in range(8 * MIB, 16 * MIB, 64 << 10)]},
    "no-order-2": {"banks": [(0, 16 * MIB)],
                   "reserved": [(at + 0x2000, 4096, "") for at in range(6 * MIB, 16 * MIB, 16 << 10)]},
    "no-map-pages": {"banks": [(0, 24 * MIB)],
                     "reserved": [(at + 0x7000, 4096, NOMAP) for at in range(6 * MIB, 24 * MIB, 256 << 10)]},
    "mostly-kept": {"banks": [(0, 128 * MIB)], "reserved": [(6 * MIB, 121 * MIB, "")]},
    "crossing": {"memory": "4G", "banks": [(0, 32 * MIB), (ABOVE - 9 * MIB - 0x3000, 20 * MIB + 0x5000)]},
    "no-dma32": {"memory": "4G", "banks": [(0, 32 * MIB), (ABOVE, 64 * MIB)], "reserved": [(0, 32 * MIB, "")]},
    "no-dma32-edu": {"memory": "4G", "banks": [(0, 32 * MIB), (ABOVE, 64 * MIB)], "reserved": [(0, 32 * MIB, "")],
                     "extra": ["-device", "edu,dma_mask=0xffffffff"]},
    "dma-window": {"memory": "64M", "edit": narrow_bus},
    "little-dma32": {"memory": "4G", "banks": [(0, 32 * MIB), (ABOVE, 64 * MIB)],
                     "reserved": [(0x600000, 26 * MIB - 3 * 4096, "")]},
    "little-normal": {"memory": "4G", "banks": [(0, 64 * MIB), (ABOVE, 3 * 4096)]},
    "one-page-normal": {"memory": "4G", "banks": [(0, 64 * MIB), (ABOVE + 0x1000, 4096)]},
    "kept-normal": {"memory": "4G", "banks": [(0, 64 * MIB), (ABOVE, 16 * MIB)],
                    "reserved": [(ABOVE, 16 * MIB, "")]},
    "no-map-normal": {"memory": "4G", "banks": [(0, 64 * MIB), (ABOVE, 16 * MIB)],
                      "reserved": [(ABOVE, 16 * MIB, NOMAP)]},
    "holes": {"memory": "512M", "banks": [(0, 20 * MIB), (28 * MIB, 8 * MIB), (0x8000000, 16 * MIB),
                                          (0x10400000, 12 * MIB)]},
    "many-banks": {"memory": "512M", "banks": [(0, 16 * MIB)] + [
        (16 * MIB + n * 3 * MIB + 0x5000 * n, MIB + 0x1000 * (n % 7)) for n in range(100)]},
    "late-freed": {"memory": "101M", "cpus": 4, "machine_cpus": 1, "edit": strange_cpus},
    "late-freed-8M": {"cpus": 4, "machine_cpus": 1, "edit": strange_cpus, "banks": [(0, 8 * MIB)]},
    "no-timer": {"memory": "64M", "edit": without_timer, "isas": ("arm64",)},
    "small-normal": {"memory": "4G", "banks": [(0, 64 * MIB), (ABOVE, 6 * MIB)]},
    "8M-4-cpus": {"cpus": 4, "banks": [(0, 8 * MIB)]},
    "3-cpus": {"memory": "64M", "cpus": 3},
    "5-cpus-12M": {"cpus": 5, "banks": [(0, 12 * MIB)]},
}


def with_layout(setup, name):
    """Options of Board for a machine of LAYOUTS."""
    layout = LAYOUTS[name]
    memory, cpus = layout.get("memory", "128M"), layout.get("cpus", 1)
    if "banks" not in layout and "edit" not in layout:
        return {"memory": memory, "extra": ["-smp", str(cpus)]}
    source = source_of(setup, memory, cpus)
    banks = layout.get("banks", [(0, size_of(memory))])
    source = with_memory(setup, source, banks, layout.get("reserved", []))
    if "edit" in layout:
        edited = layout["edit"](setup, source)
        assert edited != source
        source = edited
    path = setup.scratch / f"layout-{name}-{setup.isa}.dtb"
    subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", str(path), "-"], check=True, input=source,
                   text=True)
    options = setup.with_fdt(path, memory)
    options["extra"] += ["-smp", str(layout.get("machine_cpus", cpus)), *layout.get("extra", ())]
    return {"memory": memory, **options}
