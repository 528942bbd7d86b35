/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtos_port.h: a port that keeps interrupts on. Interrupt handlers of this system do not call the
 * allocator, so it is enough that threads are not switched while it works on the CPU's own data.
 */
#include "sched.h"
#define QUARRY_PORT_NAME rtos

extern struct mm_pcpu cpu0;

static inline struct mm_pcpu *port_pcpu(void)
{
	return &cpu0;
}
static inline void *port_pcpu_at(unsigned long offset)
{
	return (char *)&cpu0 + offset;
}
static inline void port_set_pcpu(struct mm_pcpu *area)
{
	(void)area;
}
static inline unsigned long port_irq_save(void)
{
	preempt_disable();
	return 0;
}
static inline void port_irq_restore(unsigned long flags)
{
	(void)flags;
	preempt_enable();
}
static inline bool port_irqs_disabled(void)
{
	return preempt_off;
}
#define port_irqs_disabled port_irqs_disabled
static inline void port_relax(void)
{
}
static inline void *phys_to_virt(phys_addr_t pa)
{
	return (void *)(uintptr_t)pa;
}
static inline phys_addr_t virt_to_phys(const void *va)
{
	return (phys_addr_t)(uintptr_t)va;
}
/* A thread may stop in a shrinker while another calls the allocator: they are told apart. */
static inline const void *port_thread(void)
{
	return thread_now;
}
#define port_thread port_thread
