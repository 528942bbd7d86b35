/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_optional.c: what a port may leave out.
 */
#include <quarry/port.h>

__attribute__((weak, visibility("default"))) void port_yield(void)
{
}

/* The idle loop asks mm_balance_woken() often enough, or nobody does. */
__attribute__((weak, visibility("default"))) void port_balance(void)
{
}

/* One CPU, or CPUs that call mm_ipi() by themselves. */
__attribute__((weak, visibility("default"))) void port_kick(unsigned int cpu)
{
	(void)cpu;
}
