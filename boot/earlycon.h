/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * earlycon.h: the console before any driver: the firmware's, or a UART that the device tree or the
 * command line names, polled by its row in drivers/serial/uart_kinds.c.
 */
#ifndef BOOT_EARLYCON_H
#define BOOT_EARLYCON_H

#include <quarry/types.h>

/*
 * "KIND,ADDRESS", as behind earlycon= on the command line: for bringing up a board whose loader
 * passes no usable tree. Without one there is no console at all then, on arm64. "": none.
 */
#ifndef CONFIG_EARLYCON
#define CONFIG_EARLYCON ""
#endif

/*
 * earlycon_init() - take the UART that `earlycon=KIND[,mmio|mmio16|mmio32],ADDRESS` in
 * /chosen/bootargs names, else CONFIG_EARLYCON's; without either the firmware's console, if it has
 * one; else what uart_choose() finds in the tree; in a damaged one, the first UART before the
 * damage. What cannot be used is said in a line and changes nothing. A UART that earlycon= asks for
 * stays the console when there are drivers; `sbi` prints until a driver's UART does. map makes
 * the page of registers accessible, or answers false; NULL: they are. The tree need only have a sound
 * header; the line's settings stay the loader's. Source: Linux, admin-guide/kernel-parameters.rst.
 * Context: boot.
 */
void earlycon_init(const void *fdt, bool (*map)(phys_addr_t addr));

#endif
