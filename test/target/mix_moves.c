/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mix_moves.c: memory that moves while CPUs allocate and free: handles whose contents are verified,
 * compaction on demand, ahead and for a request, ranges and pages of areas. What is wrong counts as a
 * mismatch of the worker.
 */
#include "test/target/mix_moves.h"

#include <errno.h>

#include <quarry/cma.h>
#include <quarry/contig.h>
#include <quarry/migrate.h>

#define HANDLE_ORDERS  4
#define RANGE_ORDERS   11 /* up to 2^10 pages */
#define SPARSE_CHANGES 64

/* ---- handles --------------------------------------------------------------------------------- */

static uint64_t word_of(const struct stress_worker *worker, const struct stress_handle *handle,
			unsigned long i)
{
	return (uint64_t)handle->handle << 40 | (uint64_t)handle->turn << 24 |
	       (uint64_t)worker->number << 16 | i;
}

/* Every 64th word and the last one: written, or compared. */
static void each_word(struct stress_worker *worker, struct stress_handle *handle, bool write)
{
	uint64_t *word = mhandle_pin(handle->handle);
	unsigned long words = PAGE_SIZE / sizeof(*word) << handle->order;
	bool same = true;

	mix_expect(worker, word, "a handle cannot be pinned");
	if (!word)
		return;
	for (unsigned long i = 0; i < words;
	     i = i + 64 < words || i == words - 1 ? i + 64 : words - 1) {
		if (write)
			word[i] = word_of(worker, handle, i);
		else
			same &= word[i] == word_of(worker, handle, i);
	}
	mix_expect(worker, same, "a handle's contents");
	mix_expect(worker, mhandle_unpin(handle->handle) == 0, "a handle cannot be unpinned");
}

static void drop(struct stress_worker *worker, struct stress_handle *handle)
{
	mix_expect(worker, mhandle_free(handle->handle) == 0, "a handle cannot be freed");
	handle->handle = 0;
}

static void handle_step(struct stress_worker *worker)
{
	uint64_t random = mix_next(worker);
	struct stress_handle *handle = &worker->handle[random % STRESS_HANDLES];

	random /= STRESS_HANDLES;
	if (handle->handle) {
		each_word(worker, handle, false);
		if (random % 4 == 0) {
			drop(worker, handle);
			return;
		}
	} else {
		handle->order = random & 4 ? 0 : (uint16_t)(random / 8 % HANDLE_ORDERS);
		handle->handle =
			mhandle_alloc(PAGE_SIZE << handle->order, GFP_KERNEL | __GFP_NOWARN);
	}
	handle->turn++;
	if (handle->handle)
		each_word(worker, handle, true);
}

void mix_handle(struct stress_worker *worker)
{
	for (int i = 0; i < 4; i++)
		handle_step(worker);
}

static void end_all(struct stress_worker *worker, struct stress_handle *handle, unsigned int n)
{
	for (; n-- > 0; handle++) {
		if (!handle->handle)
			continue;
		each_word(worker, handle, false);
		drop(worker, handle);
	}
}

void mix_handles_end(struct stress_worker *worker)
{
	end_all(worker, worker->handle, STRESS_HANDLES);
	end_all(worker, worker->sparse, STRESS_SPARSE);
}

/* ---- what makes them move -------------------------------------------------------------------- */

/*
 * Pages that move and stay for long: a few of them come and go, so that holes are left between the others, in
 * all of memory and in areas. Then they are gathered.
 */
static void compact_sparse(struct stress_worker *worker)
{
	for (unsigned int i = 0; i < SPARSE_CHANGES; i++) {
		struct stress_handle *held = &worker->sparse[mix_next(worker) % STRESS_SPARSE];

		if (held->handle) {
			each_word(worker, held, false);
			drop(worker, held);
			continue;
		}
		held->turn++;
		held->handle = mhandle_alloc(PAGE_SIZE, GFP_KERNEL | __GFP_NOWARN);
		if (held->handle)
			each_word(worker, held, true);
	}
	compact_memory();
}

void mix_compact(struct stress_worker *worker)
{
	uint64_t random = mix_next(worker);
	unsigned int order = 1 + (unsigned int)(random >> 8) % MAX_PAGE_ORDER;
	struct page *page;

	if (random % 8 == 0) {
		compact_sparse(worker);
	} else if (random % 8 == 1) {
		mm_balance();
	} else {
		page = alloc_pages(GFP_KERNEL | __GFP_NOWARN, order);
		if (page)
			mix_expect(worker, __free_pages(page, order) == 0, "a block is not freed");
	}
}

/* The range is the worker's: nobody else writes to it. */
static void use(struct stress_worker *worker, struct page *page, unsigned long pages)
{
	for (unsigned long i = 0; i < pages; i += 16)
		*(volatile uint64_t *)page_address(page + i) =
			page_to_pfn(page) << 8 | worker->number;
	for (unsigned long i = 0; i < pages; i += 16)
		mix_expect(worker,
			   *(volatile uint64_t *)page_address(page + i) ==
				   (page_to_pfn(page) << 8 | worker->number),
			   "a range's contents");
}

static unsigned long any_size(uint64_t random)
{
	return 1 + (unsigned long)(random >> 8) % (1UL << random % RANGE_ORDERS);
}

/* The block of a handle, or what other zone and place there is. */
static pfn_t any_place(struct stress_worker *worker, uint64_t random, unsigned long *pages)
{
	const struct stress_handle *handle = random >> 40 & 1
						     ? &worker->handle[random % STRESS_HANDLES]
						     : &worker->sparse[random % STRESS_SPARSE];
	struct zone_info zone;
	const void *at;

	if (random >> 32 & 3 && handle->handle) {
		at = mhandle_pin(handle->handle);
		mix_expect(worker, mhandle_unpin(handle->handle) == 0,
			   "a handle cannot be unpinned");
		*pages = 1UL << handle->order;
		return page_to_pfn(virt_to_page(at));
	}
	mm_zone_info((enum zone_type)(random >> 33 & 1), &zone);
	return zone.spanned ? zone.start_pfn + mix_next(worker) % zone.spanned : 0;
}

/* Anywhere, or at an address. */
static void range_step(struct stress_worker *worker)
{
	uint64_t random = mix_next(worker);
	unsigned long pages = any_size(random);
	struct page *page = NULL;
	pfn_t pfn = random >> 34 & 1 ? any_place(worker, random, &pages) : 0;
	int error;

	if (pfn) {
		error = alloc_contig_range(pfn, pfn + pages, MIGRATE_MOVABLE,
					   GFP_KERNEL | __GFP_NOWARN);
		mix_expect(worker, !error || error == -EBUSY || error == -EINVAL,
			   "alloc_contig_range() fails otherwise");
		page = error ? NULL : pfn_to_page(pfn);
	} else {
		page = alloc_contig_pages(pages, GFP_KERNEL | __GFP_NOWARN);
	}
	if (!page)
		return;
	use(worker, page, pages);
	mix_expect(worker, free_contig_range(page_to_pfn(page), pages) == 0,
		   "a range is not freed");
}

void mix_range(struct stress_worker *worker)
{
	for (int i = 0; i < 4; i++)
		range_step(worker);
}

void mix_cma(struct stress_worker *worker)
{
	struct cma *area = cma_default();
	uint64_t random = mix_next(worker);
	unsigned long pages = any_size(random);
	struct page *page = cma_alloc(area, pages, (unsigned int)(random >> 40) % 4, true);

	if (!page)
		return;
	use(worker, page, pages);
	mix_expect(worker, cma_release(area, page, pages), "pages of an area are not released");
}
