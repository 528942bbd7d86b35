/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_earlycon.c: which address boot/earlycon.c takes for a UART, and how wide it accesses that.
 * The registers are made up here, and so are places that are no UART's: those trap, or read as
 * zeros.
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

#include "test/host/boot/tree.h"
#include "test/host/port_host.h"

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/dt/of.c"
#include "drivers/serial/uart_choose.c"
#include "drivers/serial/uart_kinds.c"
#include "drivers/serial/uart_port.c"
#define take take_place /* both have one */
#include "boot/earlycon.c"

#define PLACE 0x10000000

/* ---- the place ------------------------------------------------------------------------------- */

static struct {
	uint32_t reg[0x100]; /* by their offset */
	bool read_only;
	bool write_traps;
	unsigned int widest, narrowest; /* accesses, bytes */
} place;

static jmp_buf trap;
static bool trap_is_meant;

static size_t offset_of(const volatile void *reg, unsigned int width)
{
	size_t offset = (size_t)(virt_to_phys((const void *)(uintptr_t)reg) - PLACE);

	assert_true(offset < sizeof(place.reg) / sizeof(place.reg[0]));
	if (width > place.widest)
		place.widest = width;
	if (width < place.narrowest)
		place.narrowest = width;
	return offset;
}

static void io_write(uint32_t value, volatile void *reg, unsigned int width)
{
	size_t offset = offset_of(reg, width);

	if (place.write_traps) {
		assert_true(trap_is_meant);
		longjmp(trap, 1);
	}
	if (!place.read_only)
		place.reg[offset] = value;
}

static uint32_t io_read(const volatile void *reg, unsigned int width)
{
	return place.reg[offset_of(reg, width)];
}

/* ---- what the source calls ------------------------------------------------------------------- */

struct boot_info boot_info;

bool trap_expect(void (*fn)(uintptr_t arg), uintptr_t arg, struct trap_record *record)
{
	memset(record, 0, sizeof(*record));
	trap_is_meant = true;
	if (setjmp(trap) == 0) {
		fn(arg);
		trap_is_meant = false;
		return false;
	}
	trap_is_meant = false;
	return true;
}

void log_set_console(bool on)
{
	(void)on;
}

bool machine_console(void)
{
	return true;
}

void machine_putc(char c)
{
	(void)c;
}

int machine_getc(void)
{
	return -1;
}

/* ---- the cases ------------------------------------------------------------------------------- */

static void new_place(void)
{
	memset(&place, 0, sizeof(place));
	place.narrowest = 8;
	memset(&port, 0, sizeof(port));
	forced = false;
	port_host_log_clear();
}

/* What is taken for earlycon=value; NULL: nothing. */
static const struct uart_port *wish(const char *value)
{
	char bootargs[64];

	snprintf(bootargs, sizeof(bootargs), "quiet earlycon=%s", value);
	start_tree();
	begin("chosen");
	assert_int_equal(fdt_property(blob, "bootargs", bootargs, (int)strlen(bootargs) + 1), 0);
	end();
	begin("memory@80000000");
	assert_int_equal(fdt_property(blob, "device_type", "memory", 7), 0);
	put("reg", CELLS(0, 0x80000000, 0, 0x1000000));
	end();
	finish_tree();
	assert_true(at("/chosen") > 0);
	boot_info.fdt_phys = FDT_EARLY_NOWHERE;
	port_host_log_hook = port_host_capture;
	earlycon_init(blob, NULL);
	port_host_log_hook = NULL;
	return console_forced();
}

/* The words for the width of registers are for the kinds of which a tree says it as well. */
static void widths(void **state)
{
	static const struct {
		const char *value;
		unsigned int width, shift;
	} lines[] = {
		{"sifive,0x10000000", 4, 0},	      {"sifive,mmio,0x10000000", 4, 0},
		{"sifive,mmio16,0x10000000", 4, 0},   {"pl011,mmio,0x10000000", 4, 0},
		{"pl011,mmio16,0x10000000", 4, 0},    {"pl011,mmio32,0x10000000", 4, 0},
		{"shakti,mmio32,0x10000000", 2, 0},   {"ns16550a,0x10000000", 1, 0},
		{"ns16550a,mmio32,0x10000000", 4, 2}, {"mtk8250,mmio,0x10000000", 1, 0},
		{"mtk8250,0x10000000", 4, 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const struct uart_port *taken;

		new_place();
		if (strncmp(lines[i].value, "pl011", 5) == 0)
			place.reg[0x18] = 0x90;
		else if (strncmp(lines[i].value, "shakti", 6) == 0)
			place.reg[0] = 0x45;
		else
			place.reg[5 << lines[i].shift] = 0x60;
		taken = wish(lines[i].value);
		assert_non_null(taken);
		assert_int_equal(taken->width, lines[i].width);
		assert_int_equal(taken->shift, lines[i].shift);
		assert_int_equal(place.widest, lines[i].width);
		assert_int_equal(place.narrowest, lines[i].width);
		assert_string_equal(port_host_log_text, "");
	}
}

static void refused(const char *value)
{
	assert_null(wish(value));
	assert_non_null(strstr(port_host_log_text, "nothing answers at its address: ignored"));
	assert_null(port.kind);
}

/* Where a read answers, a write may trap all the same. */
static void writes_trap(void **state)
{
	(void)state;
	for (int ready = 0; ready < 2; ready++) {
		new_place();
		place.write_traps = true;
		place.reg[0x00] = ready ? 0 : 1U << 31;
		place.reg[0x14] = 1;
		refused("sifive,0x10000000");
	}
}

/* A ROM of zeros, or a bus that reads so, is ready by the rows that look for a clear bit. */
static void zeros(void **state)
{
	static const char *const kinds[] = {"sifive", "pl011",	"cdns",
					    "meson",  "shakti", "sprd_serial"};

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		char value[40];

		snprintf(value, sizeof(value), "%s,0x10000000", kinds[i]);
		new_place();
		place.read_only = true;
		refused(value);
	}
	/* one that is sending, as QEMU's shakti always is: its divisor is no zero */
	new_place();
	place.reg[0] = 0x45;
	assert_non_null(wish("shakti,0x10000000"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(widths),
		cmocka_unit_test(writes_trap),
		cmocka_unit_test(zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
