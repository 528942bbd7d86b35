/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_dma_pool.c: where the pieces of a DMA pool lie, for every size, alignment and boundary: none shares a
 * byte with another, crosses a boundary, or is not aligned, and zeroing one writes to no other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* the source itself: it is not among the objects that every host test links */
#include "drivers/dma/dma_pool.c"

#include "test/host/mm/policy.h" /* behind it: its names are short */

#define BUS 0x80000000ULL /* what the device adds to a page's number */

/* ---- what lies around the pool ------------------------------------------------------------------- */

#define PAGES 8

static char pages[PAGES][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static unsigned int nr_pages;

void *dma_alloc_coherent(struct device *dev, size_t size, dma_addr_t *handle, gfp_t gfp)
{
	(void)dev, (void)gfp;
	assert_int_equal(size, PAGE_SIZE);
	if (nr_pages == PAGES)
		return NULL;
	*handle = BUS + nr_pages * PAGE_SIZE;
	return memset(pages[nr_pages++], 0, PAGE_SIZE);
}

int dma_free_coherent(struct device *dev, size_t size, void *cpu, dma_addr_t handle)
{
	(void)dev, (void)size, (void)cpu, (void)handle;
	nr_pages--;
	return 0;
}

void device_log(const struct device *dev, const char *fmt, ...)
{
	(void)dev, (void)fmt;
}

static int start(void **state)
{
	int error = policy_start_caches(state);

	return error ? error : kmem_cache_init();
}

static int stop(void **state)
{
	assert_int_equal(nr_pages, 0);
	if (kmem_release())
		return -1;
	return policy_stop(state);
}

/* ---- where pieces lie ------------------------------------------------------------------------------ */

/* The pieces of two pages and one more, each filled with its number. */
static void expect_pieces(size_t size, size_t align, size_t boundary)
{
	static char *piece[2 * PAGE_SIZE + 1];
	static dma_addr_t handle[2 * PAGE_SIZE + 1];
	struct dma_pool *pool = dma_pool_create("test", NULL, size, align, boundary);
	unsigned int n = 0;

	assert_non_null(pool);
	if (!align)
		align = sizeof(void *);
	if (!boundary)
		boundary = PAGE_SIZE;
	do {
		piece[n] = (n & 1 ? dma_pool_alloc : dma_pool_zalloc)(pool, GFP_KERNEL, &handle[n]);
		assert_non_null(piece[n]);
		assert_ptr_equal(piece[n], pages[0] + (handle[n] - BUS));
		assert_true(handle[n] + size <= BUS + nr_pages * PAGE_SIZE);
		assert_int_equal(handle[n] % align, 0);
		assert_int_equal(handle[n] / boundary, (handle[n] + size - 1) / boundary);
		memset(piece[n], (int)n, size);
	} while (nr_pages <= 2 && ++n);
	for (unsigned int i = 0; i <= n; i++) {
		for (size_t at = 0; at < size; at++)
			assert_int_equal(piece[i][at], (char)i);
		assert_int_equal(dma_pool_free(pool, piece[i], handle[i]), 0);
	}
	assert_int_equal(dma_pool_destroy(pool), 0);
}

static void pieces(void **state)
{
	(void)state;
	for (size_t size = 1; size <= PAGE_SIZE; size += size < 70 ? 1 : size / 3 + 1)
		for (size_t align = 0; align <= PAGE_SIZE; align = align ? 4 * align : 1)
			for (size_t boundary = 0; boundary <= 2 * PAGE_SIZE;
			     boundary = boundary ? 2 * boundary : 1)
				if (!boundary || boundary >= size)
					expect_pieces(size, align, boundary);
	expect_pieces(PAGE_SIZE, 0, 0);
	expect_pieces(PAGE_SIZE, PAGE_SIZE, PAGE_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pieces, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
