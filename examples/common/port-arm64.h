/* SPDX-License-Identifier: BSD-2-Clause */
/* port-arm64.h: a port for EL1: TPIDR_EL1 has the CPU's area, DAIF.I masks interrupts. */
#define QUARRY_PORT_NAME el1
static inline struct mm_pcpu *port_pcpu(void)
{
	struct mm_pcpu *area;

	__asm__("mrs %0, tpidr_el1" : "=r"(area));
	return area;
}
static inline void *port_pcpu_at(unsigned long offset)
{
	return (char *)port_pcpu() + offset;
}
static inline void port_set_pcpu(struct mm_pcpu *area)
{
	__asm__ volatile("msr tpidr_el1, %0" ::"r"(area) : "memory");
}
static inline unsigned long port_irq_save(void)
{
	unsigned long flags;

	__asm__ volatile("mrs %0, daif\n\tmsr daifset, #2" : "=r"(flags)::"memory");
	return flags;
}
static inline void port_irq_restore(unsigned long flags)
{
	__asm__ volatile("msr daif, %0" ::"r"(flags) : "memory");
}
static inline void port_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}
static inline void *phys_to_virt(phys_addr_t pa)
{
	return (void *)(uintptr_t)pa;
}
static inline phys_addr_t virt_to_phys(const void *va)
{
	return (phys_addr_t)(uintptr_t)va;
}
