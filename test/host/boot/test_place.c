/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_place.c: where an image goes that was started from flash: into which bank of memory, on
 * which trees; and on which UART is said that there is no place.
 */
#include "place_tree.h"

static void from_flash(void **state)
{
	(void)state;
	one_bank(0x80000000, 64 * MIB);
	assert_int_equal(place_image(blob, FLASH, SIZE), 0x80200000);
	assert_int_equal(place_image(blob, 0, SIZE), 0x80200000);
	one_bank(0x80001000, 64 * MIB); /* an odd start */
	assert_int_equal(place_image(blob, FLASH, SIZE), 0x80400000);
	one_bank(0, 64 * MIB);
	assert_int_equal(place_image(blob, FLASH, SIZE), 0x200000);
}

static void from_ram(void **state)
{
	static const phys_addr_t places[] = {0x80000000, 0x80200000, 0x83f80000};
	static const phys_addr_t partly[] = {0x7ff81000, 0x7ffff000, 0x83f81000, 0x83fff000};

	(void)state;
	one_bank(0x80000000, 64 * MIB);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(place_image(blob, places[i], SIZE), places[i]);
	/* a part of it is not in memory */
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(place_image(blob, partly[i], SIZE), 0x80200000);
	assert_int_equal(place_image(blob, 0x7ff80000, SIZE), 0x80200000);
	assert_int_equal(place_image(blob, 0x84000000, SIZE), 0x80200000);
}

static void several_banks(void **state)
{
	(void)state;
	start_tree(1, 1);
	node("memory@40000000", NULL, BANKS(0x40000000, 2 * MIB, 0x50000000, 2 * MIB + SIZE - 1),
	     2);
	node("memory", NULL, BANKS(0x60000000, 0), 1);
	node("memories@70000000", NULL, BANKS(0x70000000, 64 * MIB), 1);
	node("memory@a0000000", "memory", BANKS(0xa0000000, 64 * MIB), 1);
	node("ram", "memory", BANKS(0x90000000, 2 * MIB + SIZE), 1);
	finish_tree();
	/* the lowest, not the first that is listed */
	assert_int_equal(place_image(blob, FLASH, SIZE), 0x90200000);
	assert_int_equal(place_image(blob, 0xa1000000, SIZE), 0xa1000000);
	assert_int_equal(place_image(blob, 0x50100000, SIZE), 0x50100000);
	assert_int_equal(place_image(blob, 0x70100000, SIZE), 0x90200000);
}

/* An image that lies in several banks, each of which goes on where another ends, stays. */
static void banks_that_touch(void **state)
{
	(void)state;
	start_tree(1, 1);
	node("memory@c", "memory", BANKS(0x80c00000, 4 * MIB, 0x80800000, 4 * MIB), 2);
	node("memory@a", "memory", BANKS(0x80400000, 4 * MIB, 0x80000000, 4 * MIB), 2);
	finish_tree();
	assert_int_equal(place_image(blob, 0x80300000, 12 * MIB), 0x80300000);
	assert_int_equal(place_image(blob, 0x80300000, 13 * MIB), 0x80300000);
	assert_int_equal(place_image(blob, 0x80300000, 13 * MIB + PAGE_SIZE), PLACE_NONE);
}

static void cells_of_the_root(void **state)
{
	(void)state;
	start_tree(3, 2);
	node("memory@80000000", "memory", BANKS(0x1080000000, 64 * MIB), 1);
	finish_tree();
	assert_int_equal(place_image(blob, FLASH, SIZE), 0x1080200000);
	start_tree(2, 0); /* no range has a size: nothing is memory */
	node("memory@80000000", "memory", BANKS(0x80000000, 64 * MIB), 1);
	finish_tree();
	assert_int_equal(place_image(blob, FLASH, SIZE), FLASH);
}

/* Memory as boot/dt/fdt_early_tree.c has it. */
static void what_is_memory(void **state)
{
	(void)state;
	start_tree(1, 1);
	begin("memory@20000000");
	string("compatible", "mmio-sram");
	cells("reg", 1, BANKS(0x20000000, 64 * MIB), 2);
	end();
	begin("memory@30000000");
	string("device_type", "sram");
	cells("reg", 1, BANKS(0x30000000, 64 * MIB), 2);
	end();
	begin("memory@40000000");
	cells("reg", 1, BANKS(0x40000000, 64 * MIB), 2);
	string("status", "disabled");
	string("device_type", "memory");
	end();
	begin("memory@50000000"); /* what kexec says takes the place of reg, whichever comes first */
	cells("linux,usable-memory", 1, BANKS(0x58000000, 8 * MIB), 2);
	cells("reg", 1, BANKS(0x50000000, 64 * MIB), 2);
	string("device_type", "memory");
	string("compatible", "anything");
	string("status", "okay");
	end();
	finish_tree();
	assert_int_equal(place_image(blob, FLASH, SIZE), 0x58200000);
	assert_int_equal(place_image(blob, 0x50000000, SIZE), 0x58200000);
	assert_int_equal(place_image(blob, 0x58000000, SIZE), 0x58000000);
}

