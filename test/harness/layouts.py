# SPDX-License-Identifier: BSD-2-Clause
"""
Memory cut into many pieces: QEMU's own device tree of a board, with other memory in it.
"""
import subprocess

from board import MIB, size_of

MEMORY = "4G"


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
