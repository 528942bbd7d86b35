/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suite_dma_device.c: a driver that forgets its mappings, bound and removed as any other: the
 * framework of the drivers gives back what it left, also when its probe fails.
 */
#include "fake_device.h"
#include "ktap.h"
#include "pool.h"

#include <errno.h>

#include <quarry/mm.h>
#include <quarry/slab.h>

#include "boot/dt/of.h"

static char buffer[64];
static int result;    /* what the next probe returns */
static int requested; /* mappings that it made */

static int forgetful_probe(struct device *dev)
{
	dma_addr_t handle;

	requested = 0;
	requested += dma_set_mask(dev, DMA_BIT_MASK(64)) == 0 &&
		     dma_alloc_coherent(dev, 3 * PAGE_SIZE, &handle, GFP_KERNEL);
	requested += !dma_mapping_error(dev, dma_map_single(dev, buffer, 64, DMA_TO_DEVICE));
	return result;
}

static const char *const compatible[] = {"quarry,forgetful", NULL};

DRIVER(forgetful, "forgetful", DRIVER_ON_BUS, compatible, forgetful_probe, NULL, 0);

/* A parent that does look into the caches, so that there is a mapping on every machine. */
static struct device *coherent_parent(void)
{
	struct device *dev = device_first();

	while (dev && (!dev->dma.coherent || dev->dma.broken))
		dev = dev->next;
	return dev;
}

static void forgotten(void)
{
	struct device *parent = coherent_parent(), *dev;
	struct picture before;

	fake_begin(); /* its log lines are looked at */
	picture_take(&before);
	if (!parent) {
		test_note("dma.forgotten: no device of this machine is coherent");
		EXPECT_PICTURE(&before);
		fake_end();
		return;
	}
	result = 0;
	dev = device_create(parent, "bound", compatible[0], NULL, NULL);
	if (EXPECT(dev)) {
		EXPECT_EQ(2, requested);
		EXPECT_EQ(3 * PAGE_SIZE, dev->dma.coherent_bytes);
		EXPECT_EQ(64, dev->dma.mapped_bytes);
		EXPECT(dev->dma.coherent);
		device_remove(dev);
	}
	EXPECT_EQ(1, fake_logged("forgetful bound: dma: ", "2 mappings were left behind"));
	kmem_release();
	EXPECT_PICTURE(&before);
	result = -EIO;
	EXPECT(!device_create(parent, "failed", compatible[0], NULL, NULL));
	EXPECT_EQ(2, requested);
	EXPECT_EQ(1, fake_logged("forgetful failed: dma: ", "2 mappings were left behind"));
	kmem_release();
	EXPECT_PICTURE(&before);
	fake_end();
}

/* What a bound device reaches is what its node says. */
static void nodes(void)
{
	struct of_dma_range range[OF_DMA_MAX_RANGES];

	for (const struct device *dev = device_first(); dev; dev = dev->next) {
		int count = of_dma_ranges(dev->fdt, dev->node, range, OF_DMA_MAX_RANGES);

		EXPECT(dev->dma.mask);
		EXPECT_EQ(of_dma_is_coherent(dev->fdt, dev->node, dev->dma.coherent),
			  dev->dma.coherent);
		EXPECT_EQ(count < 0, dev->dma.broken);
		EXPECT_EQ(count < 0 ? 0 : count, dev->dma.nr_windows);
		for (int i = 0; i < count; i++) {
			EXPECT_EQ(range[i].bus, dev->dma.window[i].bus);
			EXPECT_EQ(range[i].cpu, dev->dma.window[i].cpu);
			EXPECT_EQ(range[i].size, dev->dma.window[i].size);
		}
	}
}

TEST_CASE(dma, forgotten, forgotten);
TEST_CASE(dma, nodes, nodes);