/* The tree itself is in the way, as it is on machines that leave it at the start of RAM. */
static void behind_the_tree(void **state)
{
	phys_addr_t base = ((uintptr_t)blob & ~(2 * MIB - 1)) - 2 * MIB;

	(void)state;
	one_bank(base, 64 * MIB);
	if ((uintptr_t)blob >= base + 2 * MIB + SIZE ||
	    (uintptr_t)blob + fdt_totalsize(blob) > base + 4 * MIB)
		fdt_set_totalsize(blob, (uint32_t)(2 * MIB));
	assert_in_range(place_image(blob, FLASH, 2 * MIB), base + 4 * MIB, base + 6 * MIB);
	assert_true(place_image(blob, FLASH, 2 * MIB) >= (uintptr_t)blob + fdt_totalsize(blob));
}

static void no_room(void **state)
{
	(void)state;
	one_bank(0x80000000, 2 * MIB + SIZE - 1);
	assert_int_equal(place_image(blob, FLASH, SIZE), PLACE_NONE);
	one_bank(0x80000000, 2 * MIB + SIZE);
	assert_int_equal(place_image(blob, FLASH, SIZE), 0x80200000);
	one_bank(~(phys_addr_t)0 - MIB, MIB); /* beyond what an address may be */
	assert_int_equal(place_image(blob, FLASH, SIZE), FLASH);
	one_bank(LIMIT - 4 * MIB, ~(phys_addr_t)0); /* cut where that ends */
	assert_int_equal(place_image(blob, FLASH, SIZE), LIMIT - 2 * MIB);
	assert_int_equal(place_image(blob, FLASH, 2 * MIB), LIMIT - 2 * MIB);
	assert_int_equal(place_image(blob, FLASH, 2 * MIB + PAGE_SIZE), PLACE_NONE);
}

static void no_tree(void **state)
{
	(void)state;
	assert_int_equal(place_image(NULL, FLASH, SIZE), FLASH);
	one_bank(0x80000000, 64 * MIB);
	assert_int_equal(place_image((char *)blob + 1, FLASH, SIZE), FLASH);
	blob[0] = 0;
	assert_int_equal(place_image(blob, FLASH, SIZE), FLASH);
}

/* A tree nested deeper than any that exists is not read. */
static void nested_deep(void **state)
{
	(void)state;
	for (int levels = 2046; levels <= 2047; levels++) {
		start_tree(1, 1);
		node("memory@80000000", "memory", BANKS(0x80000000, 64 * MIB), 1);
		for (int i = 0; i < levels; i++)
			begin("x");
		for (int i = 0; i < levels; i++)
			end();
		finish_tree();
		assert_int_equal(place_image(blob, FLASH, SIZE),
				 levels == 2046 ? 0x80200000 : FLASH);
	}
}

/* ---- where to say so ------------------------------------------------------------------------- */

static void uart(const char *name, phys_addr_t base, const char *status)
{
	begin(name);
	assert_int_equal(fdt_property(blob, "compatible", "arm,pl011\0arm,primecell", 24), 0);
	cells("reg", address_cells, BANKS(base, 0x1000), 2);
	if (status)
		string("status", status);
	end();
}

static void console(void **state)
{
	(void)state;
	start_tree(2, 2);
	begin("serial@1");
	string("compatible", "xarm,pl011");
	cells("reg", 2, BANKS(0x1000, 0x1000), 2);
	end();
	uart("serial@2", 0x2000, "disabled");
	begin("soc"); /* translates */
	number_property("#address-cells", 2);
	cells("ranges", 2, BANKS(0, 0x1000, 0x1000), 3);
	uart("serial@3", 0x3000, NULL);
	end();
	begin("bus"); /* does not */
	assert_int_equal(fdt_property(blob, "ranges", "", 0), 0);
	number_property("#address-cells", 1);
	number_property("#size-cells", 1);
	address_cells = 1;
	uart("serial@4", 0x4000, NULL);
	address_cells = 2;
	end();
	uart("serial@5", 0x500005000, NULL);
	finish_tree();
	assert_int_equal(place_console(blob), 0x4000);

	start_tree(2, 2);
	begin("bus");
	assert_int_equal(fdt_property(blob, "ranges", "", 0), 0);
	string("status", "disabled");
	uart("serial@4", 0x4000, NULL);
	end();
	begin("none"); /* without ranges */
	uart("serial@4", 0x4000, NULL);
	end();
	uart("serial@5", 0x500005000, NULL);
	finish_tree();
	assert_int_equal(place_console(blob), 0x500005000);
	assert_int_equal(place_console(NULL), 0);
	one_bank(0x80000000, 64 * MIB);
	assert_int_equal(place_console(blob), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_flash),	     cmocka_unit_test(from_ram),
		cmocka_unit_test(several_banks),     cmocka_unit_test(banks_that_touch),
		cmocka_unit_test(cells_of_the_root), cmocka_unit_test(what_is_memory),
		cmocka_unit_test(behind_the_tree),   cmocka_unit_test(no_room),
		cmocka_unit_test(no_tree),	     cmocka_unit_test(nested_deep),
		cmocka_unit_test(console),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
