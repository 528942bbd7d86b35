/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * one_cpu.h: a port for one CPU that never calls mm/ in an interrupt, nor switches threads inside it.
 * The program defines port_area, port_log() and port_panic(); port_kick() is not needed.
 */
#ifndef QUARRY_PORT_ONE_CPU_H
#define QUARRY_PORT_ONE_CPU_H

#include <quarry/port/identity.h>

#ifndef QUARRY_PORT_NAME
#define QUARRY_PORT_NAME one_cpu
#endif

extern struct mm_pcpu *port_area;

static inline struct mm_pcpu *port_pcpu(void)
{
	return port_area;
}
static inline void *port_pcpu_at(unsigned long offset)
{
	return (char *)port_area + offset;
}
static inline void port_set_pcpu(struct mm_pcpu *area)
{
	port_area = area;
}
static inline unsigned long port_irq_save(void)
{
	return 0;
}
static inline void port_irq_restore(unsigned long flags)
{
	(void)flags;
}
static inline void port_relax(void)
{
}

#endif
