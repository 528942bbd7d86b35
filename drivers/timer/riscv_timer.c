/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * riscv_timer.c: the time CSR and the SBI's timer, bound to the boot hart's cpu node.
 */
#include <errno.h>

#include "boot/boot.h"
#include "boot/riscv64/sbi.h"
#include "boot/riscv64/trap.h"
#include "drivers/base/driver.h"
#include "boot/dt/of.h"
#include "drivers/timer/timer.h"

static const struct timer_ops riscv_timer_ops = {
	.read = machine_ticks,
	.program = sbi_set_timer,
};

static int riscv_timer_probe(struct device *dev)
{
	uint64_t hart;
	int error;

	/* other harts' nodes have the same compatible: theirs are for when they are started */
	if (of_cpu_id(dev->fdt, dev->node, &hart) != 0 || hart != boot_info.hart)
		return -ENODEV;
	sbi_set_timer(UINT64_MAX); /* before what the registration programs */
	error = timer_register(&riscv_timer_ops, boot_info.timebase_hz);
	if (error) {
		device_log(dev, "/cpus has no timebase-frequency: no timer");
		return error;
	}
	dev->irq = RISCV_IRQ_TIMER;
	return riscv_irq_register(RISCV_IRQ_TIMER, timer_interrupt);
}

static void riscv_timer_remove(struct device *dev)
{
	(void)dev;
	timer_register(NULL, 0);
	riscv_irq_register(RISCV_IRQ_TIMER, NULL);
}

static const char *const riscv_timer_compatible[] = {"riscv", NULL};

DRIVER(riscv_timer, "riscv-timer", DRIVER_TIMER, riscv_timer_compatible, riscv_timer_probe,
       riscv_timer_remove, 0);
