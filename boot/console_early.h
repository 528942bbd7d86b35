/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console_early.h: the console before any driver: the firmware's, or a UART that earlycon.c polls.
 * Context: any, interrupts on or off.
 */
#ifndef BOOT_CONSOLE_EARLY_H
#define BOOT_CONSOLE_EARLY_H

#include <quarry/types.h>

void console_firmware_putc(char c);
int console_firmware_getc(void);   /* -1: nothing there, or no such console */
void console_firmware_flush(void); /* until all has left, in bounded time */

/*
 * Is there such a console? *base: the physical address of its UART's registers, all in one page;
 * unchanged if that is not known.
 */
bool console_firmware(phys_addr_t *base);

/*
 * The UART that earlycon= asked for, which is the console for good, whatever the tree says; NULL if
 * it asked for none, or for `sbi`.
 */
struct uart_port;
const struct uart_port *console_forced(void);

#endif
