# SPDX-License-Identifier: BSD-2-Clause
# board: QEMU's RISC-V `virt` machine, S-mode under OpenSBI

ISA       := riscv64
QEMU      := qemu-system-riscv64
QEMU_ARGS := -M virt -bios default -nic none
RAM_LOAD  := 0x80200000

# Two banks of flash, 32 MiB each. OpenSBI starts what is in unit 0, but until QEMU 8.1 unit 0 was for machine
# mode, and what is in unit 1 is started.
FLASH_SIZE = 32M
FLASH_ARGS = -drive if=pflash,unit=$(FLASH_UNIT),format=raw,readonly=on,file=$(FLASH_IMAGE)
FLASH_UNIT = $(shell $(QEMU) --version | awk '/version/ { split($$4, v, "."); print (v[1] + v[2] / 100 < 8.01) }')

# Where U-Boot loads its configuration to is 193 MiB up.
UBOOT      := /usr/lib/u-boot/qemu-riscv64_smode/uboot.elf
UBOOT_ARGS := -kernel $(UBOOT)
UBOOT_MEM   = $(if $(filter file,$(origin MEM)),256M,$(MEM))
