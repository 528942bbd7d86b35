/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_page_owner.c: call sites, tags and marks of blocks in use (FEATURES row 46).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <quarry/mm.h>
#include <quarry/slab.h>

#include "policy.h"

#define APART __attribute__((noinline))

/*
 * Two places that allocate: what they return to is inside of them. Their flags are constant: with
 * others the site is __alloc_pages(), where a compiler does not turn its last call into a jump, as
 * here; suite_owner.c has them.
 */
static APART struct page *site_a(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	__asm__("" ::: "memory"); /* no tail call */
	return page;
}

static APART struct page *site_b(void)
{
	struct page *page = alloc_page(GFP_KERNEL);

	__asm__("" : "+r"(page)); /* not the same function */
	return page;
}

/* Offsets count from before the first of them. */
static const char *image(void)
{
	uintptr_t a = (uintptr_t)site_a, b = (uintptr_t)site_b;

	return (const char *)(a < b ? a : b) - 0x10000;
}

static struct page_owner owner_of(const struct page *page)
{
	struct page_info info;

	assert_int_equal(0, mm_page_info(page_to_pfn(page), &info));
	return mm_page_owner(&info);
}

#define MOST_BYTES 0x4000U /* of a function here */

/* Of the two sites, no one else's bytes come between. */
static bool is_in(struct page_owner owner, const void *function)
{
	uint32_t start = (uint32_t)((const char *)function - image());
	uint32_t a = (uint32_t)((const char *)site_a - image());
	uint32_t b = (uint32_t)((const char *)site_b - image());
	uint32_t end = start < a && a < b ? a : start < b ? b : start < a ? a : start + MOST_BYTES;

	return owner.kind == PAGE_OWNER_SITE && owner.value > start && owner.value < end;
}

static int stop(void **state)
{
	mm_page_owner_stop();
	assert_int_equal(0, mm_hooks());
	return policy_stop(state);
}

/* Each block in use that `seen` wants: how many, and the last. */
static unsigned long count(bool (*seen)(struct page_owner owner), pfn_t *last)
{
	unsigned long found = 0;
	struct page_info info;

	for (pfn_t pfn = 0x80000; pfn < 0x80000 + (256UL << 20 >> PAGE_SHIFT); pfn++) {
		if (mm_page_info(pfn, &info) != 0 || info.pfn != info.head_pfn ||
		    !seen(mm_page_owner(&info)))
			continue;
		found++;
		*last = pfn;
	}
	return found;
}

static bool has_site(struct page_owner owner)
{
	return owner.kind == PAGE_OWNER_SITE;
}

static void sites_are_told_apart(void **state)
{
	struct page *before = site_a(), *a, *large, *b;

	(void)state;
	assert_int_equal(-EINVAL, mm_page_owner_mark());
	assert_int_equal(0, mm_page_owner_start(image()));
	assert_int_equal(-EBUSY, mm_page_owner_start(image()));
	a = site_a();
	large = alloc_pages(GFP_KERNEL | __GFP_COMP, 3);
	b = site_b();
	assert_int_equal(PAGE_OWNER_UNKNOWN, owner_of(before).kind);
	assert_true(is_in(owner_of(a), site_a));
	assert_int_equal(PAGE_OWNER_SITE, owner_of(large + 5).kind); /* its head's */
	assert_true(is_in(owner_of(b), site_b));
	assert_int_equal(0, owner_of(b).mark);
	assert_int_equal(1, mm_page_owner_mark());
	assert_int_equal(0, __free_page(b));
	assert_int_equal(PAGE_OWNER_NONE, owner_of(b).kind);
	b = site_b();
	assert_int_equal(1, owner_of(b).mark);
	assert_int_equal(0, owner_of(a).mark);
	assert_int_equal(0, mm_check());
	assert_int_equal(0, __free_page(a));
	assert_int_equal(0, put_page(large));
	assert_int_equal(0, __free_page(b));
	assert_int_equal(0, __free_page(before));
}

