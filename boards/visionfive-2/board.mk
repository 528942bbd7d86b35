# SPDX-License-Identifier: BSD-2-Clause
# board: StarFive VisionFive 2 (JH7110), on hardware, by U-Boot, which passes the tree

ISA       := riscv64
RAM_LOAD  := 0x40200000
