/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_fdt_limits.c: device trees with more than is usual: of each kind of entry the most a tree
 * may have, and one more; lines of log, of which there are never many; arrays of memblock that have
 * one place only; names and lengths near the limits of the format.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <libfdt.h>
#include <quarry/memblock.h>

#include "boot/dt/fdt_early.h"
#include "test/host/port_host.h"

#define RAM	 ((phys_addr_t)0x80000000)
#define RAM_SIZE ((phys_addr_t)256 << 20)

static _Alignas(8) char blob[FDT_EARLY_MAX_SIZE];
static unsigned long lines;
static char last_line[512];

static void count_line(const char *line)
{
	lines++;
	strncpy(last_line, line, sizeof(last_line) - 1);
}

static void pair(char *at, phys_addr_t base, phys_addr_t size)
{
	fdt64_st(at, base);
	fdt64_st(at + 8, size);
}

/* A property of n pairs, from `base` every `step` bytes. */
static void pairs(const char *name, unsigned int n, phys_addr_t base, phys_addr_t step,
		  phys_addr_t size)
{
	void *at;

	assert_int_equal(fdt_property_placeholder(blob, name, (int)(n * 16), &at), 0);
	for (unsigned int i = 0; i < n; i++)
		pair((char *)at + 16 * (size_t)i, base + i * step, size);
}

static void open_node(const char *name)
{
	assert_int_equal(fdt_begin_node(blob, name), 0);
}

static void cells(void)
{
	assert_int_equal(fdt_property_u32(blob, "#address-cells", 2), 0);
	assert_int_equal(fdt_property_u32(blob, "#size-cells", 2), 0);
}

static void start(void)
{
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	open_node("");
	cells();
}

static void finish(void)
{
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_finish(blob), 0);
}

static void memory(const char *name, unsigned int n, phys_addr_t base, phys_addr_t step,
		   phys_addr_t size)
{
	open_node(name);
	assert_int_equal(fdt_property_string(blob, "device_type", "memory"), 0);
	pairs("reg", n, base, step, size);
	assert_int_equal(fdt_end_node(blob), 0);
}

static void open_reserved(void)
{
	open_node("reserved-memory");
	cells();
	assert_int_equal(fdt_property(blob, "ranges", "", 0), 0);
}

static void reserved(const char *name, const char *property, unsigned int n, phys_addr_t base,
		     phys_addr_t step, phys_addr_t size)
{
	open_node(name);
	if (strcmp(property, "alloc-ranges") == 0)
		assert_int_equal(fdt_property_u64(blob, "size", PAGE_SIZE), 0);
	pairs(property, n, base, step, size);
	assert_int_equal(fdt_end_node(blob), 0);
}

static int init(void)
{
	memblock_init();
	lines = 0;
	last_line[0] = '\0';
	return fdt_early_init(blob, RAM + RAM_SIZE - sizeof(blob));
}

static int setup(void **state)
{
	(void)state;
	port_host_log_hook = count_line;
	return host_ram_map(RAM, RAM_SIZE) ? 0 : -1;
}

static int teardown(void **state)
{
	int err = memblock_check() ? -1 : 0;

	(void)state;
	memblock_init(); /* its arrays may lie there */
	host_ram_unmap();
	return err;
}

/* ---- as many as a tree may have, and one more ------------------------------------------------ */

enum kind {
	BANKS,
	EMPTY_BANKS,
	USABLE,
	RESERVED,
	EMPTY_RESERVED,
	ALLOC_RANGES,
	MEMRESERVE,
	NR_KINDS,
};

