/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h inside Linux: all that the workloads need of it is masking interrupts.
 */
#ifndef TEST_BENCH_LINUX_PORT_H
#define TEST_BENCH_LINUX_PORT_H

#include <linux/irqflags.h>

static inline unsigned long port_irq_save(void)
{
	unsigned long flags;

	local_irq_save(flags);
	return flags;
}

static inline void port_irq_restore(unsigned long flags)
{
	local_irq_restore(flags);
}

#endif
