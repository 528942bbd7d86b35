# SPDX-License-Identifier: BSD-2-Clause
# board: Xilinx's Versal as QEMU emulates it, entered at EL2

ISA       := arm64
QEMU      := qemu-system-aarch64
QEMU_ARGS := -M xlnx-versal-virt -nic none
RAM_LOAD  := 0x200000
MEM       := 2G
# Two of the four are the real-time processors, which do not run us.
SMP       := 4