static void make(enum kind kind, unsigned int n)
{
	assert_int_equal(fdt_create(blob, sizeof(blob)), 0);
	for (unsigned int i = 0; kind == MEMRESERVE && i < n; i++)
		assert_int_equal(fdt_add_reservemap_entry(blob, RAM + i * 2 * PAGE_SIZE, PAGE_SIZE),
				 0);
	assert_int_equal(fdt_finish_reservemap(blob), 0);
	open_node("");
	cells();
	if (kind == USABLE) {
		open_node("chosen");
		pairs("linux,usable-memory-range", n, RAM, 8 * PAGE_SIZE, 7 * PAGE_SIZE);
		assert_int_equal(fdt_end_node(blob), 0);
	}
	if (kind == BANKS)
		memory("memory@80000000", n, RAM, 8 * PAGE_SIZE, 7 * PAGE_SIZE);
	else if (kind == EMPTY_BANKS)
		memory("memory@0", n - 1, 0, 0, 0);
	if (kind != BANKS)
		memory("memory@80000001", 1, RAM, 0, RAM_SIZE);
	open_reserved();
	if (kind == RESERVED || kind == EMPTY_RESERVED)
		reserved("r", "reg", n, RAM, 2 * PAGE_SIZE, kind == RESERVED ? PAGE_SIZE : 0);
	if (kind == ALLOC_RANGES) {
		reserved("one", "alloc-ranges", 1, 0, 0, PAGE_SIZE);
		reserved("two", "alloc-ranges", n - 1, 0, PAGE_SIZE, PAGE_SIZE);
	}
	assert_int_equal(fdt_end_node(blob), 0);
	finish();
}

static void test_limits(void **state)
{
	static const char *const what[NR_KINDS] = {
		[BANKS] = "memory ranges",	   [EMPTY_BANKS] = "memory ranges",
		[USABLE] = "usable memory ranges", [RESERVED] = "reservations",
		[EMPTY_RESERVED] = "reservations", [ALLOC_RANGES] = "alloc-ranges",
		[MEMRESERVE] = "reservations",
	};

	(void)state;
	for (unsigned int kind = 0; kind < NR_KINDS; kind++) {
		char text[80];

		make((enum kind)kind, FDT_EARLY_MAX_REGIONS);
		/* the seven pages of a bank do not hold an array of 2048 regions */
		assert_int_equal(init(), kind == BANKS || kind == USABLE ? -ENOMEM : 0);
		assert_null(memblock_check());
		make((enum kind)kind, FDT_EARLY_MAX_REGIONS + 1);
		assert_int_equal(init(), -E2BIG);
		snprintf(text, sizeof(text), "fdt: more than 4096 %s: refused", what[kind]);
		assert_string_equal(last_line, text);
		/* nothing has changed */
		assert_int_equal(memblock.memory.cnt, 0);
		assert_int_equal(memblock.reserved.cnt, 0);
	}
}

/* ---- lines of log ---------------------------------------------------------------------------- */

static void expect_more(unsigned int more, const char *what)
{
	char text[128];

	snprintf(text, sizeof(text), "fdt: %u more %s", more, what);
	assert_string_equal(last_line, text);
}

static void test_few_lines(void **state)
{
	(void)state;
	make(EMPTY_BANKS, 22); /* 21 of which are empty */
	assert_int_equal(init(), 0);
	assert_int_equal(lines, 21);
	expect_more(1, "regions that are empty");
	make(EMPTY_BANKS, 21);
	assert_int_equal(init(), 0);
	assert_int_equal(lines, 20);
	make(EMPTY_RESERVED, 4096);
	assert_int_equal(init(), 0);
	assert_int_equal(lines, 21);
	expect_more(4076, "regions that are empty");

	start();
	memory("memory@80000000", 100, RAM, 4 * PAGE_SIZE, 8 * PAGE_SIZE);
	finish();
	assert_int_equal(init(), 0);
	assert_int_equal(lines, 21);
	expect_more(79, "memory ranges that overlap others");

	start();
	memory("memory@80000000", 1, RAM, 0, RAM_SIZE);
	open_reserved();
	reserved("r", "reg", 100, RAM, 4 * PAGE_SIZE, 8 * PAGE_SIZE);
	assert_int_equal(fdt_end_node(blob), 0);
	finish();
	assert_int_equal(init(), 0);
	assert_int_equal(lines, 21);
	expect_more(79, "reservations that overlap others");

	start();
	memory("memory@80000000", 50, RAM, 4 * PAGE_SIZE, PAGE_SIZE + 1);
	finish();
	assert_int_equal(init(), 0);
	assert_int_equal(lines, 21);
	expect_more(30, "memory regions that are rounded to pages");
}

