/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_moving.h: the port of mm/ for test_moving.c: the host's, on a host that moves threads
 * between CPUs. Wherever interrupts are let in a scheduler may stop the thread, run others and go
 * on with it on another CPU; here port_moving_point() decides.
 */
#ifndef QUARRY_PORT_MOVING_H
#define QUARRY_PORT_MOVING_H

#include <quarry/types.h>

extern phys_addr_t port_host_offset; /* physical = virtual - port_host_offset */
extern _Thread_local struct mm_pcpu *port_host_pcpu;

extern unsigned long port_moving_masked;
void port_moving_point(void);

/* The CPU may be another one after each point: nothing of it is kept in a register. */
static inline struct mm_pcpu *port_pcpu(void)
{
	return *(struct mm_pcpu *volatile *)&port_host_pcpu;
}

static inline void *port_pcpu_at(unsigned long offset)
{
	return (char *)port_pcpu() + offset;
}

static inline void port_set_pcpu(struct mm_pcpu *area)
{
	port_host_pcpu = area;
}

static inline unsigned long port_irq_save(void)
{
	return port_moving_masked++;
}

static inline void port_irq_restore(unsigned long flags)
{
	port_moving_masked = flags;
	if (!flags)
		port_moving_point();
}

static inline void port_relax(void)
{
}

static inline void *phys_to_virt(phys_addr_t pa)
{
	return (void *)(uintptr_t)(pa + port_host_offset);
}

static inline phys_addr_t virt_to_phys(const void *va)
{
	return (phys_addr_t)(uintptr_t)va - port_host_offset;
}

/* Threads are told apart by themselves, not by the CPU they are on. */
extern const void *port_moving_thread;
#define port_thread port_thread
static inline const void *port_thread(void)
{
	return port_moving_thread;
}

#endif
