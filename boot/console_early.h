/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console_early.h: the two calls each ISA's boot code supplies for output before any driver.
 * Context: any, interrupts on or off.
 */
#ifndef BOOT_CONSOLE_EARLY_H
#define BOOT_CONSOLE_EARLY_H

void console_firmware_putc(char c);
int console_firmware_getc(void); /* -1: nothing there, or no such console */

#endif
