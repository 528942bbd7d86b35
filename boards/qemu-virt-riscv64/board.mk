# SPDX-License-Identifier: BSD-2-Clause
# board: QEMU's RISC-V `virt` machine, S-mode under OpenSBI

ISA       := riscv64
QEMU      := qemu-system-riscv64
QEMU_ARGS := -M virt -bios default -nic none
RAM_LOAD  := 0x80200000
