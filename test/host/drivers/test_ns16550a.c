/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_ns16550a.c: the 16550's driver on registers made up here: which speed it sets and which it
 * leaves, and which bytes are data, on a chip that tells of errors byte by byte and on an emulator
 * that tells of a break too early.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

/* Accesses to registers come here instead of to memory. */
#define DRIVERS_IO_H
static uint32_t readl(const volatile void *reg);
static uint16_t readw(const volatile void *reg);
static uint8_t readb(const volatile void *reg);
static void writel(uint32_t value, volatile void *reg);
static void writew(uint16_t value, volatile void *reg);
static void writeb(uint8_t value, volatile void *reg);

#include "fake_uart.h"

/* Interrupts of this CPU: one that is raised while they are masked comes after that. */
static unsigned int masked;
static bool raised;
static void raise_interrupt(void);

static unsigned long mask_interrupts(void)
{
	return masked++;
}

static void restore_interrupts(unsigned long flags)
{
	masked = (unsigned int)flags;
	if (raised && !masked)
		raise_interrupt();
}
#define port_irq_save	 mask_interrupts
#define port_irq_restore restore_interrupts

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/dt/of.c"
#include "drivers/serial/ns16550a.c"
#include "drivers/serial/uart.c"
#include "drivers/serial/uart_choose.c"
#include "drivers/serial/uart_kinds.c"
#include "drivers/serial/uart_port.c"

#define IER_RECEIVE   0x01
#define IER_TIMEOUT   0x10 /* pxa, as the next */
#define IER_UNIT      0x40
#define IIR_NONE      0x01
#define LSR_OVERRUN   0x02
#define LSR_BREAK     0x10
#define LSR_THR_EMPTY 0x20
#define LSR_IDLE      0x40
#define FIFO_SIZE     16

/* ---- the chip -------------------------------------------------------------------------------- */

static struct {
	uint32_t ier, fcr, lcr, mcr, dll, dlm;
	unsigned int divisors_written;
	unsigned int busy; /* dw-apb: so many writes of LCR are ignored, each until USR is read */
	bool told_busy;
	struct {
		uint8_t byte, errors;
	} fifo[256];
	unsigned int head, tail;
	bool at_once;	  /* errors are told when they come, not when their byte is at the head */
	uint32_t pending; /* of LSR, until it is read */
	uint32_t cleared; /* of IER, at any time */
} chip;

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

static uint32_t read_lsr(void)
{
	uint32_t status = LSR_THR_EMPTY | LSR_IDLE | chip.pending;

	chip.pending = 0;
	if (chip.head > chip.tail) {
		status |= LSR_DATA_READY | chip.fifo[chip.tail].errors;
		chip.fifo[chip.tail].errors = 0; /* reading clears them */
	}
	return status;
}

static void raise_interrupt(void)
{
	raised = masked > 0;
	if (raised)
		return;
	masked++; /* in the handler they are masked */
	fake.handler(fake.handler_arg);
	masked--;
}

static unsigned int accesses;
static bool raise_at_lsr; /* once, when it was read */

static uint32_t chip_read(size_t at)
{
	bool dlab = chip.lcr & LCR_DLAB;
	uint32_t status;

	accesses++;
	switch (at) {
	case UART_RBR:
		return dlab ? chip.dll : chip.head > chip.tail ? chip.fifo[chip.tail++].byte : 0;
	case UART_IER:
		return dlab ? chip.dlm : chip.ier;
	case UART_IIR:
		return (chip.head > chip.tail ? IIR_TIMEOUT : IIR_NONE) |
		       (chip.fcr & FCR_ENABLE ? IIR_FIFO_ENABLED : 0);
	case UART_LCR:
		return chip.lcr;
	case UART_LSR:
		status = read_lsr();
		if (raise_at_lsr) {
			raise_at_lsr = false;
			raise_interrupt();
		}
		return status;
	case UART_USR:
		chip.told_busy = false;
		return 0;
	default:
		return 0;
	}
}

static void chip_write(uint32_t value, size_t at)
{
	bool dlab = chip.lcr & LCR_DLAB;

	accesses++;
	if (at <= UART_IER && dlab) {
		*(at ? &chip.dlm : &chip.dll) = value;
		chip.divisors_written++;
	} else if (at == UART_IER) {
		chip.ier = value;
		chip.cleared |= ~value;
	} else if (at == UART_FCR) {
		chip.fcr = value;
	} else if (at == UART_LCR && chip.busy > 0) {
		chip.busy--;
		chip.told_busy = true;
	} else if (at == UART_LCR) {
		chip.lcr = value;
	} else if (at == UART_MCR) {
		chip.mcr = value;
	}
}

static unsigned int reg_shift;
#define AT(reg) (((size_t)((const volatile char *)(reg) - fake.registers[0])) >> reg_shift)

static uint32_t readl(const volatile void *reg)
{
	return chip_read(AT(reg));
}

static uint16_t readw(const volatile void *reg)
{
	return (uint16_t)chip_read(AT(reg));
}

static uint8_t readb(const volatile void *reg)
{
	return (uint8_t)chip_read(AT(reg));
}

static void writel(uint32_t value, volatile void *reg)
{
	chip_write(value, AT(reg));
}

static void writew(uint16_t value, volatile void *reg)
{
	chip_write(value, AT(reg));
}

static void writeb(uint8_t value, volatile void *reg)
{
	chip_write(value, AT(reg));
}

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
		uart_tree("/uart:115200");
		uart_node("uart", "snps,dw-apb-uart", 0x10000000);
		put("clock-frequency", CELLS(3686400));
		put("reg-shift", CELLS(2));
		put("reg-io-width", CELLS(4));
		end();
		finish_tree();
		dev = fake_device(&driver_ns16550a, "/uart");
		assert_non_null(dev);
		assert_int_equal(chip.dll, 2);
		assert_int_equal(chip.lcr, LCR_8N1);
		assert_int_equal(chip.busy, 0);
		assert_false(chip.told_busy);
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

/* ---- receiving ------------------------------------------------------------------------------- */

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
		cmocka_unit_test(speeds),
		cmocka_unit_test(busy),
		cmocka_unit_test(others),
		cmocka_unit_test(breaks),
		cmocka_unit_test(breaks_while_sending),
		cmocka_unit_test(damaged_bytes),
		cmocka_unit_test(damaged_while_flushing),
		cmocka_unit_test(interrupt_that_never_comes),
		cmocka_unit_test(interrupt_that_comes),
		cmocka_unit_test(unit_stays_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
