# SPDX-License-Identifier: BSD-2-Clause
# board: QEMU's ARM `virt` machine, entered at EL1 (EL2 with virtualization=on)

ISA       := arm64
QEMU      := qemu-system-aarch64
QEMU_ARGS := -M virt -cpu cortex-a72 -nic none
RAM_LOAD  := 0x40200000
