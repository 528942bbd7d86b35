/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_place_random.c: where an image goes that was started from flash, on random trees, against a
 * search that tries one place after the other; and on trees that are truncated or damaged.
 */
#include "place_tree.h"

/* ---- at random, against a search that tries one place after the other ------------------------ */

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
		cmocka_unit_test(at_random),
		cmocka_unit_test(truncated),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
