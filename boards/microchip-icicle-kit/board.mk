# SPDX-License-Identifier: BSD-2-Clause
# board: Microchip's PolarFire SoC Icicle kit as QEMU emulates it, S-mode under OpenSBI

ISA       := riscv64
QEMU      := qemu-system-riscv64
QEMU_ARGS := -M microchip-icicle-kit -bios default -nic none
LINUX_DTS := arch/riscv/boot/dts/microchip/mpfs-icicle-kit.dts
RAM_LOAD  := 0x80200000

# The tree lists memory at 0x80000000 and, behind 1 GiB of QEMU's, at 0x1040000000.
MEM       := 3G
# Hart 0 has no MMU: four can run us.
SMP       := 5
# The kit's console is the second UART, MMUART1.
SERIAL_BEFORE := -serial null
