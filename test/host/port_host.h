/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_host.h: the port of mm/ for tests and tools on the host, and the handles a test has on it.
 */
#ifndef QUARRY_PORT_HOST_H
#define QUARRY_PORT_HOST_H

#include <setjmp.h>

#include <quarry/port.h>

/* Where port_log() sends its line (without newline); NULL means stderr. */
extern void (*port_host_log_hook)(const char *line);

/* A log hook that drops every line. */
void port_host_quiet(const char *line);

/*
 * A log hook that keeps the lines, each ended by a newline, in port_host_log_text; what does not
 * fit is dropped. Empty the text with port_host_log_clear().
 */
void port_host_capture(const char *line);
extern char port_host_log_text[65536];
void port_host_log_clear(void);

/* When set, port_yield() calls it: a CPU waits, and another may go on. */
extern void (*port_host_yield_hook)(void);

/*
 * When set, port_panic() jumps there with 1 instead of aborting; the text is in
 * port_host_panic_text.
 */
extern jmp_buf *port_host_panic_jump;
extern char port_host_panic_text[512];

/*
 * Back [base, base + size) of physical memory with a private mapping and point phys_to_virt() at
 * it. Pages cost nothing until they are touched. Returns the mapping, or NULL when there is no
 * room. base and size are multiples of the page size. One mapping at a time: the earlier one is
 * unmapped.
 */
void *host_ram_map(phys_addr_t base, size_t size);

/* Fill [base, base + size) of the mapping with bytes that depend on the seed alone. */
void host_ram_randomize(phys_addr_t base, size_t size, uint64_t seed);

void host_ram_unmap(void);

/* What port_kick() does; NULL: nothing (CPUs are threads that poll mm_ipi()). */
extern void (*port_host_kick)(unsigned int cpu);

/* A small generator of reproducible numbers for tests; *state is the seed. */
uint64_t host_random(uint64_t *state);

#endif
