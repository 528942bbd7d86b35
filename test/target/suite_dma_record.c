/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suite_dma_record.c: coherent memory, the record of mappings, lists, what is forgotten, many at
 * once.
 */
#include "fake_device.h"
#include "ktap.h"
#include "pool.h"

#include <errno.h>
#include <string.h>

#include <quarry/mm.h>
#include <quarry/port.h>

#include "boot/boot.h"
#include "boot/cpu/smp.h"
#include "drivers/timer/timer.h"

#define MAPPINGS 600 /* more than fit in any number of pages one would guess */

static char buffer[8192] __attribute__((aligned(4096)));

/* ---- coherent memory ------------------------------------------------------------------------ */

static void coherent(void)
{
	static const size_t sizes[] = {1, PAGE_SIZE, PAGE_SIZE + 1, 5 * PAGE_SIZE, 65536};
	struct device *dev = fake_begin();
	dma_addr_t handle[5];
	char *cpu[5];
	uint64_t held = 0;

	EXPECT_EQ(0, dma_set_mask(dev, DMA_BIT_MASK(managed_pages_of(ZONE_DMA32) ? 32 : 64)));
	for (unsigned int i = 0; i < 5; i++) {
		cpu[i] = dma_alloc_coherent(dev, sizes[i], &handle[i],
					    i % 2 ? GFP_KERNEL : GFP_ATOMIC);
		if (!EXPECT(cpu[i]))
			return;
		EXPECT_EQ(virt_to_phys(cpu[i]), handle[i]);
		EXPECT(dma_capable(dev, handle[i], sizes[i], NULL));
		EXPECT_EQ(0, handle[i] % PAGE_SIZE);
		EXPECT(all_zero(cpu[i], ALIGN_UP(sizes[i], PAGE_SIZE)));
		memset(cpu[i], 0xff, sizes[i]);
		held += ALIGN_UP(sizes[i], PAGE_SIZE);
		EXPECT_EQ(held, dev->dma.coherent_bytes);
	}
	/* nothing but the call that mirrors the allocation is accepted */
	struct fake_state before = fake_state();

	EXPECT_EQ(-EINVAL, dma_free_coherent(dev, sizes[3] + 1, cpu[3], handle[3]));
	EXPECT_EQ(-EINVAL, dma_free_coherent(dev, sizes[3], cpu[3] + 1, handle[3]));
	EXPECT_EQ(-EINVAL, dma_free_coherent(dev, sizes[3], NULL, handle[3]));
	EXPECT_EQ(-EINVAL, dma_free_coherent(dev, sizes[3], cpu[3], handle[3] + 16));
	EXPECT_EQ(-EINVAL, dma_unmap_single(dev, handle[3], sizes[3], DMA_BIDIRECTIONAL));
	EXPECT_EQ(4, fake_logged("dma: free of coherent memory", "refused"));
	EXPECT_EQ(1, fake_logged("dma: unmap", "no such mapping: refused"));
	EXPECT(fake_same(&before));
	for (unsigned int i = 5; i-- > 0;)
		EXPECT_EQ(0, dma_free_coherent(dev, sizes[i], cpu[i], handle[i]));
	EXPECT_EQ(-EINVAL, dma_free_coherent(dev, sizes[0], cpu[0], handle[0]));
	EXPECT(!dma_alloc_coherent(dev, 0, &handle[0], GFP_KERNEL));
	EXPECT(!dma_alloc_coherent(dev, (PAGE_SIZE << MAX_PAGE_ORDER) + 1, &handle[0], GFP_KERNEL));
	fake_end();
}

#define OTHERS 200

/*
 * Only one page is within reach: it is found whatever else is free, and without it nothing changes.
 */
