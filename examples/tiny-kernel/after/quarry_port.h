/* SPDX-License-Identifier: BSD-2-Clause */
/* quarry_port.h, after: the kernel's hart number finds the hart's area. */
#include "../kalloc.h"
#define QUARRY_PORT_NAME tiny_kernel
extern struct mm_pcpu cpus[];
#define port_pcpu()		(&cpus[hart_id()])
#define port_pcpu_at(offset)	((void *)((char *)port_pcpu() + (offset)))
#define port_set_pcpu(area)	((void)(area))
#define port_irq_save()		irq_save()
#define port_irq_restore(flags) irq_restore(flags)
#define port_relax()		((void)0)
#define phys_to_virt(pa)	((void *)(uintptr_t)(pa))
#define virt_to_phys(va)	((phys_addr_t)(uintptr_t)(va))
