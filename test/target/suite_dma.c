/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suite_dma.c: what a device reaches, buffers handed to it in place and through bounce pages, and
 * what is refused.
 */
#include "fake_device.h"
#include "ktap.h"
#include "pool.h"

#include <errno.h>
#include <string.h>

#include <quarry/memblock.h>
#include <quarry/mm.h>
#include <quarry/port.h>

#include "boot/boot.h"

static char in_data[64] = "in .data";
static const char constant[64] = "a constant";

static char *new_page(void)
{
	char *page = (char *)__get_free_page(GFP_KERNEL);

	EXPECT(page);
	return page;
}

/* The memory at a handle of a device whose bus translates nothing. */
static char *seen_at(dma_addr_t handle)
{
	return phys_to_virt(handle);
}

static bool all(const char *buf, char value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (buf[i] != value)
			return false;
	return true;
}

/* ---- reach ---------------------------------------------------------------------------------- */

static void capable(void)
{
	struct device *dev = fake_begin();
	dma_addr_t handle = 0;

	dev->dma.mask = DMA_BIT_MASK(40);
	EXPECT(dma_capable(dev, 0x1000, 0x1000, &handle));
	EXPECT_EQ(0x1000, handle);
	EXPECT(dma_capable(dev, (1ULL << 40) - 0x1000, 0x1000, &handle));
	EXPECT_EQ((1ULL << 40) - 0x1000, handle);
	EXPECT(!dma_capable(dev, (1ULL << 40) - 0x1000, 0x1001, &handle));
	EXPECT(!dma_capable(dev, 1ULL << 40, 1, &handle));
	EXPECT(!dma_capable(dev, 0x1000, 0, &handle));
	EXPECT(!dma_capable(dev, 0x1000, SIZE_MAX, &handle));
	EXPECT_EQ((1ULL << 40) - 0x1000, handle);
	dev->dma.mask = DMA_BIT_MASK(64);
	EXPECT(dma_capable(dev, PHYS_ADDR_MAX - 0x1000, 0x1000, &handle));
	EXPECT(!dma_capable(dev, PHYS_ADDR_MAX - 0xfff, 0x1000, &handle)); /* its last byte is -1 */
	EXPECT(!dma_capable(dev, PHYS_ADDR_MAX - 0xfff, 0x1001, &handle)); /* wraps */
	fake_end();
}

static void windows(void)
{
	struct device *dev = fake_begin();
	dma_addr_t handle = 0;

	dev->dma.nr_windows = 2;
	dev->dma.window[0] =
		(struct dma_window){.cpu = 0x40000000, .bus = 0xc0000000, .size = 0x10000000};
	dev->dma.window[1] =
		(struct dma_window){.cpu = 0x200000000, .bus = 0x1000, .size = 0x100000};
	EXPECT(dma_capable(dev, 0x40000000, 0x10000000, &handle));
	EXPECT_EQ(0xc0000000, handle);
	EXPECT(dma_capable(dev, 0x4fffffff, 1, &handle));
	EXPECT_EQ(0xcfffffff, handle);
	EXPECT(dma_capable(dev, 0x2000ff000, 0x1000, &handle));
	EXPECT_EQ(0x100000, handle);
	EXPECT(!dma_capable(dev, 0x3fffffff, 2, &handle)); /* begins before it */
	EXPECT(!dma_capable(dev, 0x4fffffff, 2, &handle)); /* ends behind it */
	EXPECT(!dma_capable(dev, 0x50000000, 1, &handle));
	EXPECT(!dma_capable(dev, 0x1000, 1, &handle)); /* a bus address is no memory address */
	/* the mask is about the bus's addresses */
	dev->dma.mask = 0xc0000fff;
	EXPECT(dma_capable(dev, 0x40000000, 0x1000, &handle));
	EXPECT(!dma_capable(dev, 0x40000000, 0x1001, &handle));
	EXPECT(!dma_capable(dev, 0x40001000, 1, &handle));
	EXPECT(dma_capable(dev, 0x200000000, 0x100000, &handle));
	dev->dma.broken = true;
	EXPECT(!dma_capable(dev, 0x40000000, 1, &handle));
	fake_end();
}

