# SPDX-License-Identifier: BSD-2-Clause
# board: Raspberry Pi 4B as QEMU emulates it from 9.0 on, entered at EL2

ISA       := arm64
QEMU      := qemu-system-aarch64
QEMU_ARGS := -M raspi4b -nic none
LINUX_DTS := arch/arm64/boot/dts/broadcom/bcm2711-rpi-4-b.dts
RAM_LOAD  := 0x200000
MEM       := 2G
SMP       := 4
# The console is the mini UART, the machine's second.
SERIAL_BEFORE := -serial null
