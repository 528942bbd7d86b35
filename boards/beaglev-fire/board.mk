# SPDX-License-Identifier: BSD-2-Clause
# board: BeagleV-Fire (PolarFire SoC), on hardware, by U-Boot, which passes the tree

ISA       := riscv64
RAM_LOAD  := 0x80200000
