/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_place.c: where an image goes that was started from flash, on trees made here, whole and broken.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

/* the source itself: it is not among the objects that every host test links */
#include "boot/place.c"

#define MIB   ((phys_addr_t)1 << 20)
#define SIZE  (MIB / 2) /* of the image */
#define FLASH 0x20000000UL

static uint64_t blob[1024];
static uint32_t address_cells, size_cells;

static void put_cells(fdt32_t **at, uint32_t count, uint64_t value)
{
	while (count-- > 0)
		*(*at)++ = cpu_to_fdt32(count < 2 ? (uint32_t)(value >> 32 * count) : 0);
}

static void start_tree(uint32_t address, uint32_t size)
{
	address_cells = address;
	size_cells = size;
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	assert_int_equal(fdt_begin_node(blob, ""), 0);
	assert_int_equal(fdt_property_string(blob, "compatible", "none"), 0);
	assert_int_equal(fdt_property_u32(blob, "#address-cells", address), 0);
	assert_int_equal(fdt_property_u32(blob, "#size-cells", size), 0);
}

/* A node with one or two ranges, and a child whose properties must not be taken for its own. */
static void node(const char *name, const char *device_type, const phys_addr_t range[], int ranges)
{
	fdt32_t reg[16], *at = reg;

	for (int i = 0; i < ranges; i++) {
		put_cells(&at, address_cells, range[2 * i]);
		put_cells(&at, size_cells, range[2 * i + 1]);
	}
	assert_int_equal(fdt_begin_node(blob, name), 0);
	assert_int_equal(fdt_property(blob, "reg", reg, (int)((at - reg) * 4)), 0);
	if (device_type)
		assert_int_equal(fdt_property(blob, "device_type", device_type,
					      (int)strlen(device_type) + 1),
				 0);
	assert_int_equal(fdt_begin_node(blob, "memory@0"), 0);
	assert_int_equal(fdt_property(blob, "reg", "\0\0\0\0\0\0\0\0\xff\xff\xff\xff\0\0\0\0", 16),
			 0);
	assert_int_equal(fdt_property_u32(blob, "#address-cells", 7), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_end_node(blob), 0);
}

static void finish_tree(void)
{
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
}

#define BANKS(...)            \
	(const phys_addr_t[]) \
	{                     \
		__VA_ARGS__   \
	}

static void one_bank(phys_addr_t base, phys_addr_t size)
{
	start_tree(2, 2);
	node("cpu@0", "cpu", BANKS(FLASH, MIB), 1);
	node("memory@80000000", "memory", BANKS(base, size), 1);
	finish_tree();
}

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
	static const phys_addr_t places[] = {0x80000000, 0x80200000, 0x83f80000, 0x7ff80001,
					     0x83ffffff};

	(void)state;
	one_bank(0x80000000, 64 * MIB);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(place_image(blob, places[i], SIZE), places[i]);
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
	node("ram", "memory", BANKS(0x90000000, 2 * MIB + SIZE), 1);
	node("memory@a0000000", "memory", BANKS(0xa0000000, 64 * MIB), 1);
	finish_tree();
	assert_int_equal(place_image(blob, FLASH, SIZE), 0x90200000);
	/* the last bank of all keeps it where it is */
	assert_int_equal(place_image(blob, 0xa1000000, SIZE), 0xa1000000);
	assert_int_equal(place_image(blob, 0x50100000, SIZE), 0x50100000);
	assert_int_equal(place_image(blob, 0x70100000, SIZE), 0x90200000);
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
	assert_int_equal(place_image(blob, FLASH, SIZE), FLASH);
	one_bank(~(phys_addr_t)0 - MIB, MIB); /* the address would wrap */
	assert_int_equal(place_image(blob, FLASH, SIZE), FLASH);
	one_bank(~(phys_addr_t)0 - MIB, 4 * MIB);
	assert_int_equal(place_image(blob, FLASH, SIZE), FLASH);
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

/* Not a byte outside the tree is read: the sanitizer would say so. */
static void truncated(void **state)
{
	uint32_t total;

	(void)state;
	one_bank(0x80000000, 64 * MIB);
	total = fdt_totalsize(blob);
	for (uint32_t size = 40; size <= total; size++) {
		void *copy = malloc(size);
		phys_addr_t place;

		assert_non_null(copy);
		memcpy(copy, blob, size);
		fdt_set_totalsize(copy, size);
		place = place_image(copy, FLASH, SIZE);
		assert_true(place == FLASH || place == 0x80200000);
		free(copy);
	}
}

static void damaged(void **state)
{
	uint64_t x = 88172645463325252ULL;
	uint32_t total;

	(void)state;
	one_bank(0x80000000, 64 * MIB);
	total = fdt_totalsize(blob);
	for (int round = 0; round < 50000; round++) {
		unsigned char *copy = malloc(total);

		assert_non_null(copy);
		memcpy(copy, blob, total);
		for (int i = 0; i < 1 + round % 4; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			/* all but the magic and the size */
			copy[8 + (uint32_t)(x >> 32) % (total - 8)] = (unsigned char)x;
		}
		(void)place_image(copy, FLASH, SIZE);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_flash),	   cmocka_unit_test(from_ram),
		cmocka_unit_test(several_banks),   cmocka_unit_test(cells_of_the_root),
		cmocka_unit_test(behind_the_tree), cmocka_unit_test(no_room),
		cmocka_unit_test(no_tree),	   cmocka_unit_test(truncated),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