/* Some machines have no memory below 4 GiB. */
static bool reached_by_32_bits(void)
{
	return memblock_start_of_DRAM() <= DMA_BIT_MASK(32);
}

/*
 * A mask that reaches no memory, as 28 bits do on these boards, is refused; nothing is allocated
 * for such a device.
 */
static void masks(void)
{
	struct device *dev = fake_begin();
	struct fake_state before;
	dma_addr_t handle = 0;

	EXPECT_EQ(0, dma_set_mask(dev, DMA_BIT_MASK(64)));
	EXPECT_EQ(reached_by_32_bits() ? 0 : -EIO, dma_set_mask(dev, DMA_BIT_MASK(32)));
	before = fake_state();
	EXPECT_EQ(-EIO, dma_set_mask(dev, memblock_start_of_DRAM() / 2));
	EXPECT_EQ(-EIO, dma_set_mask(dev, 0));
	EXPECT(fake_same(&before));
	EXPECT_EQ(reached_by_32_bits() ? 2 : 3,
		  fake_logged("dma-test fake: dma: mask", "reaches no memory"));
	dev->dma.mask = DMA_BIT_MASK(28);
	if (memblock_start_of_DRAM() > DMA_BIT_MASK(28)) {
		before = fake_state();
		EXPECT(!dma_alloc_coherent(dev, 64, &handle, GFP_KERNEL));
		EXPECT_EQ(DMA_MAPPING_ERROR, dma_map_single(dev, in_data, 64, DMA_TO_DEVICE));
		EXPECT_TEXT("none", dma_zone_name(dev));
		EXPECT(fake_same(&before));
	}
	/* a bus that shows memory at low addresses brings it within reach */
	dev->dma.nr_windows = 1;
	dev->dma.window[0] = (struct dma_window){
		.cpu = memblock_start_of_DRAM(), .bus = 0x8000000, .size = 0x8000000};
	EXPECT_EQ(0, dma_set_mask(dev, DMA_BIT_MASK(28)));
	EXPECT_EQ(-EIO, dma_set_mask(dev, DMA_BIT_MASK(27)));
	EXPECT_EQ(DMA_BIT_MASK(28), dev->dma.mask);
	fake_end();
}

/* ---- in place ------------------------------------------------------------------------------- */

static void in_place(void)
{
	struct device *dev = fake_begin();
	char *page = new_page(), on_stack[64];
	const struct {
		const void *addr;
		size_t size;
		enum dma_data_direction dir;
	} good[] = {
		{page, PAGE_SIZE, DMA_BIDIRECTIONAL},
		{page + 1, 7, DMA_FROM_DEVICE},
		{in_data, 64, DMA_FROM_DEVICE},
		{on_stack, 64, DMA_FROM_DEVICE},
		{constant, 64, DMA_TO_DEVICE},
		{(const void *)(uintptr_t)new_page, 16, DMA_TO_DEVICE},
	};

	for (size_t i = 0; page && i < sizeof(good) / sizeof(good[0]); i++) {
		void *addr = (void *)(uintptr_t)good[i].addr;
		dma_addr_t handle = dma_map_single(dev, addr, good[i].size, good[i].dir);

		if (!EXPECT_EQ(virt_to_phys(addr), handle))
			continue;
		EXPECT_EQ(good[i].size, dev->dma.mapped_bytes);
		EXPECT_EQ(0, dma_unmap_single(dev, handle, good[i].size, good[i].dir));
	}
	EXPECT_EQ(0, dev->dma.bounced);
	EXPECT_EQ(0, dev->dma.refused);
	fake_end();
	free_page((unsigned long)page);
}

