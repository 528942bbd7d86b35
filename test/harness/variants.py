# SPDX-License-Identifier: BSD-2-Clause
"""
The variants of docs/boards.md: a board with other CPUs, other memory, other interrupt controllers, as QEMU's options. A row here is
what is typed after `make`, so each can be tried by hand; boards.py runs them.
"""
from dataclasses import dataclass

# What QEMU says of an option that it does not have.
NOT_THERE = (r"unable to find CPU model|Property '[\w.-]+' not found|Invalid parameter|Property .* doesn't exist|"
             r"CPU model .* not found|Parameter .* invalid|[Uu]nsupported (machine|gic)|Invalid gic-version|does not support|"
             r"Unexpected error in object_property_find_err")  # QEMU 7.2 aborts so for three sockets of RISC-V
BANKS = " ".join(f"-object memory-backend-ram,id=m{i},size=256M -numa node,nodeid={i},memdev=m{i},cpus={i}" for i in range(3))
# All suites touch much of memory: of this they shall not.
RESERVED = "-object memory-backend-ram,id=ram,size=1T,reserve=off -machine memory-backend=ram"


@dataclass(frozen=True)
class Variant:
    """A board and what is changed of it; suites: what is typed at its prompt."""

    name: str
    board: str
    variables: tuple
    target: str = "run"
    suites: str = "test"


def riscv64(name, *variables, **more):
    return Variant(f"riscv64 {name}", "qemu-virt-riscv64", variables, **more)


def arm64(name, *variables, **more):
    return Variant(f"arm64 {name}", "qemu-virt-arm64", variables, **more)


VARIANTS = [
    riscv64("-cpu max", "SMP=4", "QEMU_EXTRA=-cpu max"),
    riscv64("rva22s64", "SMP=4", "QEMU_EXTRA=-cpu rva22s64"),
    riscv64("Sv39", "SMP=4", "QEMU_EXTRA=-cpu rv64,sv39=on,sv48=off"),
    riscv64("Sv48, 1 TiB", "SMP=4", "MEM=1T", f"QEMU_EXTRA={RESERVED}", suites="test order"),
    riscv64("Sv57", "SMP=4", "QEMU_EXTRA=-cpu rv64,sv57=on"),
    riscv64("aclint", "SMP=4", "QEMU_EXTRA=-machine aclint=on"),
    riscv64("aia=aplic", "SMP=4", "QEMU_EXTRA=-machine aia=aplic"),
    riscv64("aia=aplic-imsic", "SMP=4", "QEMU_EXTRA=-machine aia=aplic-imsic"),
    riscv64("64 CPUs", "SMP=64", "MEM=1G", suites="test smp"),
    riscv64("3 NUMA nodes", "SMP=3", "MEM=768M", f"QEMU_EXTRA={BANKS}"),
    riscv64("U-Boot", "SMP=4", target="chain-uboot"),
    arm64("-cpu max", "SMP=4", "QEMU_EXTRA=-cpu max"),
    arm64("-cpu cortex-a53", "SMP=4", "QEMU_EXTRA=-cpu cortex-a53"),
    arm64("gic 2, EL2", "SMP=4", "QEMU_EXTRA=-machine gic-version=2,virtualization=on"),
    arm64("gic 3", "SMP=4", "QEMU_EXTRA=-machine gic-version=3"),
    arm64("gic 3, EL2", "SMP=4", "QEMU_EXTRA=-machine gic-version=3,virtualization=on"),
    arm64("gic 4, EL2", "SMP=4", "QEMU_EXTRA=-machine gic-version=4,virtualization=on"),
    arm64("gic max", "SMP=4", "QEMU_EXTRA=-machine gic-version=max"),
    arm64("highmem=off", "SMP=4", "QEMU_EXTRA=-machine highmem=off"),
    arm64("secure=on, flash, EL3", "SMP=4", "QEMU_EXTRA=-machine secure=on", target="flash"),
    arm64("64 CPUs", "SMP=64", "MEM=1G", "QEMU_EXTRA=-machine gic-version=3", suites="test smp"),
    arm64("3 NUMA nodes", "SMP=3", "MEM=768M", f"QEMU_EXTRA={BANKS}"),
    arm64("1 TiB", "SMP=4", "MEM=1T", f"QEMU_EXTRA={RESERVED}", suites="test order"),
    arm64("U-Boot", "SMP=4", target="chain-uboot"),
]