static void search(void)
{
	static struct page *other[OTHERS];
	struct device *dev = fake_begin();
	char *page = (char *)__get_free_page(GFP_KERNEL);
	unsigned long others;
	struct picture before;
	dma_addr_t handle;

	if (!EXPECT(page))
		return;
	dev->dma.nr_windows = 1;
	dev->dma.window[0] =
		(struct dma_window){.cpu = virt_to_phys(page), .bus = 0x1000, .size = PAGE_SIZE};
	picture_take(&before);
	EXPECT(!dma_alloc_coherent(dev, PAGE_SIZE, &handle, GFP_KERNEL));
	EXPECT_EQ(DMA_MAPPING_ERROR, dma_map_single(dev, buffer, 64, DMA_TO_DEVICE));
	EXPECT_EQ(1, fake_logged("dma: ", "no bounce pages within reach"));
	EXPECT_PICTURE(&before);
	handle = dma_map_single(dev, page, PAGE_SIZE, DMA_FROM_DEVICE);
	EXPECT_EQ(0x1000, handle);
	EXPECT_EQ(0, dma_unmap_single(dev, handle, PAGE_SIZE, DMA_FROM_DEVICE));
	/* given back before many others, it is far from being the next that the allocator hands out */
	others = alloc_pages_bulk(GFP_KERNEL, OTHERS, other);
	free_page((unsigned long)page);
	while (others > 0)
		__free_page(other[--others]);
	page = dma_alloc_coherent(dev, PAGE_SIZE, &handle, GFP_KERNEL);
	if (EXPECT(page)) {
		EXPECT_EQ(0x1000, handle);
		EXPECT_EQ(0, dma_free_coherent(dev, PAGE_SIZE, page, handle));
	}
	fake_end();
}

/* ---- the record ----------------------------------------------------------------------------- */

/* The i-th mapping: all handles differ, sizes and directions vary. */
static char *where(unsigned int i)
{
	return buffer + i * 13;
}

static size_t length(unsigned int i)
{
	return 1 + i % 97;
}

static enum dma_data_direction direction(unsigned int i)
{
	return (enum dma_data_direction)(i % 3);
}

static void record(void)
{
	struct device *dev = fake_begin();
	dma_addr_t handle;
	struct fake_state before;
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < MAPPINGS; i++) {
		handle = dma_map_single(dev, where(i), length(i), direction(i));
		if (!EXPECT_EQ(virt_to_phys(where(i)), handle))
			return;
		bytes += length(i);
	}
	EXPECT_EQ(bytes, dev->dma.mapped_bytes);
	/* the same buffer once more is a mapping of its own */
	handle = dma_map_single(dev, where(7), length(7), direction(7));
	EXPECT_EQ(0, dma_unmap_single(dev, handle, length(7), direction(7)));
	before = fake_state();
	EXPECT_EQ(-EINVAL, dma_unmap_single(dev, handle, length(7) + 1, direction(7)));
	EXPECT_EQ(-EINVAL, dma_unmap_single(dev, handle, length(7), direction(8)));
	EXPECT_EQ(-EINVAL, dma_unmap_single(dev, handle + 1, length(7), direction(7)));
	EXPECT_EQ(-EINVAL, dma_unmap_single(dev, DMA_MAPPING_ERROR, 1, DMA_TO_DEVICE));
	EXPECT_EQ(-EINVAL, dma_free_coherent(dev, length(7), where(7), handle));
	EXPECT(fake_same(&before));
	EXPECT_EQ(2, fake_logged("dma: unmap", "not as it was mapped: refused"));
	EXPECT_EQ(2, fake_logged("dma: unmap", "no such mapping: refused"));
	dma_sync_single_for_cpu(dev, virt_to_phys(buffer) - 1, 1, DMA_FROM_DEVICE);
	EXPECT_EQ(1, fake_logged("dma: sync", "no such mapping: refused"));
	for (unsigned int n = 0; n < MAPPINGS; n++) {
		unsigned int i = n * 389 % MAPPINGS; /* every one, in no order */

		EXPECT_EQ(0,
			  dma_unmap_single(dev, virt_to_phys(where(i)), length(i), direction(i)));
	}
	EXPECT_EQ(-EINVAL, dma_unmap_single(dev, handle, length(7), direction(7)));
	fake_end();
}

