/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc_frees.c: frees and references, each judged: what is freed is free, holders are counted, a wrong free has the
 * errno that the frame calls for, is counted once and changes nothing.
 */
#include "alloc_calls.h"

#include <errno.h>

static int free_by(struct page *page, unsigned int order, unsigned int how)
{
	switch (how % 4) {
	case 0:
		return order ? CALL(__free_pages(page, order)) : CALL(__free_page(page));
	case 1:
		return CALL(free_pages((unsigned long)(uintptr_t)page_address(page), order));
	case 2:
		return CALL(free_pages_phys(page_to_phys(page), (int)order));
	default:
		return CALL(free_pages_phys(page_to_phys(page), -1));
	}
}

/* The last holder lets go: all of it is free. */
static void release_last(struct block *block, unsigned int how)
{
	struct page *page = pfn_to_page(block->pfn);
	unsigned int order = block->order;
	unsigned long pages = block->pages;
	bool exact = block->exact, range = block->range;
	int error = 0;

	charge(pages);
	if (block->movable)
		clear_page_movable(page);
	model_release(block); /* from here on an interrupt may have it */
	if (range)
		error = CALL(free_contig_range(page_to_pfn(page), pages));
	else if (exact)
		error = CALL(free_pages_exact(page_address(page), pages * PAGE_SIZE - (pages & 1)));
	else if (how % 8 == 4)
		error = CALL(put_page(page));
	else if (how % 8 == 5)
		error = CALL(put_page_testzero(page)) ? CALL(free_frozen_pages(page, order)) : -1;
	else
		error = free_by(page, order, how);
	CHECK(!error, "a free of pfn 0x%lx order %u: %d", (unsigned long)page_to_pfn(page), order,
	      error);
}

void release(struct block *block, unsigned int how)
{
	struct page *page = pfn_to_page(block->pfn);
	unsigned int order = block->order;

	if (block->refs == 1) {
		release_last(block, how);
		return;
	}
	model.busy = block;
	block->refs--;
	if (how % 8 == 4) {
		CHECK(!CALL(put_page(block->compound ? page + how % block->pages : page)),
		      "put_page()");
	} else if (how % 8 == 5) {
		CHECK(!CALL(put_page_testzero(page)), "not the last reference");
	} else {
		if (!block->compound)
			model_keep_first(block); /* the others lose all but the first page */
		CHECK(!free_by(page, order, how), "a free of a page with holders");
	}
	CHECK(CALL(page_count(page)) == block->refs, "page_count() %u, %u holders",
	      page_count(page), block->refs);
	model.busy = NULL;
}

/* Single pages among so many blocks, in one call; `wrong`: with no page at all in the middle. */
void release_bulk(unsigned int n, unsigned int from, unsigned int step, bool wrong)
{
	static struct page *pages[258];
	unsigned long good = 0, nr = 0, freed;

	for (unsigned int i = 0; i < n && i < 256 && model.nr_held; i++) {
		struct block *block =
			model_pick(model.nr_held - 1 - (from + i * step) % model.nr_held);

		if (!block || block->refs != 1 || block->pages != 1 || block->exact)
			continue;
		if (wrong && i == n / 2)
			pages[nr++] = (struct page *)sizeof(struct page);
		pages[nr++] = pfn_to_page(block->pfn);
		good++;
		charge(1);
		if (block->movable)
			clear_page_movable(pages[nr - 1]);
		model_release(block); /* from here on an interrupt may have it */
	}
	freed = CALL(free_pages_bulk(nr, pages));
	CHECK(freed == good, "%lu pages freed in bulk, %lu of them pages: %lu", nr, good, freed);
}