/* Parts of a block each have the site; bulk and ranges of addresses too. */
static void every_way(void **state)
{
	struct page *page[70], *between;
	pfn_t last;
	void *exact;

	(void)state;
	assert_int_equal(0, mm_page_owner_start(image()));
	exact = alloc_pages_exact(11 * PAGE_SIZE, GFP_KERNEL); /* 8 + 2 + 1 */
	assert_true(is_in(owner_of(virt_to_page(exact)), every_way));
	assert_true(is_in(owner_of(virt_to_page(exact) + 9), every_way));
	assert_true(is_in(owner_of(virt_to_page(exact) + 10), every_way));
	assert_int_equal(70, alloc_pages_bulk(GFP_KERNEL, 70, page));
	for (int i = 0; i < 70; i++)
		assert_true(is_in(owner_of(page[i]), every_way));
	between = alloc_pages_between(GFP_KERNEL, 2, 0, 0xffffffff);
	assert_true(is_in(owner_of(between), every_way));
	assert_int_equal(3 + 70 + 1, count(has_site, &last));
	assert_int_equal(0, free_pages_exact(exact, 11 * PAGE_SIZE));
	assert_int_equal(70, free_pages_bulk(70, page));
	assert_int_equal(0, __free_pages(between, 2));
	exact = alloc_pages_exact_between(3 * PAGE_SIZE, GFP_KERNEL, 0, 0xffffffff);
	assert_true(is_in(owner_of(virt_to_page(exact)), every_way));
	assert_true(is_in(owner_of(virt_to_page(exact) + 2), every_way));
	assert_int_equal(0, free_pages_exact(exact, 3 * PAGE_SIZE));
	assert_int_equal(0, count(has_site, &last));
}

/* A tag of the owner's, a movable block's number and a call site never look like each other. */
static void kinds_do_not_meet(void **state)
{
	struct page *page = site_a();
	mhandle_t handle;
	void *large;

	(void)state;
	set_page_owner(page, MM_PAGE_OWNER_TAG_MAX);
	assert_int_equal(PAGE_OWNER_TAG, owner_of(page).kind);
	assert_int_equal(MM_PAGE_OWNER_TAG_MAX, owner_of(page).value);
	assert_int_equal(0, mm_page_owner_start(image()));
	assert_int_equal(PAGE_OWNER_TAG, owner_of(page).kind);
	set_page_owner(page, 0);
	assert_int_equal(0, __free_page(page));
	handle = mhandle_alloc(PAGE_SIZE, GFP_KERNEL);
	page = virt_to_page(mhandle_pin(handle));
	assert_int_equal(PAGE_OWNER_MOVABLE, owner_of(page).kind);
	assert_int_equal(0, mhandle_unpin(handle));
	/* a movable block with a call site is nobody's to move, and every bit of it may be set */
	for (int i = 0; i < 2047; i++)
		assert_int_equal(i + 1, mm_page_owner_mark());
	assert_int_equal(-ENOSPC, mm_page_owner_mark());
	page = alloc_page(GFP_KERNEL | __GFP_MOVABLE);
	assert_int_equal(2047, owner_of(page).mark);
	assert_int_equal(-EBUSY, alloc_contig_range(page_to_pfn(page), page_to_pfn(page) + 1,
						    MIGRATE_MOVABLE, GFP_KERNEL | __GFP_NOWARN));
	assert_true(is_in(owner_of(page), kinds_do_not_meet));
	assert_int_equal(0, __free_page(page));
	assert_int_equal(0, mhandle_free(handle));
	assert_int_equal(0, kmem_cache_init());
	large = kmalloc(5 * PAGE_SIZE, GFP_KERNEL);
	assert_int_equal(PAGE_OWNER_SLAB, owner_of(virt_to_page(large)).kind);
	kfree(large);
	assert_int_equal(PAGE_OWNER_NONE, owner_of(virt_to_page(large)).kind);
}

/* A site outside of what an offset reaches is 0: known to be none of the image's. */
static void site_elsewhere(void **state)
{
	struct page *page;

	(void)state;
	assert_int_equal(0, mm_page_owner_start(image() - MM_PAGE_OWNER_BYTES));
	page = site_a();
	assert_int_equal(PAGE_OWNER_SITE, owner_of(page).kind);
	assert_int_equal(0, owner_of(page).value);
	assert_int_equal(0, __free_page(page));
}