/* ---- the first larger array ------------------------------------------------------------------ */

/* Gaps of one page among the reservations, but for one of two pages: room for an array of 256. */
static void only_gap_at(unsigned int gap)
{
	char *at;
	void *reg;

	start();
	memory("memory@80000000", 1, RAM, 0, 400 * PAGE_SIZE);
	open_reserved();
	open_node("r");
	assert_int_equal(fdt_property_placeholder(blob, "reg", 200 * 16, &reg), 0);
	at = reg;
	/* from the last to the first, with every second page free */
	for (unsigned int i = 0; i < 200; i++)
		pair(&at[16 * i], RAM + 2 * (199 - i) * PAGE_SIZE,
		     199 - i == gap ? PAGE_SIZE / 2 : PAGE_SIZE);
	/* reservations are rounded outward, so this one has to go elsewhere: onto its neighbour */
	pair(&at[16 * (199 - gap)], RAM + 2 * (gap ? gap - 1 : 1) * PAGE_SIZE, PAGE_SIZE);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	finish();
}

static void test_first_array_anywhere(void **state)
{
	(void)state;
	for (unsigned int gap = 1; gap < 199; gap += 11) {
		phys_addr_t array;

		only_gap_at(gap);
		memblock_init();
		assert_int_equal(fdt_early_init(blob, FDT_EARLY_NOWHERE), 0);
		array = virt_to_phys(memblock.reserved.regions);
		/* its two pages lie in the three that are free there */
		assert_in_range(array, RAM + (2 * gap - 1) * PAGE_SIZE, RAM + 2 * gap * PAGE_SIZE);
		assert_int_equal(memblock.reserved.max, 256);
		assert_null(memblock_check());
	}
}

/* Where no place is large enough for twice as many, one that holds a few more is as good. */
static void test_first_array_in_a_page(void **state)
{
	(void)state;
	start();
	memory("memory@80000000", 1, RAM, 0, 320 * PAGE_SIZE);
	open_reserved();
	reserved("r", "reg", 160, RAM, 2 * PAGE_SIZE, PAGE_SIZE);
	assert_int_equal(fdt_end_node(blob), 0);
	finish();
	memblock_init();
	assert_int_equal(fdt_early_init(blob, FDT_EARLY_NOWHERE), 0);
	assert_int_equal(memblock.reserved.cnt, 160); /* the array lies beside the last */
	assert_in_range(memblock.reserved.max, 160, PAGE_SIZE / sizeof(struct memblock_region));
}

/* ---- names and lengths ----------------------------------------------------------------------- */

static int put_word(int at, uint32_t value)
{
	fdt32_st(blob + at, value);
	return at + 4;
}

/* A root with one property of this length and name offset, in a version-16 or -17 tree. */
static void one_property(uint32_t version, uint32_t length, uint32_t name)
{
	int structure = 56, at = structure;

	memset(blob, 0, 256);
	at = put_word(at, FDT_BEGIN_NODE);
	at = put_word(at, 0);
	at = put_word(at, FDT_PROP);
	at = put_word(at, length);
	at = put_word(at, name);
	at += 16;
	at = put_word(at, FDT_END_NODE);
	at = put_word(at, FDT_END);
	memcpy(blob + at, "reg", 4);
	fdt_set_magic(blob, FDT_MAGIC);
	fdt_set_totalsize(blob, (uint32_t)at + 4);
	fdt_set_off_dt_struct(blob, (uint32_t)structure);
	fdt_set_off_dt_strings(blob, (uint32_t)at);
	fdt_set_off_mem_rsvmap(blob, 40);
	fdt_set_version(blob, version);
	fdt_set_last_comp_version(blob, 16);
	fdt_set_size_dt_strings(blob, 4);
	fdt_set_size_dt_struct(blob, (uint32_t)(at - structure));
}

