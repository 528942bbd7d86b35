/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_memblock_place.c: where an allocation goes, in exact addresses, top down and bottom up:
 * between reservations, at the edges of memory and of the range asked for.
 */
#include "memblock_expect.h"

struct piece {
	phys_addr_t base, size;
	enum memblock_flags flags;
};

/* All addresses in KiB from BASE on, unless they end in B. 0 in want_*: there is no place. */
#define BASE	   M(1)
#define NONE	   (~(phys_addr_t)0)
#define MAX_PIECES 5

static const struct place {
	const char *name;
	struct piece memory[MAX_PIECES];
	struct piece reserved[MAX_PIECES];
	phys_addr_t size, align, min, max;
	phys_addr_t top, bottom; /* where it goes, from BASE; NONE: nowhere */
	unsigned int left;	 /* reservations there are afterwards, either way; 0: not asked */
} places[] = {
	{"nothing is reserved", {{0, K(64), 0}}, {{0}}, K(4), K(1), 0, NONE, K(60), 0, 1},
	{"two bytes", {{0, K(64), 0}}, {{0}}, 2, 64, 0, NONE, K(64) - 64, 0, 1},
	{"memory ends at no multiple",
	 {{0, K(64) + 5, 0}},
	 {{0}},
	 K(1),
	 K(4),
	 0,
	 NONE,
	 K(60),
	 0,
	 1},
	{"memory begins at no multiple",
	 {{5, K(64) - 5, 0}},
	 {{0}},
	 K(60),
	 K(4),
	 0,
	 NONE,
	 K(4),
	 K(4),
	 1},
	{"all of memory", {{0, K(64), 0}}, {{0}}, K(64), K(4), 0, NONE, 0, 0, 1},
	{"a byte more than memory", {{0, K(64), 0}}, {{0}}, K(64) + 1, 1, 0, NONE, NONE, NONE, 0},
	{"no memory at all", {{0}}, {{0}}, 1, 1, 0, NONE, NONE, NONE, 0},
	{"reserved at the top",
	 {{0, K(64), 0}},
	 {{K(48), K(16), 0}},
	 K(4),
	 K(1),
	 0,
	 K(64),
	 K(44),
	 0,
	 0},
	{"reserved at the bottom",
	 {{0, K(64), 0}},
	 {{0, K(16), 0}},
	 K(4),
	 K(1),
	 0,
	 NONE,
	 K(60),
	 K(16),
	 0},
	{"reserved in the middle",
	 {{0, K(64), 0}},
	 {{K(16), K(32), 0}},
	 K(8),
	 K(1),
	 0,
	 NONE,
	 K(56),
	 0,
	 2},
	{"the first gap is too small",
	 {{0, K(64), 0}},
	 {{K(8), K(16), 0}, {K(56), K(4), 0}},
	 K(12),
	 K(1),
	 0,
	 NONE,
	 K(44),
	 K(24),
	 2},
	{"a gap it fills: three become one",
	 {{0, K(64), 0}},
	 {{0, K(24), 0}, {K(40), K(24), 0}},
	 K(16),
	 K(1),
	 0,
	 NONE,
	 K(24),
	 K(24),
	 1},
	{"every gap is a byte too small",
	 {{0, K(64), 0}},
	 {{K(16) - 1, K(1), 0}, {K(33) - 2, K(1), 0}, {K(50) - 3, K(14) + 3, 0}},
	 K(16),
	 1,
	 0,
	 NONE,
	 NONE,
	 NONE,
	 0},
	{"all is reserved", {{0, K(64), 0}}, {{0, K(64), 0}}, 1, 1, 0, NONE, NONE, NONE, 0},
	{"reserved beyond memory too",
	 {{0, K(64), 0}},
	 {{K(32), M(1), 0}},
	 K(4),
	 K(1),
	 0,
	 NONE,
	 K(28),
	 0,
	 0},
	{"reserved overlapping its end",
	 {{0, K(64), 0}},
	 {{K(64) - 1, 2, 0}},
	 K(4),
	 K(4),
	 0,
	 NONE,
	 K(56),
	 0,
	 2},
	{"alignment between two reservations",
	 {{0, K(64), 0}},
	 {{0, K(17), 0}, {K(47), K(17), 0}},
	 K(8),
	 K(16),
	 0,
	 NONE,
	 K(32),
	 K(32),
	 3},
	{"aligned beyond memory", {{K(1), K(62), 0}}, {{0}}, K(1), M(1), 0, NONE, NONE, NONE, 0},
	{"a hole is not spanned",
	 {{0, K(8), 0}, {K(9), K(8), 0}},
	 {{0}},
	 K(9),
	 1,
	 0,
	 NONE,
	 NONE,
	 NONE,
	 0},
	{"the upper of two banks is too small",
	 {{0, K(16), 0}, {K(32), K(8), 0}},
	 {{0}},
	 K(12),
	 K(1),
	 0,
	 NONE,
	 K(4),
	 0,
	 1},
	{"flags part memory",
	 {{0, K(8), 0}, {K(8), K(8), MEMBLOCK_HOTPLUG}},
	 {{0}},
	 K(9),
	 1,
	 0,
	 NONE,
	 NONE,
	 NONE,
	 0},
	{"hotpluggable memory is used",
	 {{0, K(8), MEMBLOCK_HOTPLUG}, {K(8), K(8), 0}},
	 {{K(8), K(8), 0}},
	 K(4),
	 K(1),
	 0,
	 NONE,
	 K(4),
	 0,
	 0},
	{"no-map memory is not",
	 {{0, K(24), 0}, {K(24), K(16), MEMBLOCK_NOMAP}, {K(40), K(8), 0}},
	 {{0}},
	 K(12),
	 K(1),
	 0,
	 NONE,
	 K(12),
	 0,
	 1},
	/* ranges */
	{"a range of exactly the size",
	 {{0, K(64), 0}},
	 {{0}},
	 K(8),
	 K(1),
	 K(20),
	 K(28),
	 K(20),
	 K(20),
	 1},
	{"a range in the middle",
	 {{0, K(64), 0}},
	 {{0}},
	 K(8),
	 K(1),
	 K(20),
	 K(40),
	 K(32),
	 K(20),
	 1},
	{"a range with odd ends",
	 {{0, K(64), 0}},
	 {{0}},
	 K(8),
	 K(4),
	 K(20) + 1,
	 K(40) - 1,
	 K(28),
	 K(24),
	 1},
	{"min below memory", {{K(16), K(48), 0}}, {{0}}, K(8), K(1), K(4), K(32), K(24), K(16), 1},
	{"max above memory", {{0, K(64), 0}}, {{0}}, K(8), K(1), K(32), M(1), K(56), K(32), 1},
	{"max leaves a byte too little",
	 {{K(16), K(48), 0}},
	 {{0}},
	 K(8),
	 1,
	 0,
	 K(24) - 1,
	 NONE,
	 NONE,
	 0},
	{"max below memory", {{K(16), K(48), 0}}, {{0}}, 1, 1, 0, K(16), NONE, NONE, 0},
	{"min and max in reservations",
	 {{0, K(64), 0}},
	 {{K(8), K(16), 0}, {K(40), K(16), 0}},
	 K(8),
	 K(1),
	 K(16),
	 K(48),
	 K(32),
	 K(24),
	 2},
	{"the range fits between reservations: all one",
	 {{0, K(64), 0}},
	 {{K(8), K(16), 0}, {K(32), K(16), 0}},
	 K(8),
	 K(1),
	 K(16),
	 K(40),
	 K(24),
	 K(24),
	 1},
	{"reserved up to min",
	 {{0, K(64), 0}},
	 {{0, K(32), 0}},
	 K(8),
	 K(1),
	 K(32),
	 K(48),
	 K(40),
	 K(32),
	 0},
	{"reserved from max on",
	 {{0, K(64), 0}},
	 {{K(48), K(16), 0}},
	 K(8),
	 K(1),
	 K(32),
	 K(48),
	 K(40),
	 K(32),
	 0},
};

