/* SPDX-License-Identifier: BSD-2-Clause */
#define QUARRY_PORT_NAME one_thread
/*
 * hosted_port.h: a process with one thread is a machine with one CPU and no interrupts. "Physical" memory is
 * a mapping; a physical address is the offset in it.
 */
extern struct mm_pcpu cpu0;
extern char *ram;

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
	return 0;
}
static inline void port_irq_restore(unsigned long flags)
{
	(void)flags;
}
static inline void port_relax(void)
{
}
static inline void *phys_to_virt(phys_addr_t pa)
{
	return ram + pa;
}
static inline phys_addr_t virt_to_phys(const void *va)
{
	return (phys_addr_t)((const char *)va - ram);
}