/* What is no memory, or not the device's to write, is refused in one line each. */
static void not_memory(void)
{
	struct device *dev = fake_begin();
	struct fake_state before = fake_state();
	const struct device *bound = device_first();
	phys_addr_t end = memblock_end_of_DRAM();
	const struct {
		uintptr_t addr;
		size_t size;
		enum dma_data_direction dir;
	} bad[] = {
		{(uintptr_t)in_data, 0, DMA_TO_DEVICE},
		{0, 64, DMA_TO_DEVICE},
		{(uintptr_t)constant, 64, DMA_FROM_DEVICE},
		{(uintptr_t)constant, 64, DMA_BIDIRECTIONAL},
		{(uintptr_t)boot_info.fdt, 64, DMA_FROM_DEVICE},
		{(uintptr_t)end - 16, 17, DMA_TO_DEVICE},
		{(uintptr_t)end, 64, DMA_TO_DEVICE},
		{UINTPTR_MAX - 15, 32, DMA_TO_DEVICE},
		{(uintptr_t)in_data, SIZE_MAX, DMA_TO_DEVICE},
	};
	unsigned int lines = sizeof(bad) / sizeof(bad[0]);

	for (unsigned int i = 0; i < lines; i++)
		EXPECT_EQ(DMA_MAPPING_ERROR,
			  dma_map_single(dev, (void *)bad[i].addr, bad[i].size, bad[i].dir));
	for (; bound && !bound->reg; bound = bound->next)
		;
	if (bound && EXPECT_EQ(DMA_MAPPING_ERROR,
			       dma_map_single(dev, phys_to_virt(bound->reg), 4, DMA_TO_DEVICE)))
		lines++;
	EXPECT_EQ(lines, dev->dma.refused);
	EXPECT_EQ(lines, fake_logged("dma-test fake: dma: ", "not memory"));
	EXPECT(fake_same(&before));
	fake_end();
}

/* ---- bounce pages --------------------------------------------------------------------------- */

/* The page is out of the device's reach; everything else is within. */
static void bounce(void)
{
	struct device *dev = fake_begin();
	char *page = new_page(), *seen;
	phys_addr_t phys = virt_to_phys(page);
	dma_addr_t handle;

	if (!page)
		return;
	fake_hide(phys, phys + PAGE_SIZE);
	memset(page, 0x11, PAGE_SIZE);
	handle = dma_map_single(dev, page + 8, 1000, DMA_TO_DEVICE);
	EXPECT(!dma_mapping_error(dev, handle) && dma_capable(dev, handle, 1000, NULL));
	EXPECT(handle + 1000 <= phys || handle >= phys + PAGE_SIZE);
	EXPECT(all(seen_at(handle), 0x11, 1000));
	EXPECT_EQ(PAGE_SIZE, dev->dma.bounce_bytes);
	memset(seen_at(handle), 0x22, 1000); /* a device that writes what it should only read */
	EXPECT_EQ(0, dma_unmap_single(dev, handle, 1000, DMA_TO_DEVICE));
	EXPECT(all(page, 0x11, PAGE_SIZE));

	/* a short transfer changes what was transferred, and shows nobody else's memory */
	handle = dma_map_single(dev, page, 2000, DMA_FROM_DEVICE);
	seen = seen_at(handle);
	EXPECT(all(seen, 0x11, 2000));
	memset(seen, 0x33, 500);
	EXPECT(all(page, 0x11, PAGE_SIZE));
	dma_sync_single_for_cpu(dev, handle, 100, DMA_FROM_DEVICE);
	EXPECT(all(page, 0x33, 100) && all(page + 100, 0x11, 400));
	dma_sync_single_for_cpu(dev, handle + 200, 100, DMA_FROM_DEVICE);
	EXPECT(all(page + 100, 0x11, 100) && all(page + 200, 0x33, 100));
	EXPECT_EQ(0, dma_unmap_single(dev, handle, 2000, DMA_FROM_DEVICE));
	EXPECT(all(page, 0x33, 500) && all(page + 500, 0x11, PAGE_SIZE - 500));

	handle = dma_map_single(dev, page, PAGE_SIZE, DMA_BIDIRECTIONAL);
	seen = seen_at(handle);
	EXPECT(all(seen, 0x33, 500));
	memset(page, 0x44, PAGE_SIZE);
	dma_sync_single_for_device(dev, handle + 1000, 50, DMA_BIDIRECTIONAL);
	EXPECT(all(seen + 1000, 0x44, 50) && all(seen + 1050, 0x11, 100));
	memset(seen, 0x55, PAGE_SIZE);
	EXPECT_EQ(0, dma_unmap_single(dev, handle, PAGE_SIZE, DMA_BIDIRECTIONAL));
	EXPECT(all(page, 0x55, PAGE_SIZE));
	EXPECT_EQ(3, dev->dma.bounced);
	EXPECT_EQ(0, dev->dma.refused);
	fake_end();
	free_page((unsigned long)page);
}

