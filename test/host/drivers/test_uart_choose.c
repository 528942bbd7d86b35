/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_uart_choose.c: which UART a tree means for its console, and what earlycon= says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define DRIVERS_IO_H

#include "test/host/boot/tree.h"

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/dt/of.c"
#include "drivers/serial/uart_choose.c"
#include "drivers/serial/uart_kinds.c"

/* ---- names ----------------------------------------------------------------------------------- */

/* A name, an alias or a compatible string is of one row. */
static void names_are_of_one_row(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < uart_nr_kinds; i++) {
		const struct uart_kind *kind = &uart_kinds[i];

		assert_ptr_equal(uart_kind_named(kind->name, strlen(kind->name)), kind);
		if (kind->alias)
			assert_ptr_equal(uart_kind_named(kind->alias, strlen(kind->alias)), kind);
		for (const char *const *c = kind->compatible; *c; c++)
			assert_ptr_equal(uart_kind_of(*c), kind);
	}
	assert_null(uart_kind_named("pl01", 4));
	assert_null(uart_kind_named("pl011x", 6));
	assert_null(uart_kind_of("arm,primecell"));
}

/* ---- trees ----------------------------------------------------------------------------------- */

static void put_text(const char *name, const char *text)
{
	assert_int_equal(fdt_property(blob, name, text, (int)strlen(text) + 1), 0);
}

static void uart(const char *name, const char *compatible, const char *status)
{
	begin(name);
	put_text("compatible", compatible);
	if (status)
		put_text("status", status);
	end();
}

struct board {
	const char *stdout_path, *serial0;
	const char *status[3]; /* of /a, an imx; /b, a cdns; /c, which nobody knows */
	const char *node;      /* what it is to be; NULL: none */
	const char *kind;
};

