/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_riscv_timer.c: what the timer's registration programs for interrupts that are looked for is
 * still programmed when the probe of the SBI's timer is done.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "test/host/port_host.h"

/* In the place of drivers/base/io.h. */
#define DRIVERS_IO_H
static void cpu_wait_for_interrupt(void)
{
}

/* the sources themselves: they are not among the objects that every host test links */
#include "drivers/timer/riscv_timer.c"
#include "drivers/timer/timer.c"

#define NOW 1000

static uint64_t programmed;
static bool polled;
struct boot_info boot_info;

uint64_t machine_ticks(void)
{
	return NOW;
}

void sbi_set_timer(uint64_t ticks)
{
	programmed = ticks;
}

int riscv_irq_register(unsigned int cause, void (*fn)(void))
{
	(void)cause;
	(void)fn;
	return 0;
}

int of_cpu_id(const void *fdt, int node, uint64_t *id)
{
	(void)fdt;
	(void)node;
	*id = 0;
	return 0;
}

bool irq_poll(void)
{
	return polled;
}

void device_log(const struct device *dev, const char *fmt, ...)
{
	(void)dev;
	(void)fmt;
}

static void test_probe(void **state)
{
	static struct device dev;

	(void)state;
	boot_info.timebase_hz = 10000000;
	programmed = 0; /* as the firmware left it */
	assert_int_equal(riscv_timer_probe(&dev), 0);
	assert_true(programmed == NEVER);
	polled = true;
	assert_int_equal(riscv_timer_probe(&dev), 0);
	assert_in_range(programmed, NOW + 1, NOW + boot_info.timebase_hz);
	riscv_timer_remove(&dev);
	assert_true(programmed == NEVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