static void lists(void)
{
	struct device *dev = fake_begin();
	struct scatterlist sg[4];
	char *page = (char *)__get_free_page(GFP_KERNEL);
	phys_addr_t phys = virt_to_phys(page);
	struct fake_state before;

	if (!EXPECT(page))
		return;
	fake_hide(phys, phys + PAGE_SIZE);
	memset(page, 0x21, PAGE_SIZE);
	for (unsigned int i = 0; i < 4; i++)
		sg[i] = (struct scatterlist){.addr = buffer + 100 * i, .length = 100};
	sg[1].addr = page;
	EXPECT_EQ(4, dma_map_sg(dev, sg, 4, DMA_BIDIRECTIONAL));
	EXPECT_EQ(virt_to_phys(buffer), sg[0].dma_address);
	EXPECT(sg[1].dma_address != phys && sg[1].dma_length == 100);
	EXPECT_EQ(400, dev->dma.mapped_bytes);
	memset(phys_to_virt(sg[1].dma_address), 0x43, 100);
	/* one wrong entry, and none is unmapped */
	before = fake_state();
	sg[3].dma_length++;
	EXPECT_EQ(-EINVAL, dma_unmap_sg(dev, sg, 4, DMA_BIDIRECTIONAL));
	sg[3].dma_length--;
	EXPECT(fake_same(&before) && page[0] == 0x21);
	EXPECT_EQ(0, dma_unmap_sg(dev, sg, 4, DMA_BIDIRECTIONAL));
	EXPECT(page[0] == 0x43 && page[99] == 0x43 && page[100] == 0x21);
	EXPECT_EQ(-EINVAL, dma_unmap_sg(dev, sg, 4, DMA_BIDIRECTIONAL));
	/* one that cannot be mapped, and none is */
	before = fake_state();
	sg[3].addr = NULL;
	EXPECT_EQ(0, dma_map_sg(dev, sg, 4, DMA_TO_DEVICE));
	before.dma.bounced++;
	EXPECT(fake_same_dma(&before));
	EXPECT_EQ(0, dma_map_sg(dev, sg, 0, DMA_TO_DEVICE));
	EXPECT_EQ(0, dma_map_sg(dev, sg, -1, DMA_TO_DEVICE));
	fake_end();
	free_page((unsigned long)page);
}

/*
 * What a driver forgot is given back when its device goes; the framework of the suites looks for
 * what is not.
 */
static void leak(void)
{
	struct device *dev = fake_begin();
	char *page = (char *)__get_free_page(GFP_KERNEL);
	dma_addr_t handle;

	if (!EXPECT(page))
		return;
	fake_hide(virt_to_phys(page), virt_to_phys(page) + PAGE_SIZE);
	EXPECT(!dma_mapping_error(dev, dma_map_single(dev, page, 3000, DMA_FROM_DEVICE)));
	EXPECT(!dma_mapping_error(dev, dma_map_single(dev, buffer, 30, DMA_TO_DEVICE)));
	EXPECT(dma_alloc_coherent(dev, 3 * PAGE_SIZE, &handle, GFP_KERNEL));
	memset(page, 0x5a, PAGE_SIZE);
	EXPECT_EQ(3, dma_device_release(dev));
	/* nobody copies into a buffer whose owner may be gone */
	EXPECT_EQ(0x5a, page[0]);
	EXPECT_EQ(0, dma_device_release(dev));
	fake_end();
	free_page((unsigned long)page);
}

/*
 * A device that could not be stopped: what it was given is not taken back from it, neither now nor when it goes, and it
 * is given nothing more. The case knows better, and gives it back.
 */
