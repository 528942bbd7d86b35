/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suite_dma_area.c: coherent memory from areas for contiguous allocations: more than the page allocator
 * has in one block, and that of a device with an area of its own.
 */
#include "fake_device.h"
#include "ktap.h"
#include "pool.h"

#include <errno.h>
#include <libfdt.h>
#include <string.h>

#include <quarry/cma.h>
#include <quarry/mm.h>

#define LARGE ((PAGE_SIZE << MAX_PAGE_ORDER) + 1)

static struct cma_info info_of(const struct cma *area)
{
	struct cma_info info = {0};

	for (unsigned int n = 0; cma_get_info(n, &info); n++)
		if (cma_at(n) == area)
			break;
	return info;
}

static bool in_area(const struct cma *area, phys_addr_t phys)
{
	struct cma_info info = info_of(area);

	return phys - info.base < (phys_addr_t)info.pages << PAGE_SHIFT;
}

static void from_area(struct device *dev, struct cma *area, size_t size)
{
	dma_addr_t handle = 0;
	char *cpu = dma_alloc_coherent(dev, size, &handle, GFP_KERNEL);
	unsigned long bytes = ALIGN_UP(size, PAGE_SIZE);

	if (!EXPECT(cpu))
		return;
	EXPECT(in_area(area, handle) && in_area(area, handle + size - 1));
	EXPECT_EQ(bytes / PAGE_SIZE, info_of(area).used);
	EXPECT_EQ(bytes, dev->dma.coherent_bytes);
	EXPECT(all_zero(cpu, bytes));
	memset(cpu, 0xff, size);
	EXPECT_EQ(-EINVAL, dma_free_coherent(dev, size + PAGE_SIZE, cpu, handle));
	EXPECT_EQ(bytes / PAGE_SIZE, info_of(area).used);
	EXPECT_EQ(0, dma_free_coherent(dev, size, cpu, handle));
	EXPECT_EQ(0, info_of(area).used);
}

static void large(struct cma *area)
{
	struct device *dev = fake_begin();
	dma_addr_t handle;

	from_area(dev, area, LARGE);
	EXPECT(!dma_alloc_coherent(dev, LARGE, &handle, GFP_ATOMIC)); /* may not wait */
	EXPECT(!dma_alloc_coherent(dev, SIZE_MAX, &handle, GFP_KERNEL));
	EXPECT(!dma_alloc_coherent(dev, SIZE_MAX / 2, &handle, GFP_KERNEL));
	dev->dma.mask = info_of(area).base + LARGE / 2; /* out of reach */
	EXPECT(!dma_alloc_coherent(dev, LARGE, &handle, GFP_KERNEL));
	EXPECT_EQ(0, info_of(area).used);
	fake_end();
	/* a device that goes without a word */
	dev = fake_begin();
	EXPECT(dma_alloc_coherent(dev, LARGE, &handle, GFP_KERNEL));
	EXPECT_EQ(1, dma_device_release(dev));
	EXPECT_EQ(0, info_of(area).used);
	fake_end();
}

/* The harness's tree has such a device. */
static void own(void)
{
	struct device *dev = fake_begin();
	int node = fdt_path_offset(dev->fdt, "/area-user");

	EXPECT(!dev->dma.area);
	if (node >= 0) {
		dev->node = node;
		dma_device_init(dev);
		dev->dma.coherent = true;
		if (EXPECT(dev->dma.area && dev->dma.area != cma_default()))
			from_area(dev, dev->dma.area, 1);
	}
	fake_end();
}

static void area(void)
{
	struct cma *area = cma_default();

	if (!area) {
		test_skip("no default area");
		return;
	}
	test_areas_release();
	large(area);
	own();
	test_areas_hold();
}
TEST_CASE(dma, area, area);
