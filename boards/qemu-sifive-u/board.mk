# SPDX-License-Identifier: BSD-2-Clause
# board: SiFive's HiFive Unleashed as QEMU emulates it, S-mode under OpenSBI

ISA       := riscv64
QEMU      := qemu-system-riscv64
QEMU_ARGS := -M sifive_u -bios default -nic none
RAM_LOAD  := 0x80200000
SMP       := 2
