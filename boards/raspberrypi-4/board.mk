# SPDX-License-Identifier: BSD-2-Clause
# board: Raspberry Pi 4B, on hardware, by its firmware

ISA         := arm64
LINUX_DTS   := arch/arm64/boot/dts/broadcom/bcm2711-rpi-4-b.dts
SD_FILES    := config.txt
SD_CMDLINE  := cmdline.txt
SD_FIRMWARE := start4.elf fixup4.dat
# Where Debian's package raspi-firmware puts it.
FIRMWARE    ?= /usr/lib/raspi-firmware
