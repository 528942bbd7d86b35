# SPDX-License-Identifier: BSD-2-Clause
# board: NXP's i.MX 8M Plus EVK as QEMU emulates it from 10.0 on, entered at EL2

ISA       := arm64
QEMU      := qemu-system-aarch64
QEMU_ARGS := -M imx8mp-evk -nic none
LINUX_DTS := arch/arm64/boot/dts/freescale/imx8mp-evk.dts
RAM_LOAD  := 0x40200000
MEM       := 2G
SMP       := 4
# The console is the second UART.
SERIAL_BEFORE := -serial null