/* One byte out of reach, at either end, is enough; and with bounce off it is refused. */
static void bounce_off(void)
{
	struct device *dev = fake_begin();
	char *block = (char *)__get_free_pages(GFP_KERNEL, 2);
	phys_addr_t phys = virt_to_phys(block);
	struct fake_state before;
	dma_addr_t handle;

	if (!EXPECT(block))
		return;
	fake_hide(phys + PAGE_SIZE, phys + 2 * PAGE_SIZE);
	dma_bounce = false;
	before = fake_state();
	EXPECT_EQ(DMA_MAPPING_ERROR, dma_map_single(dev, block, PAGE_SIZE + 1, DMA_TO_DEVICE));
	EXPECT_EQ(DMA_MAPPING_ERROR,
		  dma_map_single(dev, block + 2 * PAGE_SIZE - 1, 2, DMA_TO_DEVICE));
	EXPECT_EQ(2, dev->dma.refused);
	EXPECT_EQ(2, fake_logged("out of reach", "bounce is off"));
	EXPECT(fake_same(&before));
	handle = dma_map_single(dev, block, PAGE_SIZE, DMA_TO_DEVICE);
	EXPECT_EQ(phys, handle);
	EXPECT_EQ(0, dma_unmap_single(dev, handle, PAGE_SIZE, DMA_TO_DEVICE));
	dma_bounce = true;
	handle = dma_map_single(dev, block, PAGE_SIZE + 1, DMA_TO_DEVICE);
	EXPECT(!dma_mapping_error(dev, handle) && handle != phys);
	EXPECT_EQ(0, dma_unmap_single(dev, handle, PAGE_SIZE + 1, DMA_TO_DEVICE));
	fake_end();
	EXPECT_EQ(0, free_pages((unsigned long)block, 2));
}

/* A device of 32 bits and a buffer above 4 GiB. */
static void above_4g(void)
{
	struct device *dev;
	char *page;
	struct zone_info normal;
	dma_addr_t handle;
	bool low;

	if (!reached_by_32_bits()) { /* refused: masks() */
		test_skip("32 address bits reach no memory");
		return;
	}
	dev = fake_begin();
	page = new_page();
	/* on a board whose buses reach less, Normal begins below 4 GiB */
	mm_zone_info(ZONE_NORMAL, &normal);
	low = normal.present && !(PFN_PHYS(normal.start_pfn) >> 32);
	EXPECT_EQ(0, dma_set_mask(dev, DMA_BIT_MASK(32)));
	EXPECT_TEXT(low ? "Normal" : "DMA32", dma_zone_name(dev));
	if (page && virt_to_phys(page) >> 32) {
		memset(page, 0x66, PAGE_SIZE);
		handle = dma_map_single(dev, page, PAGE_SIZE, DMA_BIDIRECTIONAL);
		EXPECT_EQ(low || managed_pages_of(ZONE_DMA32) > 0, !dma_mapping_error(dev, handle));
		if (!dma_mapping_error(dev, handle)) {
			EXPECT_EQ(0, handle >> 32);
			EXPECT(all(seen_at(handle), 0x66, PAGE_SIZE));
			memset(seen_at(handle), 0x77, PAGE_SIZE);
			EXPECT_EQ(0, dma_unmap_single(dev, handle, PAGE_SIZE, DMA_BIDIRECTIONAL));
			EXPECT(all(page, 0x77, PAGE_SIZE));
			EXPECT_EQ(1, dev->dma.bounced);
		}
		dev->dma.mask = DMA_BIT_MASK(40);
		EXPECT_TEXT("Normal", dma_zone_name(dev));
		handle = dma_map_single(dev, page, PAGE_SIZE, DMA_BIDIRECTIONAL);
		EXPECT_EQ(virt_to_phys(page), handle);
		EXPECT_EQ(0, dma_unmap_single(dev, handle, PAGE_SIZE, DMA_BIDIRECTIONAL));
	} else {
		test_note("dma.above_4g: the allocator gives nothing above 4 GiB here");
	}
	fake_end();
	free_page((unsigned long)page);
}