static void lost(void)
{
	struct device *dev = fake_begin();
	char *page = (char *)__get_free_page(GFP_KERNEL), *coherent;
	dma_addr_t in_place, bounced, handle;

	if (!EXPECT(page))
		return;
	fake_hide(virt_to_phys(page), virt_to_phys(page) + PAGE_SIZE);
	bounced = dma_map_single(dev, page, 3000, DMA_FROM_DEVICE);
	in_place = dma_map_single(dev, buffer, 30, DMA_TO_DEVICE);
	coherent = dma_alloc_coherent(dev, 3 * PAGE_SIZE, &handle, GFP_KERNEL);
	EXPECT(!dma_mapping_error(dev, bounced) && !dma_mapping_error(dev, in_place) && coherent);
	memset(page, 0x5a, PAGE_SIZE);
	dma_device_lost(dev);
	EXPECT_EQ(0, dma_unmap_single(dev, bounced, 3000, DMA_FROM_DEVICE));
	EXPECT_EQ(0, dma_unmap_single(dev, in_place, 30, DMA_TO_DEVICE));
	EXPECT_EQ(0, dma_free_coherent(dev, 3 * PAGE_SIZE, coherent, handle));
	EXPECT_EQ(-EINVAL, dma_unmap_single(dev, bounced, 3001, DMA_FROM_DEVICE));
	EXPECT_EQ(0x5a, page[0]);
	EXPECT_EQ(DMA_MAPPING_ERROR, dma_map_single(dev, buffer, 30, DMA_TO_DEVICE));
	EXPECT(!dma_alloc_coherent(dev, 64, &handle, GFP_KERNEL));
	EXPECT_EQ(2, fake_logged("dma-test fake: dma: ", "could not be stopped"));
	EXPECT_EQ(0, dma_device_release(dev));
	EXPECT_EQ(4, dev->dma.kept);
	fake_end();
	/* freed twice, they would be refused */
	EXPECT_EQ(0, free_pages_exact(coherent, 3 * PAGE_SIZE));
	EXPECT_EQ(0, free_page((unsigned long)phys_to_virt(bounced)));
	free_page((unsigned long)page);
}

/* ---- at once -------------------------------------------------------------------------------- */

static struct device *shared;
static uint64_t errors; /* atomic */
static uint64_t until;	/* machine_ticks() */

/* Half of them through bounce pages: the second page of the buffer is out of reach. */
static void map_and_unmap(size_t offset)
{
	dma_addr_t handle[8];

	for (unsigned int i = 0; i < 8; i++)
		handle[i] = dma_map_single(shared, buffer + i * 1000 + offset, 8, DMA_TO_DEVICE);
	for (unsigned int i = 0; i < 8; i++)
		if (dma_mapping_error(shared, handle[i]) ||
		    dma_unmap_single(shared, handle[i], 8, DMA_TO_DEVICE) != 0)
			__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED);
}

static void on_tick(void *arg)
{
	(void)arg;
	map_and_unmap(16);
}

static void on_cpu(void *arg)
{
	do
		map_and_unmap((uintptr_t)arg);
	while (machine_ticks() < until);
}

/* Every CPU, and an interrupt on this one, map and unmap for one device. */
static void at_once(void)
{
	shared = fake_begin();
	fake_hide(virt_to_phys(buffer) + PAGE_SIZE, virt_to_phys(buffer) + 2 * PAGE_SIZE);
	errors = 0;
	until = machine_ticks() + boot_info.timebase_hz / 2;
	if (timer_hz())
		EXPECT_EQ(0, timer_set(NSEC_PER_MSEC / 4, true, on_tick, NULL));
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++)
		if (smp_online(cpu))
			EXPECT_EQ(0, smp_call(cpu, on_cpu, (void *)(uintptr_t)(32 + 8 * cpu)));
	on_cpu(NULL);
	for (unsigned int cpu = 1; cpu < smp_nr_cpus(); cpu++)
		smp_wait(cpu);
	timer_set(0, false, NULL, NULL);
	EXPECT_EQ(0, errors);
	EXPECT_EQ(0, shared->dma.refused);
	fake_end();
}

TEST_CASE(dma, coherent, coherent);
TEST_CASE(dma, search, search);
TEST_CASE(dma, record, record);
TEST_CASE(dma, lists, lists);
TEST_CASE(dma, leak, leak);
TEST_CASE(dma, lost, lost);
TEST_CASE(dma, at_once, at_once);
