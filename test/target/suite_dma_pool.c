// SPDX-License-Identifier: BSD-2-Clause
/*
 * suite_dma_pool.c: pieces smaller than a page for a device: where they may lie, what is refused, and that
 * all pages come back.
 */
#include <errno.h>
#include <string.h>

#include "drivers/dma/dma_pool.h"
#include "fake_device.h"
#include "ktap.h"
#include "pool.h"

#define PIECES 400

/* Aligned, inside its boundary, of no other piece, and where its handle says. */
static void expect_pieces(struct dma_pool *pool, size_t size, size_t align, size_t boundary)
{
	static char *piece[PIECES];
	static dma_addr_t handle[PIECES];
	unsigned int n;

	for (n = 0; n < PIECES; n++) {
		piece[n] = n % 2 ? dma_pool_alloc(pool, GFP_KERNEL, &handle[n])
				 : dma_pool_zalloc(pool, GFP_ATOMIC, &handle[n]);
		if (!EXPECT(piece[n] != NULL))
			break;
		EXPECT(n % 2 || all_zero((unsigned char *)piece[n], size));
		EXPECT(phys_to_virt(handle[n]) == piece[n]);
		EXPECT_EQ(0, handle[n] & (align - 1));
		EXPECT_EQ(handle[n] / boundary, (handle[n] + size - 1) / boundary);
		memset(piece[n], (int)n, size);
	}
	for (unsigned int i = 0; i < n; i++) {
		bool own = true;

		for (size_t at = 0; at < size; at++)
			own = own && piece[i][at] == (char)i;
		EXPECT(own);
		EXPECT_EQ(0, dma_pool_free(pool, piece[i], handle[i]));
	}
}

static void pieces(void)
{
	static const struct {
		size_t size, align, boundary;
	} kinds[] = {{1, 1, 0},	    {16, 0, 0},	       {24, 8, 64},	 {100, 4, 256},
		     {48, 64, 128}, {PAGE_SIZE, 1, 0}, {3000, 16, 8192}, {PAGE_SIZE / 2 + 1, 1, 0}};

	for (unsigned int i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct device *dev = fake_begin();
		struct dma_pool *pool = dma_pool_create("suite", dev, kinds[i].size, kinds[i].align,
							kinds[i].boundary);

		if (EXPECT(pool != NULL)) {
			EXPECT_EQ(0, dev->dma.coherent_bytes);
			expect_pieces(pool, kinds[i].size,
				      kinds[i].align ? kinds[i].align : sizeof(void *),
				      kinds[i].boundary ? kinds[i].boundary : PAGE_SIZE);
			/* As many to a page as there is room for, where no boundary lies in between. */
			if (!kinds[i].boundary && kinds[i].align == 1)
				EXPECT_LE((PIECES + PAGE_SIZE / kinds[i].size - 1) /
						  (PAGE_SIZE / kinds[i].size) * PAGE_SIZE,
					  dev->dma.coherent_bytes);
			EXPECT_EQ(0, dma_pool_destroy(pool));
		}
		fake_end();
	}
}
TEST_CASE(dma_pool, pieces, pieces);

