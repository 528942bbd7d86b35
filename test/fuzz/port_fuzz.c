/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_fuzz.c: see port_fuzz.h; the rest of the port is the host's (test/host/port_host.c).
 */
#include <quarry/port.h>

unsigned long port_fuzz_masked;
void (*port_fuzz_interrupt)(void);
unsigned long port_fuzz_steps;

/* Called at the start of each basic block of what is counted (mk/fuzz.mk). */
void port_fuzz_step(void);
void port_fuzz_step(void)
{
	port_fuzz_steps++;
}
