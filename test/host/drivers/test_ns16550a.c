/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ns16550a.c: the 16550's driver as it starts and stops: which speed it sets and which it
 * leaves, which UARTs it touches, and that one whose switch is in IER stays on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "test/host/drivers/fake_16550.h"

/* ---- the speed ------------------------------------------------------------------------------- */

struct line {
	const char *options;	/* of stdout-path; NULL: stdout-path is without */
	uint32_t current_speed; /* 0: no such property */
	uint32_t clock;
	uint32_t before, after; /* divisors */
};

static void speed_case(const struct line *line, uint32_t shift)
{
	char path[64];
	struct device *dev;

	memset(&chip, 0, sizeof(chip));
	chip.dll = line->before & 0xff;
	chip.dlm = line->before >> 8;
	snprintf(path, sizeof(path), "/uart%s", line->options ? line->options : "");
	uart_tree(path);
	uart_node("uart", "ns16550a", 0x10000000);
	if (line->clock)
		put("clock-frequency", CELLS(line->clock));
	if (line->current_speed)
		put("current-speed", CELLS(line->current_speed));
	if (shift) {
		put("reg-shift", CELLS(shift));
		put("reg-io-width", CELLS(4));
	}
	end();
	finish_tree();
	reg_shift = shift;
	dev = fake_device(&driver_ns16550a, "/uart");
	assert_non_null(dev);
	assert_int_equal(chip.dll | chip.dlm << 8, line->after);
	assert_int_equal(chip.divisors_written, line->before == line->after ? 0 : 2);
	assert_int_equal(chip.lcr, LCR_8N1);
	fake_remove(dev);
}

/* Who states no speed gets the loader's; an option of stdout-path comes before current-speed. */
static void speeds(void **state)
{
	static const struct line lines[] = {
		{NULL, 0, 24000000, 1, 1},
		{NULL, 0, 24000000, 0x0201, 0x0201},
		{"", 0, 3686400, 2, 2},
		{":", 0, 3686400, 2, 2},
		{":n8", 0, 3686400, 7, 7},
		{":115200", 0, 3686400, 9, 2},
		{":115200n8", 0, 3686400, 9, 2},
		{":9600", 0, 24000000, 9, 156},
		{":300", 0, 24000000, 9, 5000},
		{NULL, 38400, 3686400, 9, 6},
		{":115200", 38400, 3686400, 9, 2},
		{":115200", 0, 0, 9, 9},	 /* no clock: nothing can be set */
		{":4000000", 0, 24000000, 9, 9}, /* 1.5 Mbaud at most */
		{":99999999999", 0, 24000000, 9, 9},
		{":1000000", 0, 3686400, 9, 9}, /* nothing within 3 % */
		{NULL, 5000000, 24000000, 9, 9},
		{NULL, 0, 3686400, 0, 2}, /* a divisor of 0 is nobody's: 115200 */
		{NULL, 0, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		speed_case(&lines[i], 0);
		speed_case(&lines[i], 2);
	}
}

static void dw_apb_tree(void)
{
	uart_tree("/uart:115200");
	uart_node("uart", "snps,dw-apb-uart", 0x10000000);
	put("clock-frequency", CELLS(3686400));
	put("reg-shift", CELLS(2));
	put("reg-io-width", CELLS(4));
	end();
	finish_tree();
}

/* dw-apb ignores LCR while a byte comes or goes; what that interrupts with is ended. */
static void busy(void **state)
{
	(void)state;
	for (unsigned int tries = 0; tries < 5; tries++) {
		struct device *dev;

		memset(&chip, 0, sizeof(chip));
		chip.dll = 9;
		chip.busy = tries;
		reg_shift = 2;
		dw_apb_tree();
		dev = fake_device(&driver_ns16550a, "/uart");
		assert_non_null(dev);
		assert_int_equal(chip.dll, 2);
		assert_int_equal(chip.lcr, LCR_8N1);
		assert_int_equal(chip.busy, 0);
		assert_false(chip.told_busy);
		fake_remove(dev);
	}
}

/* One that never lets go: the line stays, and nothing is written where the divisor would be. */
static void always_busy(void **state)
{
	struct device *dev;

	(void)state;
	memset(&chip, 0, sizeof(chip));
	chip.dll = 9;
	chip.lcr = LCR_8N1;
	chip.busy = UINT32_MAX;
	reg_shift = 2;
	dw_apb_tree();
	dev = fake_device(&driver_ns16550a, "/uart");
	assert_non_null(dev);
	assert_int_equal(chip.dll, 9);
	assert_int_equal(chip.divisors_written, 0);
	assert_int_equal(chip.lcr, LCR_8N1);
	assert_int_equal(chip.ier, IER_RECEIVE);
	fake_remove(dev);
}

/* One that is busy from the first write on: clearing its FIFOs helps, or a line says that nothing does. */
static void busy_in_between(void **state)
{
	(void)state;
	for (int clears = 0; clears < 2; clears++) {
		struct device *dev;

		memset(&chip, 0, sizeof(chip));
		chip.busy_with_dlab = true;
		chip.clears = clears;
		reg_shift = 2;
		fake.log[0] = '\0';
		dw_apb_tree();
		dev = fake_device(&driver_ns16550a, "/uart");
		assert_non_null(dev);
		assert_int_equal(chip.lcr, clears ? LCR_8N1 : LCR_8N1 | LCR_DLAB);
		assert_int_equal(chip.dll, 2);
		assert_int_equal(strstr(fake.log, "always busy") != NULL, !clears);
		fake_remove(dev);
	}
}

/* One that is not the console may have no clock: it is not touched. One that prints is. */
static void others(void **state)
{
	struct device *dev;

	(void)state;
	for (int named = 0; named < 2; named++) {
		uart_tree(named ? "/uart" : "/acme");
		uart_node("uart", "ns16550a", 0x10000000);
		end();
		uart_node("other", "ns16550a", 0x10001000);
		end();
		uart_node("acme", "acme,uart", 0x10002000);
		end();
		finish_tree();
		reg_shift = 0;
		accesses = 0;
		assert_null(fake_device(&driver_ns16550a, "/other"));
		assert_int_equal(accesses, 0);
		fake.nr_uarts = 0;
		fake.firmware_base = named ? 0 : 0x10000000;
		dev = fake_device(&driver_ns16550a, "/uart");
		assert_non_null(dev);
		assert_true(accesses > 0);
		fake_remove(dev);
	}
}

/* Where the unit's switch is beside the interrupts, it stays on. */
static void unit_stays_on(void **state)
{
	static const char *const compatible[] = {"intel,xscale-uart", "mrvl,pxa-uart"};

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct device *dev;

		memset(&chip, 0, sizeof(chip));
		chip.ier = IER_UNIT;
		reg_shift = 2;
		uart_tree("/uart");
		uart_node("uart", compatible[i], 0x10000000);
		put("reg-shift", CELLS(2));
		end();
		finish_tree();
		dev = fake_device(&driver_ns16550a, "/uart");
		assert_non_null(dev);
		assert_int_equal(chip.ier, IER_UNIT | IER_TIMEOUT | IER_RECEIVE);
		fake_remove(dev);
		assert_int_equal(chip.ier, IER_UNIT);
		assert_false(chip.cleared & IER_UNIT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(speeds),	 cmocka_unit_test(busy),
		cmocka_unit_test(always_busy),	 cmocka_unit_test(others),
		cmocka_unit_test(unit_stays_on), cmocka_unit_test(busy_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