/*
 * The request of pages that fails is the first (memory or copy), the second (the record): nothing
 * is mapped, and nothing is lost. With a third one nothing fails.
 */
static void no_memory(void)
{
	struct zone_info normal;
	struct device *dev;
	dma_addr_t handle;
	phys_addr_t phys;
	char *page;

	if (managed_pages_of(ZONE_DMA32) == 0) {
		test_skip("DMA32 has no pages");
		return;
	}
	dev = fake_begin();
	page = new_page();
	phys = virt_to_phys(page);
	if (!page)
		return;
	fake_hide(phys, phys + PAGE_SIZE);
	/* one zone, so no second attempt in another */
	mm_zone_info(ZONE_NORMAL, &normal);
	dev->dma.mask = DMA_BIT_MASK(32);
	if (normal.present && PFN_PHYS(normal.start_pfn) <= dev->dma.mask)
		dev->dma.mask = PFN_PHYS(normal.start_pfn) - 1;
	memset(page, 0x12, PAGE_SIZE);
	for (unsigned int every = 1; every <= 3; every++) {
		const struct mm_fail fail = {.every = every, .times = 1};
		struct fake_state before = fake_state();
		struct picture picture;
		void *cpu;

		picture_take(&picture);
		mm_set_fail(&fail);
		handle = dma_map_single(dev, page, 100, DMA_TO_DEVICE);
		EXPECT_EQ(every < 3, dma_mapping_error(dev, handle));
		EXPECT(every > 1 || fake_same(&before));
		if (every == 3)
			EXPECT_EQ(0, dma_unmap_single(dev, handle, 100, DMA_TO_DEVICE));
		EXPECT_EQ(0, dma_device_release(dev)); /* the record's page too */
		EXPECT_PICTURE(&picture);
		mm_set_fail(&fail);
		cpu = dma_alloc_coherent(dev, 5 * PAGE_SIZE, &handle, GFP_KERNEL);
		EXPECT_EQ(every < 3, !cpu);
		EXPECT(every > 1 || fake_same(&before));
		if (cpu)
			EXPECT_EQ(0, dma_free_coherent(dev, 5 * PAGE_SIZE, cpu, handle));
		EXPECT_EQ(0, dma_device_release(dev));
		EXPECT_PICTURE(&picture);
	}
	mm_set_fail(&(struct mm_fail){.every = 0});
	EXPECT_EQ(4, dev->dma.refused);
	EXPECT(all(page, 0x12, PAGE_SIZE));
	fake_end();
	free_page((unsigned long)page);
}

TEST_CASE(dma, capable, capable);
TEST_CASE(dma, windows, windows);
TEST_CASE(dma, masks, masks);
TEST_CASE(dma, in_place, in_place);
TEST_CASE(dma, not_memory, not_memory);
TEST_CASE(dma, bounce, bounce);
TEST_CASE(dma, bounce_off, bounce_off);
TEST_CASE(dma, above_4g, above_4g);
TEST_CASE(dma, no_memory, no_memory);