static void consoles(void **state)
{
	static const struct board boards[] = {
		{"/b", NULL, {NULL, NULL, NULL}, "/b", "cdns"},
		{"/b:115200n8", "/a", {NULL, NULL, NULL}, "/b", "cdns"},
		{"serial0:115200n8", "/b", {NULL, NULL, NULL}, "/b", "cdns"},
		/* what stdout-path names it is, and no other */
		{"/c", "/a", {NULL, NULL, NULL}, "/c", NULL},
		{"/b", NULL, {NULL, "disabled", NULL}, "/b", "cdns"},
		/* it names nothing */
		{NULL, "/b", {NULL, NULL, NULL}, "/b", "cdns"},
		{"/nosuch", "/b", {NULL, NULL, NULL}, "/b", "cdns"},
		{NULL, "/c", {NULL, NULL, NULL}, "/a", "imx"},
		{NULL, "/b", {NULL, "disabled", NULL}, "/a", "imx"},
		{NULL, NULL, {NULL, NULL, NULL}, "/a", "imx"},
		{NULL, NULL, {"disabled", NULL, NULL}, "/b", "cdns"},
		{NULL, NULL, {"disabled", "disabled", NULL}, NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(boards) / sizeof(boards[0]); i++) {
		const struct board *board = &boards[i];
		struct uart_choice choice;

		start_tree();
		begin("chosen");
		if (board->stdout_path)
			put_text("stdout-path", board->stdout_path);
		end();
		begin("aliases");
		if (board->serial0)
			put_text("serial0", board->serial0);
		end();
		uart("a", "fsl,imx6q-uart", board->status[0]);
		uart("b", "cdns,uart-r1p12", board->status[1]);
		uart("c", "acme,uart", board->status[2]);
		finish_tree();
		choice = uart_choose(blob);
		if (board->node)
			assert_int_equal(choice.node, at(board->node));
		else
			assert_true(choice.node < 0 && !choice.kind);
		assert_ptr_equal(choice.kind,
				 board->kind ? uart_kind_named(board->kind, strlen(board->kind))
					     : NULL);
		assert_int_equal(choice.named,
				 board->stdout_path && strcmp(board->stdout_path, "/nosuch") != 0);
	}
}

/* ---- the command line ------------------------------------------------------------------------ */

static void wishes(void **state)
{
	static const struct {
		const char *bootargs, *value;
	} lines[] = {
		{"", NULL},
		{"earlycon", NULL},
		{"console=ttyS0,115200 earlycon root=/dev/sda", NULL},
		{"earlycon=", ""},
		{"earlycon=pl011,0x9000000", "pl011,0x9000000"},
		{"  quiet\tearlycon=cdns,0xff000000 rw", "cdns,0xff000000"},
		{"earlycon=a,1 earlycon=b,2", "a,1"},
		{"noearlycon=a,1", NULL},
		{"earlycon earlycon=a,1", "a,1"},
		{"quiet -- earlycon=a,1", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		size_t length;
		const char *value = uart_wish_of(lines[i].bootargs, &length);

		assert_int_equal(value != NULL, lines[i].value != NULL);
		if (!value)
			continue;
		assert_int_equal(length, strlen(lines[i].value));
		assert_memory_equal(value, lines[i].value, length);
	}
}

static void values(void **state)
{
	static const struct {
		const char *text, *kind; /* kind NULL: refused */
		phys_addr_t addr;
		unsigned int width, shift;
	} lines[] = {
		{"pl011,0x9000000", "pl011", 0x9000000, 0, 0},
		{"pl011,150994944", "pl011", 0x9000000, 0, 0},
		{"pl011,mmio32,0x9000000", "pl011", 0x9000000, 4, 2},
		{"uart8250,mmio32,0xff1a0000,1500000n8", "ns16550a", 0xff1a0000, 4, 2},
		{"ns16550a,mmio,0x10000000", "ns16550a", 0x10000000, 1, 0},
		{"ns16550a,mmio16,0x10000000", "ns16550a", 0x10000000, 2, 1},
		{"ec_imx6q,0x30890000,115200", "imx", 0x30890000, 0, 0},
		{"qcom_geni,0x880000000", "qcom_geni", 0x880000000, 0, 0},
		{"sbi", "sbi", 0, 0, 0},
		{"", NULL, 0, 0, 0},
		{",", NULL, 0, 0, 0},
		{"acme,0x9000000", NULL, 0, 0, 0},
		{"pl011", NULL, 0, 0, 0},
		{"pl011,", NULL, 0, 0, 0},
		{"pl011,,0x9000000", NULL, 0, 0, 0},
		{"pl011,x", NULL, 0, 0, 0},
		{"pl011,-1", NULL, 0, 0, 0},
		{"pl011,0x", NULL, 0, 0, 0},
		{"pl011,0x9000000z", NULL, 0, 0, 0},
		{"pl011,mmio32", NULL, 0, 0, 0},
		{"pl011,mmio64,0x9000000", NULL, 0, 0, 0},
		{"pl011,0x10000000000000000", NULL, 0, 0, 0},
		{"pl011,0x000000000000000000000000009000000", NULL, 0, 0, 0},
		{"sbi,0x9000000", NULL, 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		/* as long as it says: what is behind is not looked at */
		char text[64];
		struct uart_wish wish;
		size_t length = strlen(lines[i].text);
		const char *why;

		snprintf(text, sizeof(text), "%s,0x77", lines[i].text);
		why = uart_parse(text, length, &wish);
		if (!lines[i].kind) {
			assert_non_null(why);
			continue;
		}
		assert_null(why);
		assert_string_equal(wish.kind->name, lines[i].kind);
		assert_int_equal(wish.addr, lines[i].addr);
		assert_int_equal(wish.width, lines[i].width);
		assert_int_equal(wish.shift, lines[i].shift);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_of_one_row),
		cmocka_unit_test(consoles),
		cmocka_unit_test(wishes),
		cmocka_unit_test(values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
