/* SPDX-License-Identifier: BSD-2-Clause */
/* port-riscv64.h: a port for M-mode: tp has the hart's area, mstatus.MIE (bit 3) masks interrupts. */
#define QUARRY_PORT_NAME m_mode
static inline struct mm_pcpu *port_pcpu(void)
{
	register struct mm_pcpu *area __asm__("tp");

	return area;
}
static inline void *port_pcpu_at(unsigned long offset)
{
	return (char *)port_pcpu() + offset;
}
static inline void port_set_pcpu(struct mm_pcpu *area)
{
	__asm__ volatile("mv tp, %0" ::"r"(area) : "memory");
}
static inline unsigned long port_irq_save(void)
{
	unsigned long flags;

	__asm__ volatile("csrrci %0, mstatus, 8" : "=r"(flags)::"memory");
	return flags & 8;
}
static inline void port_irq_restore(unsigned long flags)
{
	__asm__ volatile("csrs mstatus, %0" ::"r"(flags) : "memory");
}
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
