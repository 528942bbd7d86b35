# SPDX-License-Identifier: BSD-2-Clause
# board: QEMU's sbsa-ref out of reset: entered at EL3, no firmware, RAM at 1 TiB

ISA       := arm64
QEMU      := qemu-system-aarch64
QEMU_ARGS := -M sbsa-ref -nic none -global VGA.romfile= -global bochs-display.romfile=
RAM_LOAD  := 0x10000200000
BARE      := 1
TREE_SEARCH := 1
DTS       := dts/sbsa-ref.dts
MEM       := 1G
SMP       := 4