/* The range is too narrow, or taken: the virtual forms go below min, the physical ones nowhere. */
static const struct place below_min[] = {
	{"narrower than the size", {{0, K(64), 0}}, {{0}}, K(8), K(1), K(32), K(36), K(28), 0, 1},
	{"min at the end of memory", {{0, K(64), 0}}, {{0}}, K(8), K(1), K(64), NONE, K(56), 0, 1},
	{"min a little below the end",
	 {{0, K(64), 0}},
	 {{0}},
	 K(8),
	 K(1),
	 K(60),
	 NONE,
	 K(56),
	 0,
	 1},
	{"min above all memory", {{0, K(64), 0}}, {{0}}, K(8), K(1), M(1), NONE, K(56), 0, 1},
	{"the range is reserved",
	 {{0, K(64), 0}},
	 {{K(32), K(32), 0}},
	 K(8),
	 K(1),
	 K(32),
	 K(64),
	 K(24),
	 0,
	 0},
	{"gaps of the range are too small",
	 {{0, K(64), 0}},
	 {{K(24), K(8), 0}, {K(36), K(12), 0}},
	 K(8),
	 K(1),
	 K(24),
	 K(48),
	 K(16),
	 0,
	 0},
	{"min above max", {{0, K(64), 0}}, {{0}}, K(8), K(1), K(48), K(32), K(24), 0, 1},
};

