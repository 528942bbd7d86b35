# SPDX-License-Identifier: BSD-2-Clause
# board: Radxa ROCK Pi 4B

ISA       := arm64
LINUX_DTS := arch/arm64/boot/dts/rockchip/rk3399-rock-pi-4b.dts
# RAM_LOAD: the tree lists no memory
