/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_uart.c: which UART is the console, and that it is the one that listens: who prompts hears.
 * The UARTs are PL011s on registers made up here.
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
static void writel(uint32_t value, volatile void *reg);
/* these UARTs are not accessed so */
#define readb(reg)	   (uint8_t)readl(reg)
#define readw(reg)	   (uint16_t)readl(reg)
#define writeb(value, reg) writel(value, reg)
#define writew(value, reg) writel(value, reg)

#include "fake_uart.h"

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/dt/of.c"
#include "drivers/serial/pl011.c"
#include "drivers/serial/uart.c"
#include "drivers/serial/uart_choose.c"
#include "drivers/serial/uart_kinds.c"
#include "drivers/serial/uart_port.c"

#define UARTDR	0x00
#define UARTFR	0x18
#define FR_RXFE 0x10U

/* ---- the chips ------------------------------------------------------------------------------- */

static struct {
	uint32_t reg[0x1000 / 4];
	uint32_t fifo[64];
	unsigned int head, tail;
} chip[NR_UARTS];

static unsigned int chip_of(const volatile void *reg, size_t *offset)
{
	size_t at = (size_t)((const volatile char *)reg - fake.registers[0]);

	*offset = at % sizeof(fake.registers[0]);
	return (unsigned int)(at / sizeof(fake.registers[0]));
}

static uint32_t readl(const volatile void *reg)
{
	size_t at;
	unsigned int n = chip_of(reg, &at);

	if (at == UARTFR)
		return chip[n].head == chip[n].tail ? FR_RXFE : 0;
	if (at == UARTDR)
		return chip[n].fifo[chip[n].tail++];
	return chip[n].reg[at / 4];
}

static void writel(uint32_t value, volatile void *reg)
{
	size_t at;
	unsigned int n = chip_of(reg, &at);

	chip[n].reg[at / 4] = value;
	if (at == UARTLCR_H && !(value & 0x10))
		chip[n].head = chip[n].tail = 0;
}

static bool listens(unsigned int n)
{
	return chip[n].reg[UARTIMSC / 4] != 0;
}

static void arrive(unsigned int n, uint32_t data)
{
	chip[n].fifo[chip[n].head++] = data;
}

/* ---- which one ------------------------------------------------------------------------------- */

#define NONE NR_UARTS

struct board {
	const char *stdout_path;
	bool firmware;		/* it has a console .. */
	uint32_t firmware_base; /* .. on the UART there */
	unsigned int console;	/* what it is to be */
	const char *log;	/* what is to be said */
};

static void board_case(const struct board *board)
{
	struct device *dev[2];

	memset(chip, 0, sizeof(chip));
	uart_tree(board->stdout_path);
	uart_node("a", "arm,pl011", 0x9000000);
	end();
	uart_node("b", "arm,pl011", 0x9040000);
	end();
	uart_node("acme", "acme,uart", 0x9090000);
	end();
	finish_tree();
	fake.firmware = board->firmware;
	fake.firmware_base = board->firmware_base;
	dev[0] = fake_device(&driver_pl011, "/a");
	dev[1] = fake_device(&driver_pl011, "/b");
	assert_true(dev[0] && dev[1]);
	uart_settle();
	if (board->log)
		assert_non_null(strstr(fake.log, board->log));
	else
		assert_string_equal(fake.log, "");
	assert_ptr_equal(uart_console(), board->console == NONE ? NULL : dev[board->console]);
	for (unsigned int n = 0; n < 2; n++) {
		/* what another UART receives stays in it: the firmware may be looking */
		assert_int_equal(listens(n), n == board->console);
		arrive(n, 'x');
		uart_look();
		assert_int_equal(uart_getc(), n == board->console ? 'x' : -1);
		assert_int_equal(chip[n].tail, n == board->console);
	}
	assert_int_equal(fake.output != NULL, board->console != NONE);
	uart_settle(); /* settled */
	assert_ptr_equal(uart_console(), board->console == NONE ? NULL : dev[board->console]);
	fake_remove(dev[1]);
	fake_remove(dev[0]);
	assert_null(uart_console());
	assert_null(fake.output);
}

