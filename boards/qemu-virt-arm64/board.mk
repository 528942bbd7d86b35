# SPDX-License-Identifier: BSD-2-Clause
# board: QEMU's ARM `virt` machine, entered at EL1 (EL2 with virtualization=on)

ISA       := arm64
QEMU      := qemu-system-aarch64
QEMU_ARGS := -M virt -cpu cortex-a72 -nic none
RAM_LOAD  := 0x40200000

# Two banks of flash at 0: the reset vector is the first word of unit 0.
FLASH_SIZE = 64M
TREE_SEARCH := 1
FLASH_ARGS = -drive if=pflash,unit=0,format=raw,readonly=on,file=$(FLASH_IMAGE)

UBOOT      := /usr/lib/u-boot/qemu_arm64/u-boot.bin
UBOOT_ARGS := -bios $(UBOOT)