void take_reference(struct block *block, unsigned int how)
{
	struct page *page = pfn_to_page(block->pfn);

	if (block->exact || block->refs > 1000)
		return;
	if (block->compound)
		page += how % block->pages;
	CHECK(CALL(compound_head(page)) == pfn_to_page(block->pfn), "compound_head()");
	model.busy = block;
	if (how & 1)
		CALL(get_page(page));
	else
		CHECK(CALL(get_page_unless_zero(page)), "a page that is held");
	block->refs++;
	CHECK(CALL(page_count(page)) == block->refs, "page_count() %u, %u holders",
	      page_count(page), block->refs);
	model.busy = NULL;
}

/* The errno for a free of this frame by this order; 0: it would not be wrong. */
static int error_for(pfn_t pfn, unsigned int order)
{
	const struct block *block = model_block_at(pfn);

	switch (model_frame(pfn)) {
	case FRAME_ABSENT:
	case FRAME_NOMAP: /* part of a page, or of a block that is, may be memory */
		return -EFAULT;
	case FRAME_PART:
	case FRAME_RESERVED:
		return -EPERM;
	case FRAME_SYSTEM:
		return 0;
	case FRAME_FREE:
		return -EALREADY;
	}
	return block->exact || (pfn == block->pfn && order == block->order) ? 0 : -EINVAL;
}

/* The frame names a block by which its holders are counted. */
static bool counted(pfn_t pfn)
{
	const struct block *block = model_block_at(pfn);

	return block && (block->compound || block->pfn == pfn);
}

static void wrong_free_by(pfn_t pfn, unsigned int order, unsigned int how)
{
	struct before before = before_refusal();
	int expected = error_for(pfn, order), error = 0;
	struct page *page = pfn_to_page(pfn);
	void *address = phys_to_virt(PFN_PHYS(pfn));

	if (!expected)
		return;
	switch (how % 8) {
	case 0:
		error = order ? CALL(__free_pages(page, order)) : CALL(__free_page(page));
		break;
	case 1: /* within a page */
		expected = -EINVAL;
		error = CALL(free_pages((unsigned long)(uintptr_t)address + 1 + how / 8, order));
		break;
	case 2:
		error = CALL(free_pages_phys(PFN_PHYS(pfn), (int)order));
		break;
	case 3: /* within a descriptor */
		expected = page ? -EINVAL : -EFAULT;
		error = CALL(__free_pages((void *)((uintptr_t)page + (page ? 4 : 8)), order));
		break;
	case 4: /* a page that is held, in a block that is no compound one, but not its first */
		if (counted(pfn))
			return;
		error = CALL(put_page(page));
		break;
	case 5:
		if (model_block_at(pfn) && model_block_at(pfn)->pfn == pfn)
			expected = -EBUSY;
		error = CALL(free_frozen_pages(page, order));
		if (model_block_at(pfn) && (error == -EBUSY || error == -EINVAL))
			expected = error;
		break;
	case 6:
		error = CALL(free_pages_exact(address, PAGE_SIZE << order));
		if (error < 0 && expected == -EINVAL)
			error = expected;
		break;
	case 7:
		if (counted(pfn))
			return;
		CHECK(!CALL(get_page_unless_zero(page)) && !CALL(page_count(page)),
		      "pfn 0x%lx has no holder", (unsigned long)pfn);
		unchanged(&before, "get_page_unless_zero()");
		return;
	}
	if (expected == -EFAULT && error == -EPERM)
		error = expected;
	CHECK(error == expected, "wrong free %u of pfn 0x%lx order %u: %d, must be %d", how % 8,
	      (unsigned long)pfn, order, error, expected);
	if (before.since == nr_disturbances())
		CHECK(misuses() == before.misuses + 1, "a misuse is counted once");
	unchanged(&before, "a free");
}

void wrong_free(pfn_t pfn, unsigned int order, unsigned int how)
{
	unsigned int period = interrupt_period;

	/* An interrupt that frees the block, or is handed the frame, would make it another free. */
	if (model_frame(pfn) < FRAME_BLOCK)
		interrupt_period = 0;
	model.busy = model_block_at(pfn);
	wrong_free_by(pfn, order, how);
	model.busy = NULL;
	interrupt_period = period;
}
