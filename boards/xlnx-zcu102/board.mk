# SPDX-License-Identifier: BSD-2-Clause
# board: Xilinx's ZCU102 (Zynq UltraScale+) as QEMU emulates it, entered at EL1

ISA       := arm64
# Its display port has sound, which in QEMU 7.2 only the environment switches off.
QEMU      := env QEMU_AUDIO_DRV=none qemu-system-aarch64
QEMU_ARGS := -M xlnx-zcu102 -nic none
LINUX_DTS := arch/arm64/boot/dts/xilinx/zynqmp-zcu102-rev1.0.dts
RAM_LOAD  := 0x200000

# QEMU writes one bank of this size into the tree; from 2 GiB up there are devices.
MEM       := 2G
SMP       := 4
