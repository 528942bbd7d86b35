/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_uart_kinds.c: every row of drivers/serial/uart_kinds.c against its chip, as uart_chips.h has
 * it from the manual: what is sent arrives, and nothing is sent to a chip that has no room; what
 * comes is received; broken bytes are known, and their cause is cleared; all accesses are as wide
 * as they must be. And that a row that is wrong is noticed: each is falsified in every way that
 * matters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "test/host/drivers/fake_io.h"

#define TX_LOOKS 64

#include "test/host/port_host.h"
#include "test/host/drivers/fake_chip.h"

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/dt/of.c"
#include "drivers/serial/uart_choose.c"
#include "drivers/serial/uart_kinds.c"
#include "drivers/serial/uart_port.c"

/* ---- a row and its chip ---------------------------------------------------------------------- */

#define CHECK(condition)                   \
	do {                               \
		if (!(condition))          \
			wrong(#condition); \
	} while (0)

static void sending(struct uart_port *port)
{
	CHECK(uart_port_putc(port, 'a') && uart_port_putc(port, (char)0xff));
	CHECK(state.nr_sent == 2 && memcmp(state.sent, "a\xff", 2) == 0);
	CHECK(!uart_port_idle(port));
	for (int i = 0; i < 10; i++)
		uart_port_idle(port);
	CHECK(uart_port_idle(port));
	/* never ready: given up, then looked at once a byte, until it is */
	state.full = FOREVER;
	state.stale = 0;
	CHECK(!uart_port_putc(port, 'b'));
	state.looks = 0;
	CHECK(!uart_port_putc(port, 'c') && state.looks == 1);
	CHECK(port->tx_lost == 2);
	state.full = 0;
	CHECK(uart_port_putc(port, 'd') && state.nr_sent == 3);
}

static void expect(struct uart_port *port, int byte)
{
	CHECK(uart_port_take(port) == byte);
}

static void receiving(struct uart_port *port)
{
	state.head = state.tail = 0;
	expect(port, UART_EMPTY);
	arrive('x', 0, false);
	arrive(0, 0, false);
	arrive(0xfe, 0, false);
	expect(port, 'x');
	expect(port, 0);
	expect(port, 0xfe);
	expect(port, UART_EMPTY);
	CHECK(!is_scif() || !(state.stale & 3));
}

/* A broken byte between two good ones. */
static void broken(struct uart_port *port, uint32_t byte, uint32_t bit, bool is_data)
{
	state.head = state.tail = 0;
	arrive('p', 0, false);
	arrive(byte, bit, false);
	arrive('r', 0, false);
	state.full = 0;
	uart_port_putc(port, '.'); /* sending looks at the status too */
	expect(port, 'p');
	uart_port_putc(port, '.');
	expect(port, is_data ? (int)byte : UART_BAD);
	expect(port, 'r');
	expect(port, UART_EMPTY);
	CHECK(!state.broken);
	arrive(0, 0, false);
	expect(port, 0);
	expect(port, UART_EMPTY);
}

static void errors(struct uart_port *port)
{
	const struct chip *chip = state.chip;

	for (uint32_t left = chip->broken.mask; left; left &= left - 1) {
		bool break_8250 = chip->telling == ON_READ && lowest(left) == 0x10;

		broken(port, 0, lowest(left), false);
		if (!break_8250)
			broken(port, 'q', lowest(left), chip->telling == AT_ONCE);
	}
	if (chip->telling == ON_READ && chip->some.at == chip->broken.at) {
		/* told without a byte: it is not the next one's */
		state.head = state.tail = 0;
		state.broken = chip->broken.mask;
		expect(port, UART_EMPTY);
		state.broken = 0;
		arrive('k', 0, false);
		expect(port, 'k');
	}
	if (!chip->lost.mask)
		return;
	state.head = state.tail = 0;
	port->overruns = 0;
	arrive('k', 0, false);
	arrive('l', 0, true);
	arrive('m', 0, false);
	expect(port, 'k');
	expect(port, 'l');
	expect(port, 'm');
	expect(port, UART_EMPTY);
	CHECK(port->overruns == 1 && !state.lost);
}

static void interrupts(struct uart_port *port)
{
	const struct pin *wants = &state.chip->wants;
	const uint32_t *is_wanted =
		state.chip->wants_not == NOWHERE ? &state.reg[wants->at] : &state.wanted;

	CHECK((port->kind->listen != NULL) == (wants->mask != 0));
	if (!wants->mask)
		return;
	uart_port_run(port, port->kind->listen);
	CHECK((*is_wanted & wants->mask) == wants->mask && is_on());
	if (is("imx")) /* UCR1: room, a byte, all sent, RTS; the UART is on */
		state.reg[0x80] |= 0x2260;
	uart_port_run(port, port->kind->silence);
	CHECK(!(*is_wanted & wants->mask) && is_on());
	CHECK(!is("imx") || state.reg[0x80] == 1);
}

/* NULL, or how the row does not fit the chip. */
static const char *run(const struct uart_kind *kind, const struct chip *chip)
{
	uint32_t others = UINT32_MAX;
	struct uart_port port;

	memset(&state, 0, sizeof(state));
	state.chip = chip;
	state.reg[chip->on[0].at] = chip->at_reset;
	if (uart_port_init(&port, kind, NULL, -1, registers, 0x10000000, sizeof(registers)) != 0)
		return "the port cannot be";
	uart_port_start(&port);
	sending(&port);
	uart_port_start(&port); /* as by a driver, after the early console */
	receiving(&port);
	state.top = true;
	receiving(&port);
	errors(&port);
	interrupts(&port);
	for (unsigned int i = 0; i < sizeof(chip->on) / sizeof(chip->on[0]); i++)
		if (chip->on[i].at == chip->on[0].at)
			others &= ~chip->on[i].mask;
	if (chip->on[0].mask && (state.reg[chip->on[0].at] ^ chip->at_reset) & others)
		wrong("bits that are nobody's were changed");
	return state.wrong;
}

static const struct chip *chip_of(const struct uart_kind *kind)
{
	for (size_t i = 0; i < sizeof(chips) / sizeof(chips[0]); i++)
		if (strcmp(chips[i].name, kind->name) == 0)
			return &chips[i];
	return NULL;
}

static void every_row(void **unused)
{
	(void)unused;
	for (unsigned int i = 0; i < uart_nr_kinds; i++) {
		const struct uart_kind *kind = &uart_kinds[i];
		const char *why;

		if (kind->driver == UART_DRIVER_NONE)
			continue;
		assert_non_null(chip_of(kind));
		why = run(kind, chip_of(kind));
		if (why)
			fail_msg("%s: %s", kind->name, why);
	}
	assert_int_equal(uart_nr_kinds, sizeof(chips) / sizeof(chips[0]) + 1);
}

/* ---- rows that are wrong --------------------------------------------------------------------- */

static unsigned int falsified;

static void noticed(const struct uart_kind *kind, const char *what)
{
	falsified++;
	if (!run(kind, chip_of(kind)))
		fail_msg("%s: wrong %s is not noticed", kind->name, what);
}

/* The row with one statement before `noticed`. */
#define FALSIFY(statement)                   \
	do {                                 \
		struct uart_kind k = *right; \
                                             \
		statement;                   \
		noticed(&k, #statement);     \
	} while (0)

static void falsify_accesses(const struct uart_kind *right)
{
	FALSIFY(k.width = (uint8_t)(k.width == 4 ? 2 : 4));
	if (right->data_width)
		FALSIFY(k.data_width = 0);
	if (right->width == 4)
		FALSIFY(k.big_endian = !k.big_endian);
	FALSIFY(k.shift++);
	FALSIFY(k.tx = (uint16_t)(k.tx ^ 0x100));
	FALSIFY(k.rx = (uint16_t)(k.rx ^ 0x100));
}

static void falsify_sending(const struct uart_kind *right)
{
	FALSIFY(k.can_send.offset ^= 0x100);
	FALSIFY(k.can_send.mask = 0);
	FALSIFY(k.can_send.differs = !k.can_send.differs);
	FALSIFY(k.idle.offset ^= 0x100);
	FALSIFY(k.idle.mask = 0);
	FALSIFY(k.idle.differs = !k.idle.differs);
	if (right->before_tx)
		FALSIFY(k.before_tx++);
	if (right->before_tx)
		FALSIFY(k.before_tx = NULL);
	if (right->after_tx)
		FALSIFY(k.after_tx = NULL);
	if (right->start)
		FALSIFY(k.start = NULL);
}

static void falsify_receiving(const struct uart_kind *right)
{
	if (right->has_byte.mask) {
		FALSIFY(k.has_byte.offset ^= 0x100);
		FALSIFY(k.has_byte.mask = 0);
		FALSIFY(k.has_byte.differs = !k.has_byte.differs);
	}
	if (right->has_byte.differs) /* a number: no bit of it may be missing */
		FALSIFY(k.has_byte.mask &= ~highest(k.has_byte.mask));
	if (right->data_empty)
		FALSIFY(k.data_empty = 0);
	for (uint32_t left = right->data_bad; left; left &= left - 1)
		FALSIFY(k.data_bad &= ~lowest(left));
	for (uint32_t left = right->bad.mask; left; left &= left - 1)
		FALSIFY(k.bad.mask &= ~lowest(left));
	if (right->data_overrun)
		FALSIFY(k.data_overrun = 0);
	if (right->overrun.mask)
		FALSIFY(k.overrun.mask = 0);
	if (right->read_clears)
		FALSIFY(k.read_clears = false);
	if (right->clear)
		FALSIFY(k.clear = NULL);
	if (right->after_rx)
		FALSIFY(k.after_rx = NULL);
	if (right->bad_early && !right->read_clears)
		FALSIFY(k.bad_early = 0);
	FALSIFY(k.listen = right->listen  ? NULL
			   : right->start ? right->start
					  : right->clear;
		if (!k.listen) k.listen = uart_kinds[0].silence);
	if (right->listen)
		FALSIFY(k.silence = NULL);
	if (right->driver == UART_DRIVER_8250 && right->start) { /* its switch is beside them */
		FALSIFY(k.listen = uart_kind_of("ns16550a")->listen);
		FALSIFY(k.silence = uart_kind_of("ns16550a")->silence);
	}
}

static void wrong_rows(void **unused)
{
	(void)unused;
	for (unsigned int i = 0; i < uart_nr_kinds; i++) {
		if (uart_kinds[i].driver == UART_DRIVER_NONE)
			continue;
		falsify_accesses(&uart_kinds[i]);
		falsify_sending(&uart_kinds[i]);
		falsify_receiving(&uart_kinds[i]);
	}
	assert_true(falsified > 20 * (uart_nr_kinds - 1));
}

/* ---- where registers lie --------------------------------------------------------------------- */

/* No registers beyond what the node has, and none that its accesses cannot reach. */
static void layouts(void **unused)
{
	const struct uart_kind *kind = uart_kind_named("ns16550a", 8);
	struct uart_port port;

	(void)unused;
	assert_int_equal(uart_port_init(&port, kind, NULL, -1, registers, 0x10000003, 6), 0);
	assert_int_equal(uart_port_init(&port, kind, NULL, -1, registers, 0x10000003, 5), -EINVAL);
	kind = uart_kind_named("mtk8250", 7);
	assert_int_equal(uart_port_init(&port, kind, NULL, -1, registers, 0x10000000, 24), 0);
	assert_int_equal(port.shift, 2);
	assert_int_equal(uart_port_init(&port, kind, NULL, -1, registers, 0x10000000, 23), -EINVAL);
	assert_int_equal(uart_port_init(&port, kind, NULL, -1, registers, 0x10000002, 24), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row),
		cmocka_unit_test(wrong_rows),
		cmocka_unit_test(layouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
