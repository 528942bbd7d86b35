/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_device.c: see fake_device.h.
 */
#include "fake_device.h"
#include "ktap.h"

#include <quarry/mm.h>
#include <quarry/port.h>
#include <string.h>

#include "boot/boot.h"

#define MARKER "fake device: begin"

static const struct driver driver = {.name = "dma-test"};
static struct device dev;
static const char *wanted[2];
static unsigned int seen;

struct device *fake_begin(void)
{
	memset(&dev, 0, sizeof(dev));
	dev.driver = &driver;
	dev.fdt = boot_info.fdt;
	dev.node = 0;
	dev.name = "fake";
	dma_device_init(&dev);
	dev.dma.mask = DMA_BIT_MASK(64);
	dev.dma.coherent = true;
	dma_bounce = true;
	log_set_console(false);
	port_log(MARKER);
	return &dev;
}

void fake_end(void)
{
	log_set_console(true);
	dma_bounce = true;
	EXPECT_EQ(0, dev.dma.coherent_bytes);
	EXPECT_EQ(0, dev.dma.mapped_bytes);
	EXPECT_EQ(0, dev.dma.bounce_bytes);
	EXPECT_EQ(0, dma_device_release(&dev));
}

void fake_hide(phys_addr_t start, phys_addr_t end)
{
	dev.dma.nr_windows = 2;
	dev.dma.window[0] = (struct dma_window){.cpu = 0, .bus = 0, .size = start};
	dev.dma.window[1] = (struct dma_window){.cpu = end, .bus = end, .size = (1ULL << 56) - end};
}

static void look_at(const char *line)
{
	if (strstr(line, MARKER))
		seen = 0;
	seen += strstr(line, wanted[0]) && strstr(line, wanted[1]);
}

unsigned int fake_logged(const char *part, const char *other)
{
	wanted[0] = part;
	wanted[1] = other;
	log_dump(look_at);
	return seen;
}

struct fake_state fake_state(void)
{
	struct fake_state state = {.dma = dev.dma};

	drain_all_pages();
	state.hash = mm_state_hash();
	state.dma.refused = 0;
	return state;
}

bool fake_same_dma(const struct fake_state *before)
{
	struct device_dma now = dev.dma;

	now.refused = 0;
	return memcmp(&now, &before->dma, sizeof(now)) == 0;
}

bool fake_same(const struct fake_state *before)
{
	return fake_same_dma(before) && fake_state().hash == before->hash;
}
