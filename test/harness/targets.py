# SPDX-License-Identifier: BSD-2-Clause
"""The machines that mm/ is compiled for, with what compiles for them and what runs the result here."""
from dataclasses import dataclass, field

from board import ROOT

PICOLIBC = "/usr/lib/picolibc/riscv64-unknown-elf/include"
BARE = ["-D_Thread_local=", "-Itest/targets/bare", "test/targets/bare/start.c", "-nostartfiles"]
PICOLIBC_LINK = ["--specs=picolibc.specs", "-Wl,--defsym=__heap_end=__heap_start+0x100000", "-Wl,--defsym=__flash=0x10000000",
                 "-Wl,--defsym=__flash_size=0x1000000", "-Wl,--defsym=__ram=0x20000000", "-Wl,--defsym=__ram_size=0x20000000"]
LINUX32 = ["-idirafter", "/usr/include/x86_64-linux-gnu"]


@dataclass
class Target:
    name: str
    compiler: list
    run: list = None  # what runs a program of it here; [] this machine, None: it is only compiled
    program: list = field(default_factory=list)  # what a program needs besides

    @property
    def small(self):
        return "rv32" in self.name or self.name.startswith("armv7") or self.name == "i386"


RV = "riscv64-unknown-elf-gcc"
ARM = "arm-none-eabi-gcc"
TARGETS = [
    Target("x86-64", ["gcc"], []),
    Target("i386", ["gcc", "-m32", *LINUX32], ["qemu-i386"]),
    Target("rv64 lp64d", ["riscv64-linux-gnu-gcc", "-march=rv64gc", "-mabi=lp64d"], ["qemu-riscv64"], ["-static"]),
    Target("rv64 lp64", [RV, "-march=rv64imac", "-mabi=lp64", "-mcmodel=medany", "-isystem", PICOLIBC], ["qemu-riscv64"],
           [*BARE, *PICOLIBC_LINK]),
    Target("rv64 lp64, rv64ima", [RV, "-march=rv64ima", "-mabi=lp64", "-mcmodel=medany", "-isystem", PICOLIBC]),
    Target("rv64 lp64d, Zba Zbb", ["riscv64-linux-gnu-gcc", "-march=rv64gc_zba_zbb", "-mabi=lp64d"]),
    Target("rv32imac", [RV, "-march=rv32imac", "-mabi=ilp32", "-isystem", PICOLIBC], ["qemu-riscv32"], [*BARE, *PICOLIBC_LINK]),
    Target("arm64", ["aarch64-linux-gnu-gcc"], ["qemu-aarch64"], ["-static"]),
    Target("armv7-a", [ARM, "-march=armv7-a"], ["qemu-arm", "-cpu", "cortex-a15"], [*BARE, "--specs=nosys.specs"]),
    Target("armv7-r", [ARM, "-march=armv7-r"], ["qemu-arm", "-cpu", "cortex-a15"], [*BARE, "--specs=nosys.specs"]),
    Target("armv7-m", [ARM, "-mcpu=cortex-m3", "-mthumb"], ["qemu-arm", "-cpu", "cortex-a15"], [*BARE, "--specs=nosys.specs"]),
]
PORT = f'-DQUARRY_PORT_HEADER="{ROOT}/examples/hosted/hosted_port.h"'
