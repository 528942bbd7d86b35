/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arm_timer.c: the generic timer's virtual counter and comparator (Arm ARM, chapter D12; devicetree
 * binding timer/arm,arch_timer).
 *
 * The virtual timer, because it is ours at EL1 under every hypervisor and firmware; boot/ sets its
 * offset to 0 where it can. The driver looks for the node itself, to say so when there is none.
 */
#include <errno.h>
#include <libfdt.h>
#include <quarry/port.h>

#include "boot/arm64/el3.h"
#include "boot/boot.h"
#include "drivers/base/driver.h"
#include "drivers/base/io.h"
#include "drivers/irqchip/irq.h"
#include "boot/dt/of.h"
#include "drivers/timer/timer.h"

#define CTL_ENABLE 1

/*
 * `interrupts` are secure physical, non-secure physical, virtual, hypervisor, unless named
 * otherwise
 */
#define VIRTUAL_INDEX 2

static void arm_timer_program(uint64_t deadline)
{
	if (deadline == UINT64_MAX) {
		__asm__ volatile("msr cntv_ctl_el0, xzr; isb" ::: "memory");
		return;
	}
	__asm__ volatile("msr cntv_cval_el0, %0; msr cntv_ctl_el0, %1; isb" ::"r"(deadline),
			 "r"((uint64_t)CTL_ENABLE)
			 : "memory");
}

static const struct timer_ops arm_timer_ops = {
	.read = machine_ticks,
	.program = arm_timer_program,
};

/* Level triggered: timer_interrupt() moves or stops the comparator. */
static void arm_timer_interrupt(void *arg)
{
	(void)arg;
	timer_interrupt();
}

static int arm_timer_probe(struct device *dev)
{
	static const char *const compatible[] = {"arm,armv8-timer", "arm,armv7-timer"};
	const void *fdt = dev->fdt;
	struct of_irq irq;
	int node = -1, index, error;

	/* the same registers and interrupts; trees from before ARMv8 have the second */
	for (unsigned int i = 0; i < sizeof(compatible) / sizeof(compatible[0]) && node < 0; i++) {
		dev->compatible = compatible[i];
		do
			node = fdt_node_offset_by_compatible(fdt, node, compatible[i]);
		while (node >= 0 && !of_is_enabled(fdt, node));
	}
	if (node < 0) {
		port_log("arm-timer: the device tree has no arm,armv8-timer: no timer");
		return -ENODEV;
	}
	dev->node = node;
	/* only trees of boards whose firmware forgot CNTFRQ_EL0 have this */
	boot_info.timebase_hz =
		of_u32(fdt, node, "clock-frequency", (uint32_t)boot_info.timebase_hz);
	if (boot_info.timebase_hz == 0) {
		device_log(dev, "CNTFRQ_EL0 is 0 and there is no clock-frequency: no timer");
		return -ENODEV;
	}
	if (el3_is_ours())
		el3_set_cntfrq(boot_info.timebase_hz);
	index = fdt_stringlist_search(fdt, node, "interrupt-names", "virt");
	error = of_irq(fdt, node, index >= 0 ? (unsigned int)index : VIRTUAL_INDEX, &irq);
	arm_timer_program(UINT64_MAX);
	if (!error)
		error = irq_request(&irq, arm_timer_interrupt, dev);
	if (error < 0) {
		device_log(dev, "no interrupt of the virtual timer: no timer");
		return -ENODEV; /* reported */
	}
	dev->irq = (uint32_t)error;
	error = timer_register(&arm_timer_ops, boot_info.timebase_hz);
	if (error)
		irq_free(&irq);
	return error;
}

static void arm_timer_remove(struct device *dev)
{
	const void *fdt = dev->fdt;
	int index = fdt_stringlist_search(fdt, dev->node, "interrupt-names", "virt");
	struct of_irq irq;

	timer_register(NULL, 0);
	arm_timer_program(UINT64_MAX);
	if (of_irq(fdt, dev->node, index >= 0 ? (unsigned int)index : VIRTUAL_INDEX, &irq) == 0)
		irq_free(&irq);
}

DRIVER(arm_timer, "arm-timer", DRIVER_TIMER, NULL, arm_timer_probe, arm_timer_remove, 0);
