/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suite_dma_cache.c: devices that do not look into the CPU's caches. The emulator has no caches, so what
 * is tested is what is done about them: which buffers are handed over in place, and how memory
 * is mapped.
 */
#include "fake_device.h"
#include "ktap.h"

#include <errno.h>
#include <string.h>

#include <quarry/mm.h>
#include <quarry/port.h>

#include "boot/mmu/cache.h"
#include "boot/mmu/mmu.h"

static char buffer[8192] __attribute__((aligned(4096)));

static unsigned int flags_at(const void *addr)
{
	return pgtable_lookup(mmu_pgtable(), virt_to_phys(addr)).flags;
}

static void maintain(struct device *dev, size_t line)
{
	struct fake_state before;
	dma_addr_t handle;

	memset(buffer, 0x31, sizeof(buffer));
	handle = dma_map_single(dev, buffer + 1, 100, DMA_TO_DEVICE);
	EXPECT_EQ(virt_to_phys(buffer + 1), handle);
	EXPECT_EQ(0, dma_unmap_single(dev, handle, 100, DMA_TO_DEVICE));
	handle = dma_map_single(dev, buffer + line, line, DMA_FROM_DEVICE);
	EXPECT_EQ(virt_to_phys(buffer + line), handle);
	EXPECT_EQ(0, dma_unmap_single(dev, handle, line, DMA_FROM_DEVICE));
	EXPECT_EQ(0, dev->dma.bounced);
	/* a line shared with something else is not handed over in place */
	handle = dma_map_single(dev, buffer + line, line + 1, DMA_FROM_DEVICE);
	EXPECT(!dma_mapping_error(dev, handle) && handle != virt_to_phys(buffer + line));
	memset(phys_to_virt(handle), 0x32, line + 1);
	EXPECT_EQ(0, dma_unmap_single(dev, handle, line + 1, DMA_FROM_DEVICE));
	EXPECT(buffer[line - 1] == 0x31 && buffer[line] == 0x32 && buffer[2 * line] == 0x32 &&
	       buffer[2 * line + 1] == 0x31);
	EXPECT_EQ(1, dev->dma.bounced);
	dma_bounce = false;
	before = fake_state();
	EXPECT_EQ(DMA_MAPPING_ERROR, dma_map_single(dev, buffer + 1, line, DMA_BIDIRECTIONAL));
	EXPECT_EQ(1, fake_logged("not whole cache lines", "bounce is off"));
	EXPECT(fake_same(&before));
	dma_bounce = true;
}

/*
 * Uncached memory is the same memory at a second address, which is gone afterwards, and its
 * tables too.
 */
static void uncached(struct device *dev)
{
	unsigned long tables = mmu_pgtable()->pages;
	dma_addr_t handle[3];
	char *cpu[3], *cached;
	const char *name;
	unsigned int refused = 0;

	for (unsigned int i = 0; i < 3; i++) {
		cpu[i] = dma_alloc_coherent(dev, (2 * i + 1) * PAGE_SIZE, &handle[i], GFP_KERNEL);
		if (!EXPECT(cpu[i]))
			return;
		cached = phys_to_virt(handle[i]);
		EXPECT_EQ(handle[i] + mmu_uncached_offset(), virt_to_phys(cpu[i]));
		EXPECT_EQ(PG_READ | PG_WRITE | PG_UNCACHED, flags_at(cpu[i]));
		EXPECT_EQ(handle[i], pgtable_lookup(mmu_pgtable(), virt_to_phys(cpu[i])).output);
		EXPECT_EQ(PG_READ | PG_WRITE, flags_at(cached));
		name = mmu_describe(virt_to_phys(cpu[i]), NULL);
		EXPECT_TEXT("uncached memory", name ? name : "nothing known");
		EXPECT(all_zero(cpu[i], (2 * i + 1) * PAGE_SIZE));
		cpu[i][PAGE_SIZE - 1] = 0x3c;
		cache_invalidate(cached, PAGE_SIZE);
		EXPECT_EQ(0x3c, cached[PAGE_SIZE - 1]);
	}
	EXPECT_EQ(-EINVAL, dma_free_coherent(dev, PAGE_SIZE, phys_to_virt(handle[0]), handle[0]));
	for (unsigned int i = 0; i < 3; i++) {
		EXPECT_EQ(0, dma_free_coherent(dev, (2 * i + 1) * PAGE_SIZE, cpu[i], handle[i]));
		EXPECT_EQ(0, flags_at(cpu[i]));
	}
	EXPECT_EQ(tables, mmu_pgtable()->pages);
	/* the pages, each of the tables, the record: whichever there is no page for */
	for (unsigned int every = 1; every <= 5; every++) {
		mm_set_fail(&(struct mm_fail){.every = every, .times = 1});
		cpu[0] = dma_alloc_coherent(dev, PAGE_SIZE, &handle[0], GFP_KERNEL);
		mm_set_fail(&(struct mm_fail){.every = 0});
		refused += cpu[0] ? 0 : 1;
		if (cpu[0])
			EXPECT_EQ(0, dma_free_coherent(dev, PAGE_SIZE, cpu[0], handle[0]));
		EXPECT_EQ(tables, mmu_pgtable()->pages);
	}
	EXPECT_LE(refused, 3);
}

static void not_coherent(void)
{
	struct device *dev = fake_begin();
	const char *why;
	size_t line = cache_line(&why);
	dma_addr_t handle;

	dev->dma.coherent = false;
	if (line) {
		maintain(dev, line);
	} else {
		EXPECT_EQ(DMA_MAPPING_ERROR, dma_map_single(dev, buffer, 4096, DMA_TO_DEVICE));
		EXPECT_EQ(1, fake_logged("dma-test fake: dma: ", why));
	}
	if (line && mmu_uncached_offset())
		uncached(dev);
	else
		EXPECT(!dma_alloc_coherent(dev, 64, &handle, GFP_KERNEL));
	fake_end();
}

TEST_CASE(dma, not_coherent, not_coherent);
