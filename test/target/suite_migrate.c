// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_migrate.c: handles on the machine: their contents survive compaction and ranges that take their
 * place; what is pinned stays (FEATURES rows 43, 54 and 57).
 */
#include <errno.h>

#include "ktap.h"
#include "pool.h"

#define HANDLES 600

static mhandle_t handle[HANDLES];

static void fill(unsigned long i)
{
	volatile uint64_t *at = mhandle_pin(handle[i]);

	for (unsigned int n = 0; n < PAGE_SIZE / 8; n += 37)
		at[n] = i * 0x9e3779b97f4a7c15U + n;
	EXPECT_EQ(0, mhandle_unpin(handle[i]));
}

static bool verify(unsigned long i)
{
	const volatile uint64_t *at = mhandle_pin(handle[i]);
	bool same = at;

	for (unsigned int n = 0; same && n < PAGE_SIZE / 8; n += 37)
		same = at[n] == i * 0x9e3779b97f4a7c15U + n;
	return mhandle_unpin(handle[i]) == 0 && same;
}

static void handles_move(void)
{
	struct mm_migrate_stats before, after;
	unsigned long count = 0, verified = 0, kept;
	void *pinned;
	pfn_t pfn;

	test_blocks_move(); /* the table of handles keeps its pages */
	for (unsigned long i = 0; i < HANDLES; i++) {
		handle[i] = mhandle_alloc(PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN);
		if (!EXPECT(handle[i] != 0))
			break;
		fill(i);
		count++;
	}
	for (unsigned long i = 0; i < count; i += 2) { /* holes */
		EXPECT_EQ(0, mhandle_free(handle[i]));
		handle[i] = 0;
	}
	compact_memory();
	EXPECT_EQ(0, mm_check());
	/* a range takes the place of one, but not of one that is pinned */
	kept = 1;
	pinned = mhandle_pin(handle[kept]);
	pfn = page_to_pfn(virt_to_page(pinned));
	EXPECT_EQ(-EBUSY,
		  alloc_contig_range(pfn, pfn + 1, MIGRATE_MOVABLE, GFP_KERNEL | __GFP_NOWARN));
	EXPECT_EQ(0, mhandle_unpin(handle[kept]));
	mm_migrate_stats(&before);
	if (EXPECT_EQ(0, alloc_contig_range(pfn, pfn + 1, MIGRATE_MOVABLE,
					    GFP_KERNEL | __GFP_NOWARN))) {
		mm_migrate_stats(&after);
		EXPECT_EQ(before.moved + 1, after.moved);
		EXPECT(mhandle_pin(handle[kept]) != pinned);
		EXPECT_EQ(0, mhandle_unpin(handle[kept]));
		EXPECT_EQ(0, free_contig_range(pfn, 1));
	}
	for (unsigned long i = 1; i < count; i += 2) {
		verified += verify(i);
		EXPECT_EQ(0, mhandle_free(handle[i]));
	}
	EXPECT_EQ(count / 2, verified);
	EXPECT_EQ(0, mm_check());
}

TEST_CASE(migrate, handles_move, handles_move);
