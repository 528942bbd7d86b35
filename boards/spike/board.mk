# SPDX-License-Identifier: BSD-2-Clause
# board: Spike, the RISC-V ISA simulator, as QEMU emulates it, S-mode under OpenSBI

ISA       := riscv64
QEMU      := qemu-system-riscv64
# It has no time for Sstc, which its CPU claims to have from QEMU 8 on.
QEMU_ARGS := -M spike -cpu rv64,sstc=off -bios default -nic none
RAM_LOAD  := 0x80200000