/* Switched off, no word says a site, not in caches either; the hot path serves again. */
static void off_leaves_nothing(void **state)
{
	struct page *kept[40];
	pfn_t last;

	(void)state;
	assert_int_equal(0, mm_page_owner_start(image()));
	for (int i = 0; i < 40; i++)
		kept[i] = alloc_pages(GFP_KERNEL, i % 3 ? 0 : 2);
	for (int i = 0; i < 40; i += 2)
		assert_int_equal(0, __free_pages(kept[i], i % 3 ? 0 : 2));
	assert_int_equal(20, count(has_site, &last));
	mm_page_owner_stop();
	for (int i = 1; i < 40; i += 2) {
		assert_int_equal(0, kept[i]->owner);
		assert_int_equal(0, __free_pages(kept[i], i % 3 ? 0 : 2));
	}
	for (int i = 0; i < 40; i++)
		kept[i] = site_b();
	for (int i = 0; i < 40; i++) {
		assert_int_equal(PAGE_OWNER_UNKNOWN, owner_of(kept[i]).kind);
		assert_int_equal(0, __free_page(kept[i]));
	}
	mm_page_owner_stop(); /* is off */
	assert_int_equal(0, mm_check());
}

/* A refused request leaves every word as it was. */
static void refusal_changes_nothing(void **state)
{
	struct page *page;
	uint64_t before;

	(void)state;
	assert_int_equal(0, mm_page_owner_start(image()));
	page = site_a();
	before = mm_state_hash();
	assert_null(alloc_pages(GFP_KERNEL | __GFP_NOWARN, MAX_PAGE_ORDER + 1));
	assert_null(
		alloc_pages_exact(2 * (PAGE_SIZE << MAX_PAGE_ORDER), GFP_KERNEL | __GFP_NOWARN));
	assert_null(alloc_pages_between(GFP_KERNEL, 0, 0, PAGE_SIZE));
	assert_int_equal(before, mm_state_hash());
	assert_int_equal(0, __free_page(page));
}

/* ---- leaks --------------------------------------------------------------------------------- */

static unsigned int since;

static bool newer(struct page_owner owner)
{
	return owner.kind == PAGE_OWNER_SITE && owner.mark >= since;
}

/* One page of 100,000 is not given back, by one of the places that allocate: which, and where. */
static void one_leak_in_100000(void **state)
{
	struct page *resident[500], *ring[64] = {NULL}, *lost = NULL;
	pfn_t found = 0;

	(void)state;
	assert_int_equal(0, mm_page_owner_start(image()));
	for (int i = 0; i < 500; i++)
		resident[i] = site_b();
	since = (unsigned int)mm_page_owner_mark();
	for (unsigned int i = 0; i < 100000 + 64; i++) {
		struct page **slot = &ring[i % 64];

		if (i == 77777)
			lost = *slot; /* nobody frees it */
		else if (*slot)
			assert_int_equal(0, __free_page(*slot));
		/* what is allocated at 77713 comes from site_a */
		*slot = i >= 100000 ? NULL : i % 64 == 77777 % 64 ? site_a() : site_b();
	}
	assert_int_equal(1, count(newer, &found));
	assert_int_equal(page_to_pfn(lost), found);
	assert_true(is_in(owner_of(lost), site_a));
	assert_int_equal(0, __free_page(lost));
	assert_int_equal(0, count(newer, &found));
	for (int i = 0; i < 500; i++)
		assert_int_equal(0, __free_page(resident[i]));
}

/* A block whose last reference was dropped, and that is still to be freed, has its call site. */
static void frozen_has_its_site(void **state)
{
	struct page *page;

	(void)state;
	assert_int_equal(0, mm_page_owner_start(image()));
	page = site_a();
	assert_true(put_page_testzero(page));
	assert_true(is_in(owner_of(page), site_a));
	assert_int_equal(0, free_frozen_pages(page, 0));
	assert_int_equal(PAGE_OWNER_NONE, owner_of(page).kind);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, policy_start_caches, stop)
	const struct CMUnitTest tests[] = {
		TEST(sites_are_told_apart), TEST(every_way),
		TEST(kinds_do_not_meet),    TEST(site_elsewhere),
		TEST(off_leaves_nothing),   TEST(refusal_changes_nothing),
		TEST(one_leak_in_100000),   TEST(frozen_has_its_site),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