static void consoles(void **state)
{
	static const struct board boards[] = {
		{"/a", true, 0, 0, NULL},
		{"/b", true, 0, 1, NULL},
		{"/b:115200n8", true, 0x9000000, 1, NULL},
		{"/b", false, 0, 1, NULL},
		/* no driver knows what stdout-path names */
		{"/acme", true, 0x9000000, 0, "is the console"},
		{"/acme", true, 0x9040000, 1, "is the console"},
		{"/acme", true, 0, NONE, NULL}, /* the SBI's serves */
		{"/acme", true, 0x9090000, NONE,
		 NULL}, /* as on a UART that only the firmware knows */
		{"/acme", false, 0, 0, "is the console"},
		{"/chosen", false, 0, 0, "is the console"},
		/* it names nothing */
		{NULL, true, 0, 0, NULL},
		{NULL, true, 0x9040000, 1, NULL},
		{NULL, false, 0, 0, NULL},
		{"/nosuch", true, 0, 0, NULL},
		{"/nosuch", true, 0x9040000, 1, NULL},
		{"", false, 0, 0, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(boards) / sizeof(boards[0]); i++)
		board_case(&boards[i]);
}

/* What stdout-path names has a driver, which fails: another is the console. */
static void named_one_fails(void **state)
{
	struct device *a, *b;

	(void)state;
	memset(chip, 0, sizeof(chip));
	uart_tree("/a");
	begin("a");
	put_string("compatible", "arm,pl011");
	put("reg", CELLS(0, 0x9000001, 0, 0x1000));
	end();
	uart_node("b", "arm,pl011", 0x9040000);
	end();
	finish_tree();
	a = fake_device(&driver_pl011, "/a");
	b = fake_device(&driver_pl011, "/b");
	assert_true(!a && b);
	uart_settle();
	assert_ptr_equal(uart_console(), b);
	fake_remove(b);
}

/* earlycon= asked for a UART: that one, and no other, whatever stdout-path names. */
static void forced_one(void **state)
{
	static const struct uart_step none[] = {{UART_END, 0, 0}};
	struct uart_kind imx = *uart_kind_named("imx", 3);
	struct uart_port forced = {.kind = uart_kind_of("arm,pl011"), .width = 4};
	struct device *a, *b;

	(void)state;
	memset(chip, 0, sizeof(chip));
	uart_tree("/a");
	uart_node("a", "arm,pl011", 0x9000000);
	end();
	uart_node("b", "arm,pl011", 0x9040000);
	end();
	finish_tree();
	fake.forced = &forced;
	fake.firmware = true;
	forced.base = fake.registers[1];
	a = fake_device(&driver_pl011, "/a");
	assert_null(uart_console());
	b = fake_device(&driver_pl011, "/b");
	assert_ptr_equal(uart_console(), b);
	fake_remove(b);
	/* where no driver runs it, it is polled on: no other UART takes its place */
	forced.base = (char *)0x1000;
	uart_settle();
	assert_null(uart_console());
	assert_null(fake.output);
	uart_flush();
	assert_int_equal(fake.flushed, 1);
	fake_remove(a);
	/* the tree has another kind at this place: that is not touched */
	imx.start = none;
	forced.kind = &imx;
	forced.base = fake.registers[2];
	assert_null(fake_device(&driver_pl011, "/a"));
	assert_int_equal(chip[2].reg[UARTCR / 4], 0);
}

static struct device *one_board(void)
{
	struct device *dev;

	memset(chip, 0, sizeof(chip));
	uart_tree("/a");
	uart_node("a", "arm,pl011", 0x9000000);
	end();
	finish_tree();
	dev = fake_device(&driver_pl011, "/a");
	assert_non_null(dev);
	return dev;
}

/* Bytes with an error are no data, those beside them are. */
static void breaks(void **state)
{
	struct device *dev = one_board();
	const struct uart *uart = device_priv(dev);

	(void)state;
	for (int i = 0; i < 10; i++) {
		arrive(0, 0x400);
		arrive(0, 'x');
		arrive(0, 0x400);
		fake.handler(fake.handler_arg);
		assert_int_equal(uart_getc(), 'x');
		assert_int_equal(uart_getc(), -1);
	}
	assert_int_equal(uart->bad, 20);
	assert_int_equal(uart->received, 10);
	fake_remove(dev);
}

/* Registers that an emulator has overwritten. */
static void registers_changed(void **state)
{
	struct device *dev = one_board();

	(void)state;
	uart_look();
	assert_string_equal(fake.log, "");
	chip[0].reg[UARTIFLS / 4] = 0x400;
	chip[0].reg[UARTIMSC / 4] = 0;
	uart_look();
	assert_non_null(strstr(fake.log, "set anew"));
	assert_true(listens(0));
	assert_int_equal(chip[0].reg[UARTIFLS / 4], IFLS_RX_1_8);
	assert_int_equal(chip[0].reg[UARTLCR_H / 4], LCR_8N1_FIFO);
	fake_remove(dev);
}

/* The firmware's console: bytes that came before a driver took over come first. */
static void firmware_input(void **state)
{
	struct device *dev;

	(void)state;
	uart_tree("/acme");
	uart_node("acme", "acme,uart", 0x9090000);
	end();
	finish_tree();
	fake.firmware_input = "meminfo\r";
	for (const char *c = "meminfo\r"; *c; c++)
		assert_int_equal(uart_getc(), *c);
	assert_int_equal(uart_getc(), -1);
	assert_false(uart_wakes());
	dev = one_board();
	fake.firmware_input = "early";
	arrive(0, '!');
	fake.handler(fake.handler_arg);
	for (const char *c = "early!"; *c; c++)
		assert_int_equal(uart_getc(), *c);
	fake_remove(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(consoles),	     cmocka_unit_test(named_one_fails),
		cmocka_unit_test(forced_one),	     cmocka_unit_test(breaks),
		cmocka_unit_test(registers_changed), cmocka_unit_test(firmware_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
