/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ns16550a_receive.c: which bytes are data, on a chip that tells of errors byte by byte and on
 * an emulator that tells of a break too early; and interrupts that come late, or never.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "test/host/drivers/fake_16550.h"

/* ---- what comes ------------------------------------------------------------------------------ */

static void arrive(uint8_t byte, uint8_t errors)
{
	chip.fifo[chip.head].byte = byte;
	chip.fifo[chip.head++].errors = chip.at_once ? 0 : errors;
	if (chip.at_once)
		chip.pending |= errors;
}

static void arrive_text(const char *text)
{
	while (*text)
		arrive((uint8_t)*text++, 0);
}

static void arrive_break(void)
{
	arrive(0, chip.at_once ? LSR_BREAK : LSR_BREAK | 0x08);
}

/* ---- what is received ------------------------------------------------------------------------ */

static struct device *start(bool at_once)
{
	struct device *dev;

	memset(&chip, 0, sizeof(chip));
	chip.at_once = at_once;
	reg_shift = 0;
	uart_tree("/uart");
	uart_node("uart", "ns16550a", 0x10000000);
	end();
	finish_tree();
	dev = fake_device(&driver_ns16550a, "/uart");
	assert_non_null(dev);
	assert_int_equal(chip.ier, IER_RECEIVE);
	return dev;
}

/* What has come, by its interrupt. */
static void expect_received(const char *text, struct device *dev, uint64_t bad)
{
	const struct uart *uart = device_priv(dev);

	fake.handler(fake.handler_arg);
	for (; *text; text++)
		assert_int_equal(uart_getc(), *text);
	assert_int_equal(uart_getc(), -1);
	assert_int_equal(uart->bad, bad);
}

static void breaks(void **state)
{
	(void)state;
	for (int at_once = 0; at_once < 2; at_once++) {
		struct device *dev = start(at_once);

		arrive_text("a");
		expect_received("a", dev, 0);
		arrive_break();
		expect_received("", dev, 1);
		/* a byte ahead of it, and one behind */
		arrive_text("x");
		arrive_break();
		arrive_text("y");
		expect_received("xy", dev, 2);
		/* several, told of once at most by the emulator */
		arrive_break();
		arrive_text("pq");
		arrive_break();
		arrive_break();
		arrive_text("r");
		expect_received("pqr", dev, 5);
		arrive_text("z");
		expect_received("z", dev, 5);
		fake_remove(dev);
	}
}

/* Whoever sends reads the status too, and with it the errors go. */
static void breaks_while_sending(void **state)
{
	(void)state;
	for (int at_once = 0; at_once < 2; at_once++) {
		struct device *dev = start(at_once);

		arrive_text("x");
		arrive_break();
		for (int i = 0; i < 2 * FIFO_SIZE; i++)
			fake.output('.');
		expect_received("x", dev, 1);
		arrive_break();
		uart_flush();
		expect_received("", dev, 2);
		fake_remove(dev);
	}
}

/* The thread reads the status, and with it the error goes; then the interrupt takes the byte. */
static void damaged_while_flushing(void **state)
{
	struct device *dev = start(false);
	const struct uart *uart = device_priv(dev);

	(void)state;
	arrive('a', 0x04);
	raise_at_lsr = true;
	uart_flush();
	assert_false(raise_at_lsr);
	assert_int_equal(uart->bad, 1);
	assert_int_equal(uart_getc(), -1);
	/* and what the thread noted is that byte's alone */
	arrive('b', 0);
	expect_received("b", dev, 1);
	fake_remove(dev);
}

/* Bytes that are damaged are no data; a zero that is typed is. */
static void damaged_bytes(void **state)
{
	struct device *dev = start(false);
	const struct uart *uart = device_priv(dev);

	(void)state;
	arrive('a', 0x04); /* parity */
	arrive('b', 0x08); /* framing */
	arrive('c', 0);
	expect_received("c", dev, 2);
	arrive(0, 0);
	fake.handler(fake.handler_arg);
	assert_int_equal(uart_getc(), 0);
	arrive('d', LSR_OVERRUN);
	expect_received("d", dev, 2);
	assert_int_equal(uart->port.overruns, 1);
	fake_remove(dev);
}

/* An interrupt that never comes: the looks find the bytes, and in the end the console is polled. */
static void interrupt_that_never_comes(void **state)
{
	struct device *dev = start(false);

	(void)state;
	for (int i = 0; i < MISSED_MAX; i++) {
		assert_true(uart_wakes());
		arrive('a', 0);
		assert_int_equal(uart_getc(), -1);
		uart_look();
		assert_int_equal(uart_getc(), 'a');
	}
	assert_false(uart_wakes());
	assert_null(fake.handler);
	assert_int_equal(chip.ier, 0);
	assert_non_null(strstr(fake.log, "polling"));
	arrive('b', 0);
	assert_int_equal(uart_getc(), 'b');
	fake_remove(dev);
}

/* One that comes now and then stays in use. */
static void interrupt_that_comes(void **state)
{
	struct device *dev = start(false);

	(void)state;
	for (int i = 0; i < 5 * MISSED_MAX; i++) {
		arrive('a', 0);
		if (i % (MISSED_MAX - 1) == 0)
			fake.handler(fake.handler_arg);
		else
			uart_look();
		assert_int_equal(uart_getc(), 'a');
		uart_look();
	}
	assert_true(uart_wakes());
	fake_remove(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(breaks),
		cmocka_unit_test(breaks_while_sending),
		cmocka_unit_test(damaged_bytes),
		cmocka_unit_test(damaged_while_flushing),
		cmocka_unit_test(interrupt_that_never_comes),
		cmocka_unit_test(interrupt_that_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
