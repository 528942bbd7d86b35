/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_place_kept.c: what an image that was started from flash keeps off: reservations of all
 * kinds, in small memory and in large.
 */
#include "place_tree.h"

static void reservations(void)
{
	open_reserved();
	child(0x80201000, 1, "reg", NULL);
	child(0x80400000, 0x1000, "reg", "disabled");
	child(0x80400000, 0x100000, "reg", "okay");
	child(0x80600000, 0x400000, "reg", "ok");
	child(0x80a00000, 0x400000, "reg", "reserved");
	end();
}

static void other_cells(void)
{
	begin("reserved-memory"); /* without cells: two and one */
	begin("child");
	assert_int_equal(fdt_property(blob, "reg", "\0\0\0\0\x80\x20\0\0\0\x60\0\0", 12), 0);
	end();
	end();
	begin("not-reserved-memory");
	number_property("#address-cells", 2);
	number_property("#size-cells", 2);
	child(0x80800000, 0x400000, "reg", NULL);
	end();
}

static void wrong_length(void)
{
	open_reserved();
	begin("child"); /* left out, as fdt_early_init() does */
	cells("reg", 2, BANKS(0x80200000, 0x400000, 7), 3);
	end();
	child(0x80200000, 0x10000, "reg", NULL);
	end();
}

static void initrd(void)
{
	begin("chosen");
	cells("linux,initrd-start", 2, BANKS(0x80200000), 1);
	cells("linux,initrd-end", 1, BANKS(0x80500000), 1);
	end();
}

static void initrd_reversed(void)
{
	begin("chosen@0");
	cells("linux,initrd-end", 2, BANKS(0x80500000), 1);
	string("bootargs", "none");
	cells("linux,initrd-start", 1, BANKS(0x80200000), 1);
	end();
}

static void half_an_initrd(void)
{
	begin("chosen");
	cells("linux,initrd-end", 2, BANKS(0x80500000), 1);
	end();
}

static void left_behind(void)
{
	begin("chosen");
	cells("linux,elfcorehdr", 2, BANKS(0x80200000, 0x1000), 2);
	cells("linux,ima-kexec-buffer", 2, BANKS(0x803ff000, 0x1001), 2);
	end();
}

static void keeps_off(void **state)
{
	(void)state;
	kept(0, 0, NULL);
	assert_int_equal(where(), 0x80200000);
	kept(0x80200000, 1, NULL);
	assert_int_equal(where(), 0x80400000);
	kept(0x80200000 - 1, 1, NULL);
	assert_int_equal(where(), 0x80200000);
	kept(0x80200000 + SIZE - 1, 1, NULL);
	assert_int_equal(where(), 0x80400000);
	kept(0x80200000 + SIZE, 0x80600001 - (0x80200000 + SIZE), NULL);
	assert_int_equal(where(), 0x80200000);
	kept(0x80000000, 0x600001, NULL);
	assert_int_equal(where(), 0x80800000);
	kept(0x80200000, ~(phys_addr_t)0, NULL);
	assert_int_equal(where(), PLACE_NONE);
	kept(0, 0, reservations);
	assert_int_equal(where(), 0x80a00000);
	kept(0, 0, other_cells);
	assert_int_equal(where(), 0x80800000);
	kept(0, 0, wrong_length);
	assert_int_equal(where(), 0x80400000);
	kept(0, 0, initrd);
	assert_int_equal(where(), 0x80600000);
	kept(0, 0, initrd_reversed);
	assert_int_equal(where(), 0x80600000);
	kept(0, 0, half_an_initrd);
	assert_int_equal(where(), 0x80200000);
	kept(0, 0, left_behind);
	assert_int_equal(where(), 0x80600000);
	/* an image of which a part is in memory does not go where it overwrites itself */
	kept(0, 0, NULL);
	assert_int_equal(place_image(blob, 0x83f00000, 62 * MIB), PLACE_NONE);
	assert_int_equal(place_image(blob, 0x83f00000, 30 * MIB), 0x80200000);
}

static void usable_memory_only(void **state)
{
	(void)state;
	kept(0, 0, usable);
	assert_int_equal(where(), 0x82400000);
	assert_int_equal(place_image(blob, FLASH, SIZE + PAGE_SIZE), 0x82400000);
	assert_int_equal(place_image(blob, FLASH, SIZE + 0x81000), PLACE_NONE);
	kept(0, 0, usable_and_reserved);
	assert_int_equal(where(), PLACE_NONE);
}

static void wanted(void)
{
	open_reserved();
	child(0x80000000, 0x2000000, "alloc-ranges", NULL);
	child(0x82000000, 0x200000, "alloc-ranges", "disabled");
	end();
}

static void all_wanted(void)
{
	open_reserved();
	child(0x80000000, 0x4000000, "alloc-ranges", NULL);
	child(0x80200000, 0x100000, "reg", NULL);
	end();
}

/* A dynamic reservation may only go into its alloc-ranges: elsewhere is better for the image. */
static void alloc_ranges(void **state)
{
	(void)state;
	kept(0, 0, wanted);
	assert_int_equal(where(), 0x82000000);
	kept(0, 0, all_wanted);
	assert_int_equal(where(), 0x80400000);
}

/* ---- far from the start ---------------------------------------------------------------------- */

#define GIB (1024 * MIB)

/* Reservations that leave no room in more than the 64 places that are looked at together. */
static void many_windows(void **state)
{
	(void)state;
	start_tree(2, 2);
	node("memory@80000000", "memory", BANKS(0x80000000, 512 * GIB), 1);
	open_reserved();
	for (unsigned int i = 0; i < 300; i++)
		child(0x80000000 + i * 2 * MIB, 0x1000, "reg", NULL);
	child(0x80000000 + 300 * GIB, 100 * GIB, "reg", NULL);
	child(0x80000000 + 200 * GIB, 100 * GIB, "reg", NULL);
	child(0x80000000 + 600 * MIB, 200 * GIB, "reg", NULL);
	end();
	finish_tree();
	assert_int_equal(place_image(blob, FLASH, SIZE), 0x80000000 + 400 * GIB);
	assert_int_equal(place_image(blob, FLASH, 3 * MIB), 0x80000000 + 400 * GIB);
}

static void far_usable(void)
{
	begin("chosen");
	cells("linux,usable-memory-range", 2, BANKS(0x80000000 + 300 * GIB, 32 * MIB), 2);
	end();
}

static void far_away(void **state)
{
	(void)state;
	start_tree(2, 2);
	node("memory@8000000000", "memory", BANKS(512 * GIB, 64 * MIB, 256 * GIB, 2 * MIB), 2);
	finish_tree();
	assert_int_equal(place_image(blob, FLASH, SIZE), 512 * GIB + 2 * MIB);
	start_tree(2, 2);
	node("memory@80000000", "memory", BANKS(0x80000000, 512 * GIB), 1);
	far_usable();
	finish_tree();
	assert_int_equal(place_image(blob, FLASH, SIZE), 0x80000000 + 300 * GIB);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_off),	cmocka_unit_test(usable_memory_only),
		cmocka_unit_test(alloc_ranges), cmocka_unit_test(many_windows),
		cmocka_unit_test(far_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