static void misuse(void)
{
	struct device *dev = fake_begin();
	struct dma_pool *pool = dma_pool_create("suite", dev, 96, 32, 0),
			*other = dma_pool_create("other", dev, 96, 32, 0);
	dma_addr_t handle = 0, second = 0, third = 0;
	char *piece, *next, *foreign;
	struct fake_state before;

	if (!EXPECT(pool && other))
		return;
	piece = dma_pool_alloc(pool, GFP_KERNEL, &handle);
	next = dma_pool_alloc(pool, GFP_KERNEL, &second);
	foreign = dma_pool_alloc(other, GFP_KERNEL, &third);
	if (!EXPECT(piece && next && foreign))
		return;
	before = fake_state();
	EXPECT_EQ(-EINVAL, dma_pool_free(pool, piece + 1, handle + 1));
	EXPECT_EQ(-EINVAL, dma_pool_free(pool, foreign, third));
	EXPECT_EQ(-EINVAL, dma_pool_free(pool, &before, handle));
	EXPECT_EQ(-EINVAL,
		  dma_pool_free(pool, (char *)((uintptr_t)piece & PAGE_MASK) + PAGE_SIZE - 32,
				(handle & ~(dma_addr_t)(PAGE_SIZE - 1)) + PAGE_SIZE - 32));
	EXPECT_EQ(4, fake_logged("dma_pool_free: suite", "no piece of this pool starts there"));
	EXPECT_EQ(-EINVAL, dma_pool_free(pool, piece, second));
	EXPECT_EQ(1, fake_logged("dma_pool_free: suite", "the handle is not its own"));
	EXPECT_EQ(-EALREADY, dma_pool_free(pool, next + 96, second + 96));
	EXPECT_EQ(1, fake_logged("dma_pool_free: suite", "it is free already"));
	EXPECT_EQ(-EBUSY, dma_pool_destroy(pool));
	EXPECT_EQ(1, fake_logged("dma_pool_destroy: suite", "2 pieces are in use"));
	EXPECT(fake_same(&before));
	EXPECT_EQ(0, dma_pool_free(pool, NULL, 0));
	EXPECT_EQ(0, dma_pool_free(pool, piece, handle));
	EXPECT_EQ(-EALREADY, dma_pool_free(pool, piece, handle));
	/* What is written to a free piece breaks nothing: what is known of it lies elsewhere. */
	memset((void *)((uintptr_t)piece & PAGE_MASK), 0xff, PAGE_SIZE);
	EXPECT(dma_pool_alloc(pool, GFP_KERNEL, &handle) == piece);
	EXPECT_EQ(0, dma_pool_free(pool, piece, handle));
	EXPECT_EQ(0, dma_pool_free(pool, next, second));
	EXPECT_EQ(0, dma_pool_free(other, foreign, third));
	EXPECT_EQ(0, dma_pool_destroy(pool));
	EXPECT_EQ(0, dma_pool_destroy(other));
	EXPECT_EQ(0, dma_pool_destroy(NULL));
	fake_end();
}
TEST_CASE(dma_pool, misuse, misuse);

static void bad_pools(void)
{
	struct device *dev = fake_begin();
	struct fake_state before = fake_state();

	EXPECT(!dma_pool_create("suite", dev, 0, 0, 0));
	EXPECT(!dma_pool_create("suite", dev, PAGE_SIZE + 1, 0, 0));
	EXPECT(!dma_pool_create("suite", dev, 16, 24, 0));
	EXPECT(!dma_pool_create("suite", dev, 16, 2 * PAGE_SIZE, 0));
	EXPECT(!dma_pool_create("suite", dev, 16, 0, 48));
	EXPECT(!dma_pool_create("suite", dev, 65, 0, 64));
	EXPECT_EQ(2, fake_logged("dma_pool_create: suite", "its boundary is"));
	EXPECT(fake_same(&before));
	fake_end();
}
TEST_CASE(dma_pool, bad_pools, bad_pools);

/* A device that reaches no memory, and one for which no page is to be had. */
static void out_of_reach(void)
{
	struct device *dev = fake_begin();
	struct dma_pool *pool = dma_pool_create("suite", dev, 64, 0, 0);
	const struct mm_fail all = {.every = 1}, none = {0};
	dma_addr_t handle = 1;

	dev->dma.mask = 0xff;
	EXPECT(!dma_pool_alloc(pool, GFP_KERNEL, &handle));
	dev->dma.mask = DMA_BIT_MASK(64);
	if (mm_set_fail(&all) == 0) {
		EXPECT(!dma_pool_alloc(pool, GFP_KERNEL | __GFP_NOWARN, &handle));
		EXPECT_EQ(0, mm_set_fail(&none));
	}
	EXPECT_EQ(1, handle);
	EXPECT_EQ(0, dev->dma.coherent_bytes);
	EXPECT_EQ(0, dma_pool_destroy(pool));
	fake_end();
}
TEST_CASE(dma_pool, out_of_reach, out_of_reach);
