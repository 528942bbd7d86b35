/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.h: what boot/main.c and one ISA's boot code ask of each other.
 */
#ifndef BOOT_MAIN_H
#define BOOT_MAIN_H

#include <quarry/types.h>

/* Called by the ISA's start code with what the loader passed. Does not return. */
_Noreturn void boot_main(unsigned long hart, phys_addr_t fdt_phys);

/* Firmware calls work after it. Context: boot, first. */
void machine_init(void);

/*
 * What the tree says of this machine's CPUs that the boot code must know; the tree has been checked.
 * Context: boot.
 */
void machine_read_tree(const void *fdt);

/* What machine_instret() counts: "instret", or "cycles" where that is all that hardware has. */
const char *machine_count_name(void);

/* After memblock is filled: warn of, and keep off, memory that firmware must own. Context: boot. */
void machine_check_memory(void);

/*
 * The firmware's console: whether there is one, and a byte out of it or into it; -1: none came.
 * Context: any, after machine_init().
 */
bool machine_console(void);
void machine_putc(char c);
int machine_getc(void);

/*
 * The areas that the tree and bootargs name: before mm_init(), and when their memory is handed over (cma.c).
 * Context: boot.
 */
void boot_find_cma(void);
void boot_start_cma(void);

/*
 * Ranges where memory comes and goes (hotplug.c): before mm_init(), behind boot_find_cma(), and when
 * their blocks are handed over. Context: boot.
 */
void boot_find_hotplug(void);
void boot_start_hotplug(void);

/*
 * Where the last word of bootargs that begins with name, "cma=", has its value, but for what is in quotes;
 * NULL: there is none.
 */
const char *boot_option(const char *bootargs, const char *name);

/* A number and K, M or G, as Linux's memparse(); the end of it, or NULL: there is none. */
const char *boot_parse_size(const char *text, phys_addr_t *value);

/*
 * Does the counter count, as it does on hardware and under QEMU's -icount? Elsewhere an emulator's shows the host's time, and a
 * figure would mislead. A thousand turns of a loop cost as much as a thousand others.
 */
bool counter_counts(void);

/* The application: the console. Interrupts are off on entry. */
int main(void);

#endif
