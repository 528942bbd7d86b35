/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_signal.h: a port for host programs in which each thread is a CPU and a signal an interrupt.
 * A signal that comes while interrupts are masked is served when they are let in again. In place of
 * the host's part of port.h (QUARRY_PORT_HEADER).
 */
#ifndef QUARRY_PORT_SIGNAL_H
#define QUARRY_PORT_SIGNAL_H

extern phys_addr_t port_host_offset;
extern _Thread_local struct mm_pcpu *port_host_pcpu;
extern _Thread_local volatile int port_signal_masked, port_signal_pending;

/* Serve what is pending; interrupts are let in afterwards. */
void port_signal_deliver(void);

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

static inline unsigned long port_irq_save(void)
{
	unsigned long was = (unsigned long)port_signal_masked;

	port_signal_masked = 1;
	__asm__ volatile("" ::: "memory");
	return was;
}

static inline void port_irq_restore(unsigned long was)
{
	__asm__ volatile("" ::: "memory");
	if (was)
		return;
	port_signal_masked = 0;
	__asm__ volatile("" ::: "memory");
	if (port_signal_pending)
		port_signal_deliver();
}

static inline bool port_irqs_disabled(void)
{
	return port_signal_masked;
}
#define port_irqs_disabled port_irqs_disabled

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

#endif
