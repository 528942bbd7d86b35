// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_owner.c: who allocated what is in use: call sites of every way to allocate, and one page of
 * 100,000 that nobody frees (FEATURES row 46).
 */
#include "boot/boot.h"
#include "ktap.h"
#include "pool.h"

#define APART __attribute__((noinline))
#define NEAR  0x100U /* bytes: the functions that allocate here are shorter */

/* The order and the flags are not constant: the request goes through __alloc_pages(). */
static APART struct page *site_a(gfp_t gfp, unsigned int order)
{
	struct page *page = alloc_pages(gfp, order);

	__asm__("" ::: "memory"); /* no tail call */
	return page;
}

static APART struct page *site_b(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	__asm__("" : "+r"(page));
	return page;
}

static struct page_owner owner_of(const struct page *page)
{
	struct page_info info;

	mm_page_info(page_to_pfn(page), &info);
	return mm_page_owner(&info);
}

static bool is_in(struct page_owner owner, const void *function)
{
	phys_addr_t site = boot_info.image_base + owner.value;

	return owner.kind == PAGE_OWNER_SITE && site - (uintptr_t)function < NEAR;
}

/* Only one can have it on. */
static bool skip_owner(void)
{
	bool on = mm_hooks() & MM_HOOK_OWNER;

	if (on)
		test_skip("owner is on");
	return on || skip_without_hooks();
}

static void sites(void)
{
	struct page *a, *b;
	void *exact;

	if (skip_owner() ||
	    !EXPECT_EQ(0, mm_page_owner_start((const void *)(uintptr_t)boot_info.image_base)))
		return;
	for (unsigned int order = 0; order < 4; order++) {
		a = site_a(GFP_KERNEL, order);
		EXPECT(is_in(owner_of(a), site_a));
		EXPECT_EQ(0, __free_pages(a, order));
	}
	a = site_a(GFP_KERNEL | __GFP_COMP | __GFP_ZERO, 2);
	b = site_b();
	EXPECT(is_in(owner_of(a), site_a) && is_in(owner_of(b), site_b));
	EXPECT(!is_in(owner_of(b), site_a) || !is_in(owner_of(a), site_b));
	exact = alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL);
	EXPECT_EQ(owner_of(virt_to_page(exact)).value, owner_of(virt_to_page(exact) + 2).value);
	EXPECT_EQ(0, free_pages_exact(exact, 3 * PAGE_SIZE));
	mm_page_owner_stop();
	EXPECT_EQ(0, a->owner);
	EXPECT_EQ(0, b->owner);
	EXPECT_EQ(0, put_page(a));
	EXPECT_EQ(0, __free_page(b));
	EXPECT_EQ(0, mm_check());
}

/* Blocks of this mark or newer ones; *last: one of them. */
static unsigned long newer(uint32_t mark, pfn_t *last)
{
	unsigned long found = 0;
	struct page_info info;

	for (enum zone_type type = 0; type < MAX_NR_ZONES; type++) {
		struct zone_info zone;

		mm_zone_info(type, &zone);
		for (pfn_t at = zone.start_pfn, end = at + zone.spanned, next; at < end;
		     at = next) {
			struct page_owner owner;

			next = at + 1;
			if (mm_page_info(at, &info) != 0)
				continue;
			if (info.state == PAGE_FREE)
				next = info.head_pfn + (1UL << info.order);
			owner = mm_page_owner(&info);
			if (owner.kind != PAGE_OWNER_SITE || owner.mark < mark ||
			    info.head_pfn != at)
				continue;
			found++;
			*last = at;
		}
	}
	return found;
}

static void leak(void)
{
	struct page *ring[32] = {NULL}, *lost = NULL;
	uint32_t mark;
	pfn_t found = 0;

	if (skip_owner() ||
	    !EXPECT_EQ(0, mm_page_owner_start((const void *)(uintptr_t)boot_info.image_base)))
		return;
	mark = (uint32_t)mm_page_owner_mark();
	for (unsigned int i = 0; i < 100000 + 32; i++) {
		struct page **slot = &ring[i % 32];

		if (i == 54321)
			lost = *slot; /* nobody frees it */
		else if (*slot)
			__free_page(*slot);
		*slot = i >= 100000	       ? NULL
			: i % 32 == 54321 % 32 ? site_a(GFP_KERNEL, 0)
					       : site_b();
	}
	EXPECT_EQ(1, newer(mark, &found));
	EXPECT_EQ(page_to_pfn(lost), found);
	EXPECT(is_in(owner_of(lost), site_a));
	EXPECT_EQ(0, __free_page(lost));
	EXPECT_EQ(0, newer(mark, &found));
	mm_page_owner_stop();
}

TEST_CASE(owner, sites, sites);
TEST_CASE(owner, leak, leak);
