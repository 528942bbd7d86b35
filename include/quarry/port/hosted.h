/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hosted.h: a port for a process: threads are CPUs, each with an area of its own, and there are no
 * interrupts. The program defines the two variables, maps memory and sets the offset.
 *
 * Nothing interrupts a thread, so port_kick() may do nothing if every thread that has an area calls
 * mm_ipi() now and then, and mm_cpu_offline() before it blocks; or if mm_set_pcp_high(0) was called
 * before the second thread came. A program with one thread need do none of it.
 */
#ifndef QUARRY_PORT_HOSTED_H
#define QUARRY_PORT_HOSTED_H

#include <quarry/config.h>
#include <quarry/types.h>

#ifndef QUARRY_PORT_NAME
#define QUARRY_PORT_NAME hosted
#endif

/* The host backs physical memory with one mapping; physical = virtual - port_host_offset. */
extern phys_addr_t port_host_offset;
extern _Thread_local struct mm_pcpu *port_host_pcpu;

static inline struct mm_pcpu *port_pcpu(void)
{
	return port_host_pcpu;
}

static inline void *port_pcpu_at(unsigned long offset)
{
	return (char *)port_host_pcpu + offset;
}

static inline void port_set_pcpu(struct mm_pcpu *area)
{
	port_host_pcpu = area;
}

/* There are no interrupts; whether they would be masked is noted where mm/ asks. */
#if CONFIG_DEBUG_VM
extern _Thread_local unsigned long port_host_masked;

static inline unsigned long port_irq_save(void)
{
	unsigned long flags = port_host_masked;

	port_host_masked = 1;
	return flags;
}

static inline void port_irq_restore(unsigned long flags)
{
	port_host_masked = flags;
}

static inline bool port_irqs_disabled(void)
{
	return port_host_masked;
}
#define port_irqs_disabled port_irqs_disabled
#else
static inline unsigned long port_irq_save(void)
{
	return 0;
}

static inline void port_irq_restore(unsigned long flags)
{
	(void)flags;
}
#endif

static inline void port_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

static inline void *phys_to_virt(phys_addr_t pa)
{
	return (void *)(uintptr_t)(pa + port_host_offset);
}

static inline phys_addr_t virt_to_phys(const void *va)
{
	return (phys_addr_t)(uintptr_t)va - port_host_offset;
}

#endif
