/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_fuzz.h: the port of mm/ for fuzzers: the host's, on one thread, with interrupts. Whenever interrupts
 * are let in again a fuzzer's handler may run, as an interrupt that was pending would: so calls happen
 * at each place of mm/ where they can happen on a machine, and every run of an input is the same.
 */
#ifndef QUARRY_PORT_FUZZ_H
#define QUARRY_PORT_FUZZ_H

#include <quarry/types.h>

extern phys_addr_t port_host_offset; /* physical = virtual - port_host_offset */
extern _Thread_local struct mm_pcpu *port_host_pcpu;

extern unsigned long port_fuzz_masked;	  /* interrupts are masked on this CPU */
extern void (*port_fuzz_interrupt)(void); /* runs when they are let in; NULL: nothing does */

extern unsigned long
	port_fuzz_steps; /* basic blocks of memblock, libfdt and the device-tree code that have run */

static inline struct mm_pcpu *port_pcpu(void)
{
	return port_host_pcpu;
}

/* The CPU's area plus an offset in bytes. */
static inline void *port_pcpu_at(unsigned long offset)
{
	return (char *)port_host_pcpu + offset;
}

static inline void port_set_pcpu(struct mm_pcpu *area)
{
	port_host_pcpu = area;
}

static inline unsigned long port_irq_save(void)
{
	unsigned long flags = port_fuzz_masked;

	port_fuzz_masked = 1;
	return flags;
}

static inline void port_irq_restore(unsigned long flags)
{
	port_fuzz_masked = flags;
	if (!flags && port_fuzz_interrupt)
		port_fuzz_interrupt();
}

static inline bool port_irqs_disabled(void)
{
	return port_fuzz_masked;
}
#define port_irqs_disabled port_irqs_disabled

static inline void port_relax(void)
{
}

/* One thread is all there is, whatever CPU it is on. */
static inline const void *port_thread(void)
{
	return &port_fuzz_masked;
}
#define port_thread port_thread

static inline void *phys_to_virt(phys_addr_t pa)
{
	return (void *)(uintptr_t)(pa + port_host_offset);
}

static inline phys_addr_t virt_to_phys(const void *va)
{
	return (phys_addr_t)(uintptr_t)va - port_host_offset;
}

#endif
