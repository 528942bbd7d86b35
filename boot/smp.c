/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp.c: the other CPUs.
 */
#include <quarry/port.h>

void port_kick(unsigned int cpu)
{
	(void)cpu; /* only the boot CPU runs */
}