static void test_lengths(void **state)
{
	static const uint32_t lengths[] = {0x15,       0x1c,	   0x7fffffeb, 0x7fffffec,
					   0x7ffffff0, 0x7ffffff4, 0x7fffffff, 0x80000000,
					   0xfffffff0, 0xfffffffc, 0xffffffff};

	(void)state;
	for (uint32_t version = 16; version <= 17; version++) {
		one_property(version, 16, 0);
		assert_int_equal(fdt_early_check(blob, SIZE_MAX), 0);
		for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
			/* names of properties, and lengths, near 2^31 and 2^32 */
			one_property(version, 16, lengths[i] | 0x80000000);
			assert_int_equal(fdt_early_check(blob, SIZE_MAX), -EINVAL);
			one_property(version, lengths[i], 0);
			assert_int_equal(fdt_early_check(blob, SIZE_MAX), -EINVAL);
			assert_non_null(strstr(last_line, "corrupt device tree: "));
			for (int field = 4; field < 40; field += 4) {
				if (field == 20) /* the version: any later one may be compatible */
					continue;
				if (field == 28) /* the boot CPU is any number */
					continue;
				if (field == 36 && version == 16)
					continue;
				one_property(version, 16, 0);
				put_word(field, lengths[i]);
				if (lengths[i] < 0x7fffffff)
					put_word(field, lengths[i] | 0x40000000);
				assert_true(fdt_early_check(blob, SIZE_MAX) < 0);
			}
		}
	}
}

static void test_names(void **state)
{
	char name[FDT_EARLY_MAX_NAME + 2];

	(void)state;
	for (int longer = 0; longer < 2; longer++) {
		memset(name, 'n', sizeof(name));
		name[FDT_EARLY_MAX_NAME + longer] = '\0';
		start();
		memory("memory@80000000", 1, RAM, 0, RAM_SIZE);
		open_node("x");
		assert_int_equal(fdt_property(blob, name, "", 0), 0);
		assert_int_equal(fdt_end_node(blob), 0);
		finish();
		assert_int_equal(fdt_early_check(blob, SIZE_MAX), longer ? -EINVAL : 0);
	}
	assert_non_null(strstr(last_line, "a property name that is too long"));
	/* the last string has no end: its name is none, the others are */
	one_property(17, 16, 0);
	blob[fdt_off_dt_strings(blob) + 3] = 'x';
	assert_int_equal(fdt_early_check(blob, SIZE_MAX), -EINVAL);
	assert_non_null(strstr(last_line, "a property without a name"));
}

/* ---- a damaged tree, as far as it is sound --------------------------------------------------- */

static int count_node(const void *fdt, int node, void *ctx)
{
	int *count = ctx;

	assert_non_null(fdt_get_name(fdt, node, NULL));
	++*count;
	return *count == 3 ? 77 : 0;
}

static void test_sound_nodes(void **state)
{
	int count = 0, damage;

	(void)state;
	start();
	open_node("a");
	assert_int_equal(fdt_property_u32(blob, "good", 1), 0);
	open_node("b");
	assert_int_equal(fdt_property_u32(blob, "bad", 1), 0);
	open_node("c");
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	assert_int_equal(fdt_end_node(blob), 0);
	finish();
	assert_true(fdt_early_is_whole(blob));
	/* the root, a and then b, which ends it */
	assert_int_equal(fdt_early_each_sound_node(blob, count_node, &count), 77);
	assert_int_equal(count, 3);

	damage = fdt_path_offset(blob, "/a/b") + 4 + 4; /* its property's tag */
	put_word((int)fdt_off_dt_struct(blob) + damage + 4, 0x7ffffff0);
	lines = 0;
	count = 0;
	assert_false(fdt_early_is_whole(blob));
	assert_int_equal(fdt_early_each_sound_node(blob, count_node, &count), -EINVAL);
	assert_int_equal(count, 2);
	fdt_set_magic(blob, 0);
	assert_int_equal(fdt_early_each_sound_node(blob, count_node, &count), -EINVAL);
	assert_int_equal(count, 2);
	assert_int_equal(lines, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_few_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_array_anywhere, setup, teardown),
		cmocka_unit_test_setup_teardown(test_first_array_in_a_page, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lengths, setup, teardown),
		cmocka_unit_test_setup_teardown(test_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sound_nodes, setup, teardown),
	};

	return cmocka_run_group_tests_name("fdt_limits", tests, NULL, NULL);
}
