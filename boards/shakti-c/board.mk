# SPDX-License-Identifier: BSD-2-Clause
# board: SHAKTI's C-class as QEMU emulates it, S-mode under OpenSBI

ISA       := riscv64
QEMU      := qemu-system-riscv64
QEMU_ARGS  = -M shakti_c -bios $(OPENSBI_JUMP) -nic none
DTS       := boards/shakti-c/shakti-c.dts
MEM       := 256M
RAM_LOAD  := 0x80200000

# QEMU loads nothing for this machine but OpenSBI's firmware that jumps to RAM_LOAD: the first hart is
# started with the address of the tree.
OPENSBI_JUMP := /usr/lib/riscv64-linux-gnu/opensbi/generic/fw_jump.bin
DTB_LOAD     := 0x82000000
START        := 0x80000000
