# SPDX-License-Identifier: BSD-2-Clause
# board: Raspberry Pi 3B as QEMU emulates it, entered at EL2

ISA       := arm64
QEMU      := qemu-system-aarch64
QEMU_ARGS := -M raspi3b -nic none
LINUX_DTS := arch/arm64/boot/dts/broadcom/bcm2837-rpi-3-b.dts
RAM_LOAD  := 0x200000
MEM       := 1G
SMP       := 4
# The console is the mini UART, the machine's second.
SERIAL_BEFORE := -serial null
