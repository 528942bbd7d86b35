/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h: the board's port, with a count of how long interrupts stay masked (masked.h). mm/ is compiled with
 * it for the image of `make masked` and for no other.
 */
#ifndef QUARRY_TEST_MASKED_PORT_H
#define QUARRY_TEST_MASKED_PORT_H

#define port_irq_save	 port_irq_save_alone
#define port_irq_restore port_irq_restore_alone
#if defined(__riscv)
#include "boot/riscv64/port.h"
#else
#include "boot/arm64/port.h"
#endif
#undef port_irq_save
#undef port_irq_restore

void masked_begin(void);
void masked_end(void);

static inline unsigned long port_irq_save(void)
{
	unsigned long flags = port_irq_save_alone();

	masked_begin();
	return flags;
}

static inline void port_irq_restore(unsigned long flags)
{
	masked_end();
	port_irq_restore_alone(flags);
}

#endif
