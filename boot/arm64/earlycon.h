/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * earlycon.h: the console before any driver: a PL011 named by the device tree, polled.
 */
#ifndef BOOT_ARM64_EARLYCON_H
#define BOOT_ARM64_EARLYCON_H

#include <stdint.h>

/*
 * The address of a PL011, for bringing up a board whose loader passes no usable tree: without one
 * there is no console at all. 0: ask the tree.
 */
#ifndef CONFIG_EARLYCON_PL011
#define CONFIG_EARLYCON_PL011 0
#endif

extern uintptr_t earlycon_base; /* 0: none */

/*
 * earlycon_init() - take the PL011 that /chosen/stdout-path names, else the first one there is. The
 * tree need only have a sound header; it must be mapped. Its line settings stay the loader's.
 * Context: boot.
 */
void earlycon_init(const void *fdt);

#endif