static phys_addr_t at(phys_addr_t offset)
{
	return offset == NONE ? 0 : BASE + offset;
}

static void make_map(const struct place *place, bool bottom_up)
{
	memblock_init();
	memblock_set_bottom_up(bottom_up);
	for (const struct piece *p = place->memory; p->size; p++)
		assert_int_equal(memblock_add_node(BASE + p->base, p->size, 0, p->flags), 0);
	for (const struct piece *p = place->reserved; p->size; p++)
		assert_int_equal(memblock_reserve(BASE + p->base, p->size), 0);
}

/* It was given to this place, and reserved there, and nothing else has changed; 0: to none. */
static void expect_at(const struct place *place, const char *form, phys_addr_t got,
		      phys_addr_t want)
{
	if (got != want)
		fail_msg("%s (%s): 0x%llx, not 0x%llx", place->name, form,
			 (unsigned long long)(got - BASE), (unsigned long long)(want - BASE));
	if (!want) {
		expect_unchanged();
		return;
	}
	assert_int_equal(memblock_reserved_size(),
			 saved.memblock.reserved.total_size + place->size);
	assert_true(memblock_is_reserved(got) && memblock_is_reserved(got + place->size - 1));
	if (place->left)
		assert_int_equal(memblock.reserved.cnt, place->left);
	assert_null(memblock_check());
}

static void try_place(const struct place *place, bool falls_back)
{
	phys_addr_t max = place->max == NONE ? MEMBLOCK_ALLOC_ANYWHERE : BASE + place->max;
	phys_addr_t min = place->min ? BASE + place->min : 0;

	for (int bottom_up = 0; bottom_up < 2; bottom_up++) {
		phys_addr_t want = at(bottom_up ? place->bottom : place->top), phys;
		unsigned char *p;

		for (int nid = NUMA_NO_NODE; nid <= 0; nid++) {
			make_map(place, bottom_up);
			memset(phys_to_virt(BASE), 0xa5, K(64));
			save_state();
			p = memblock_alloc_try_nid(place->size, place->align, min, max, nid);
			expect_at(place, "zeroed", p ? virt_to_phys(p) : 0, want);
			for (phys_addr_t i = 0; p && i < place->size; i++)
				assert_int_equal(p[i], 0);

			make_map(place, bottom_up);
			memset(phys_to_virt(BASE), 0xa5, K(64));
			save_state();
			p = memblock_alloc_try_nid_raw(place->size, place->align, min, max, nid);
			expect_at(place, "raw", p ? virt_to_phys(p) : 0, want);
			for (phys_addr_t i = 0; p && i < place->size; i++)
				assert_int_equal(p[i], 0xa5);
		}
		make_map(place, bottom_up);
		save_state();
		phys = memblock_find_in_range(min, max, place->size, place->align);
		expect_unchanged();
		assert_int_equal(phys, falls_back ? 0 : want);
		phys = memblock_phys_alloc_range(place->size, place->align, min, max);
		expect_at(place, "physical", phys, falls_back ? 0 : want);
		if (min || max != MEMBLOCK_ALLOC_ANYWHERE)
			continue;

		/* Without a range all forms are the same. */
		make_map(place, bottom_up);
		save_state();
		expect_at(place, "phys_alloc", memblock_phys_alloc(place->size, place->align),
			  want);
		make_map(place, bottom_up);
		save_state();
		expect_at(place, "phys_alloc_try_nid",
			  memblock_phys_alloc_try_nid(place->size, place->align, 0), want);
		make_map(place, bottom_up);
		save_state();
		p = memblock_alloc(place->size, place->align);
		expect_at(place, "alloc", p ? virt_to_phys(p) : 0, want);
		make_map(place, bottom_up);
		save_state();
		p = memblock_alloc_node(place->size, place->align, 0);
		expect_at(place, "alloc_node", p ? virt_to_phys(p) : 0, want);
		make_map(place, bottom_up);
		save_state();
		p = memblock_alloc_low(place->size, place->align);
		expect_at(place, "alloc_low", p ? virt_to_phys(p) : 0, want);
	}
}

static void test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		try_place(&places[i], false);
}

static void test_places_below_min(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(below_min) / sizeof(below_min[0]); i++)
		try_place(&below_min[i], true);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_places),
		CASE(test_places_below_min),
	};

	return cmocka_run_group_tests_name("memblock_place", tests, NULL, NULL);
}
