/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_place.c: where an image goes that was started from flash, on trees made here, whole and broken: by
 * hand, and at random against a search that tries one place after the other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libfdt.h>

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/place.c"
#include "boot/place_console.c"

#define MIB   ((phys_addr_t)1 << 20)
#define SIZE  (MIB / 2) /* of the image */
#define FLASH 0x20000000UL

static uint64_t blob[4096];
static uint32_t address_cells, size_cells;

static void put_cells(fdt32_t **at, uint32_t count, uint64_t value)
{
	while (count-- > 0)
		*(*at)++ = cpu_to_fdt32(count < 2 ? (uint32_t)(value >> 32 * count) : 0);
}

static void begin(const char *name)
{
	assert_int_equal(fdt_begin_node(blob, name), 0);
}

static void end(void)
{
	assert_int_equal(fdt_end_node(blob), 0);
}

static void string(const char *name, const char *text)
{
	assert_int_equal(fdt_property(blob, name, text, (int)strlen(text) + 1), 0);
}

static void number_property(const char *name, uint32_t value)
{
	assert_int_equal(fdt_property_u32(blob, name, value), 0);
}

/* A property of n numbers of so many cells. */
static void cells(const char *name, uint32_t count, const phys_addr_t value[], unsigned int n)
{
	fdt32_t list[64], *at = list;

	for (unsigned int i = 0; i < n; i++)
		put_cells(&at, count, value[i]);
	assert_int_equal(fdt_property(blob, name, list, (int)((at - list) * 4)), 0);
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

/* ---- what is kept off ------------------------------------------------------------------------ */

/* 64 MiB at 0x80000000; then what `more` adds to the root. */
static void kept(phys_addr_t memreserve, phys_addr_t memreserve_size, void (*more)(void))
{
	address_cells = size_cells = 2;
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	if (memreserve_size)
		assert_int_equal(fdt_add_reservemap_entry(blob, memreserve, memreserve_size), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	begin("");
	number_property("#address-cells", 2);
	number_property("#size-cells", 2);
	node("memory@80000000", "memory", BANKS(0x80000000, 64 * MIB), 1);
	if (more)
		more();
	finish_tree();
}

static phys_addr_t where(void)
{
	return place_image(blob, FLASH, SIZE);
}

static void open_reserved(void)
{
	begin("reserved-memory");
	number_property("#address-cells", 2);
	number_property("#size-cells", 2);
	assert_int_equal(fdt_property(blob, "ranges", "", 0), 0);
}

static void child(phys_addr_t base, phys_addr_t size, const char *property, const char *status)
{
	begin("child");
	cells(property, 2, BANKS(base, size), 2);
	if (strcmp(property, "alloc-ranges") == 0)
		cells("size", 2, BANKS(0x1000), 1);
	if (status)
		string("status", status);
	begin("below"); /* none of /reserved-memory's children */
	cells("reg", 2, BANKS(0x80000000, 64 * MIB), 2);
	end();
	end();
}

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

static void usable(void)
{
	begin("chosen");
	cells("linux,usable-memory-range", 2,
	      BANKS(0x80300000, 0x10000, 0x82300000, 0x180000 + SIZE, 0x90000000, 0x1000000), 6);
	end();
}

static void usable_and_reserved(void)
{
	usable();
	open_reserved();
	child(0x82400000, 1, "reg", NULL);
	end();
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

/* ---- at random, against a search that tries one place after the other ------------------------- */

struct span {
	phys_addr_t base, end;
};
static struct span banks[8], ranges[4], taken[24], maybe[4];
static unsigned int nr_banks, nr_ranges, nr_taken, nr_maybe;
static uint64_t seed = 88172645463325252ULL;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

/* Below n. */
static unsigned int random_of(unsigned int n)
{
	return (unsigned int)(random64() % n);
}

static struct span random_span(phys_addr_t most)
{
	phys_addr_t base = 0x80000000 + random64() % (320 * MIB), size = 1 + random64() % most;
	unsigned int align = random_of(3);

	if (align == 0)
		base = ALIGN_DOWN(base, 2 * MIB);
	if (align == 1)
		size = ALIGN_UP(size, 2 * MIB);
	return (struct span){base, base + size};
}

static bool inside_one(const struct span *spans, unsigned int n, phys_addr_t base, phys_addr_t end)
{
	for (unsigned int i = 0; i < n; i++)
		if (base >= spans[i].base && end <= spans[i].end)
			return true;
	return false;
}

static bool touches_one(const struct span *spans, unsigned int n, phys_addr_t base, phys_addr_t end)
{
	for (unsigned int i = 0; i < n; i++)
		if (base < spans[i].end && spans[i].base < end)
			return true;
	return false;
}

static phys_addr_t search(phys_addr_t size, bool maybe_too)
{
	for (phys_addr_t at = 0x80000000; at < 0x80000000 + 1024 * MIB; at += 2 * MIB) {
		bool offset = false;

		for (unsigned int i = 0; i < nr_banks; i++)
			offset |= at >= banks[i].base + 2 * MIB && at + size <= banks[i].end;
		if (offset && (nr_ranges == 0 || inside_one(ranges, nr_ranges, at, at + size)) &&
		    !touches_one(taken, nr_taken, at, at + size) &&
		    (maybe_too || !touches_one(maybe, nr_maybe, at, at + size)))
			return at;
	}
	return PLACE_NONE;
}

static void put_spans(const char *name, const struct span *spans, unsigned int n)
{
	phys_addr_t values[16];

	for (unsigned int i = 0; i < n; i++) {
		values[2 * i] = spans[i].base;
		values[2 * i + 1] = spans[i].end - spans[i].base;
	}
	cells(name, 2, values, 2 * n);
}

static void random_tree(void)
{
	unsigned int n = 0, memreserves;

	nr_banks = 1 + random_of(4);
	nr_ranges = random_of(4) ? 0 : 1 + random_of(3);
	nr_taken = random_of(20);
	nr_maybe = random_of(3);
	memreserves = nr_taken ? random_of(nr_taken) : 0;
	for (unsigned int i = 0; i < nr_banks; i++)
		banks[i] = random_span(256 * MIB);
	for (unsigned int i = 0; i < nr_ranges; i++)
		ranges[i] = random_span(128 * MIB);
	for (unsigned int i = 0; i < nr_taken; i++)
		taken[i] = random_span(random_of(4) ? 4 * MIB : 64 * MIB);
	for (unsigned int i = 0; i < nr_maybe; i++)
		maybe[i] = random_span(128 * MIB);

	address_cells = size_cells = 2;
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	for (; n < memreserves; n++)
		assert_int_equal(
			fdt_add_reservemap_entry(blob, taken[n].base, taken[n].end - taken[n].base),
			0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	begin("");
	number_property("#address-cells", 2);
	number_property("#size-cells", 2);
	if (nr_ranges) {
		begin("chosen");
		put_spans("linux,usable-memory-range", ranges, nr_ranges);
		end();
	}
	begin("memory@80000000");
	string("device_type", "memory");
	put_spans("reg", banks, nr_banks);
	end();
	open_reserved();
	for (; n < nr_taken; n++)
		child(taken[n].base, taken[n].end - taken[n].base, "reg", NULL);
	for (unsigned int i = 0; i < nr_maybe; i++)
		child(maybe[i].base, maybe[i].end - maybe[i].base, "alloc-ranges", NULL);
	end();
	finish_tree();
}

static void at_random(void **state)
{
	unsigned int found = 0, none = 0, second = 0;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		phys_addr_t size = PAGE_SIZE * (1 + random_of(2048)), want;

		random_tree();
		want = search(size, false);
		if (want == PLACE_NONE) {
			want = search(size, true);
			second += want != PLACE_NONE;
		}
		assert_int_equal(place_image(blob, FLASH, size), want);
		found += want != PLACE_NONE;
		none += want == PLACE_NONE;
	}
	print_message("# %u found, %u of them second best, %u none\n", found, second, none);
	assert_true(found > 1000 && none > 150 && second > 50);
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

/* ---- damage ---------------------------------------------------------------------------------- */

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
		assert_int_equal(place_console(copy), 0);
		free(copy);
	}
}

static void damaged(void **state)
{
	uint64_t x = 88172645463325252ULL;
	uint32_t total;

	(void)state;
	kept(0x80200000, 0x1000, usable_and_reserved);
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
		(void)place_console(copy);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_flash),	     cmocka_unit_test(from_ram),
		cmocka_unit_test(several_banks),     cmocka_unit_test(banks_that_touch),
		cmocka_unit_test(cells_of_the_root), cmocka_unit_test(what_is_memory),
		cmocka_unit_test(behind_the_tree),   cmocka_unit_test(no_room),
		cmocka_unit_test(no_tree),	     cmocka_unit_test(nested_deep),
		cmocka_unit_test(keeps_off),	     cmocka_unit_test(usable_memory_only),
		cmocka_unit_test(alloc_ranges),	     cmocka_unit_test(many_windows),
		cmocka_unit_test(far_away),	     cmocka_unit_test(at_random),
		cmocka_unit_test(console),	     cmocka_unit_test(truncated),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
