/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_its.h: an ITS and a redistributor made up from IHI0069, chapters 5 and 12, for test_its.c:
 * the ITS executes the commands it finds in its queue, in the order and with the meaning that 5.3
 * gives them, and refuses those that make no sense.
 */
#ifndef TEST_HOST_FAKE_ITS_H
#define TEST_HOST_FAKE_ITS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/host/port_host.h"
#include "test/host/drivers/fake_io.h"

static uint64_t readq(const volatile void *reg);
static void writeq(uint64_t value, volatile void *reg);
static void io_barrier(void);

/* the sources themselves: they are not among the objects that every host test links */
#include "drivers/irqchip/its.c"
#include "drivers/irqchip/its_tables.c"

#include "test/host/boot/tree.h"

#define ITS_ADDR    0x8080000ULL
#define ENTRY_BYTES 8
#define MODEL_IDS   64 /* ids and events that the model knows */
#define MODEL_LPIS  ITS_LPIS

static struct {
	uint64_t typer, cbaser, cwriter, creadr, baser[NR_BASERS], propbaser, pendbaser;
	uint32_t ctlr, redist_ctlr;
	/* what it was told */
	bool collection, synced;
	struct {
		uint64_t itt;
		unsigned int events; /* 0: not mapped */
		uint32_t lpi[ITS_EVENTS];
	} device[MODEL_IDS];
	bool enabled[MODEL_LPIS]; /* the redistributor's copy of the properties */
	unsigned int commands;
	/* how it misbehaves */
	unsigned int stall_at; /* it stops at this command */
	uint64_t page_size;    /* the only one of its tables, as the register has it */
	bool not_shareable, restless, sticky_lpis, no_lpis;
	unsigned int allocations_left;
	/* what the driver did */
	unsigned int blocks, low_blocks, cleaned, lost, lines, calls;
	void (*lpi)(uint32_t irq);
	bool no_gicv3;
} model;

static _Alignas(64) char page[PAGE_SIZE];
static struct device *const dev = (struct device *)page;
static struct its *const its = (struct its *)(page + DEVICE_PRIV_OFFSET);
static char space[GITS_SIZE], redist[0x10000];
static char *blocks[8];

static void io_barrier(void)
{
}

/* One command; false: it makes no sense, and the ITS stops there. */
static bool execute(const uint64_t *c)
{
	uint32_t id = (uint32_t)(c[0] >> 32), event = (uint32_t)c[1];
	bool known = id < MODEL_IDS && model.device[id].events > event;
	uint32_t lpi;

	if (++model.commands == model.stall_at)
		return false;
	model.synced = false;
	switch (c[0] & 0xff) {
	case 0x09: /* MAPC: collection 0 to the redistributor with number 5 */
		model.collection = c[2] >> 63;
		return (c[2] & 0xffff) == 0 && (c[2] >> 16 & 0xffffffff) == 5;
	case 0x0d: /* INVALL */
		return model.collection && (c[2] & 0xffff) == 0;
	case 0x05: /* SYNC */
		model.synced = true;
		return (c[2] >> 16 & 0xffffffff) == 5;
	case 0x08: /* MAPD */
		if (id >= MODEL_IDS || c[2] & 0xff)
			return false;
		model.device[id].events = c[2] >> 63 ? 2U << (c[1] & 31) : 0;
		model.device[id].itt = c[2] & 0x000fffffffffff00ULL;
		memset(model.device[id].lpi, 0, sizeof(model.device[id].lpi));
		return true;
	case 0x0a: /* MAPTI */
		if (!known || !model.collection || (c[2] & 0xffff) != 0)
			return false;
		model.device[id].lpi[event] = (uint32_t)(c[1] >> 32);
		return true;
	case 0x0f: /* DISCARD */
		if (!known || !model.device[id].lpi[event])
			return false;
		model.device[id].lpi[event] = 0;
		return true;
	case 0x0c: /* INV: the copy of the property is read anew */
		lpi = known ? model.device[id].lpi[event] : 0;
		if (!lpi)
			return false;
		assert_int_equal(its->shared->property[lpi - 8192] & 0xfe, 0xa2);
		model.enabled[lpi - 8192] = its->shared->property[lpi - 8192] & 1;
		return true;
	}
	return false;
}

static void run_queue(void)
{
	const char *queue = (const char *)(uintptr_t)(model.cbaser & 0x000ffffffffff000ULL);

	assert_true(model.ctlr & 1 && model.cbaser >> 63);
	assert_int_equal(model.cbaser & 0xffff & ~0xfffULL, 0); /* 64 KiB */
	while (model.creadr != model.cwriter) {
		if (!execute((const uint64_t *)(const void *)(queue + model.creadr))) {
			model.creadr |= 1;
			return;
		}
		model.creadr = (model.creadr + 32) % 4096;
	}
}

/* A device writes event's number to the translation register: does the CPU get an LPI? */
static bool message(uint32_t id, uint32_t event)
{
	uint32_t lpi =
		id < MODEL_IDS && event < model.device[id].events ? model.device[id].lpi[event] : 0;

	if (!lpi || !model.enabled[lpi - 8192] || !(model.redist_ctlr & 1))
		return false;
	model.lpi(lpi);
	return true;
}

static size_t offset_of(const volatile void *reg, bool *of_redist)
{
	uintptr_t addr = (uintptr_t)reg;

	*of_redist = addr - (uintptr_t)redist < sizeof(redist);
	return addr - (uintptr_t)(*of_redist ? redist : space);
}

static uint64_t readq(const volatile void *reg)
{
	bool of_redist;
	size_t at = offset_of(reg, &of_redist);

	if (of_redist)
		return at == GICR_PROPBASER ? model.propbaser : model.pendbaser;
	switch (at) {
	case GITS_TYPER:
		return model.typer;
	case GITS_CBASER:
		return model.cbaser;
	case GITS_CREADR:
		return model.creadr;
	}
	assert_true(at >= GITS_BASER(0) && at < GITS_BASER(NR_BASERS));
	return model.baser[(at - GITS_BASER(0)) / 8];
}

static uint64_t shareable(uint64_t value)
{
	return model.not_shareable ? value & ~SHAREABLE_MASK : value;
}

static void writeq(uint64_t value, volatile void *reg)
{
	const uint64_t fixed = (uint64_t)BASER_TYPE_MASK << 56 | (uint64_t)BASER_ENTRY_MASK << 48;
	bool of_redist;
	size_t at = offset_of(reg, &of_redist);

	if (of_redist) {
		assert_false(model.redist_ctlr & 1); /* read-only while LPIs are on */
		*(at == GICR_PROPBASER ? &model.propbaser : &model.pendbaser) = shareable(value);
	} else if (at == GITS_CWRITER) {
		model.cwriter = value;
		if (model.ctlr & 1)
			run_queue();
	} else if (at == GITS_CBASER) {
		assert_false(model.ctlr & 1);
		model.cbaser = shareable(value);
		model.creadr = 0;
	} else {
		uint64_t *baser = &model.baser[(at - GITS_BASER(0)) / 8];

		assert_false(model.ctlr & 1);
		*baser = (*baser & fixed) | (shareable(value) & ~fixed & ~(3ULL << 8)) |
			 model.page_size << 8;
	}
}

static uint32_t io_read(const volatile void *reg, unsigned int width)
{
	bool of_redist;
	size_t at = offset_of(reg, &of_redist);

	assert_int_equal(width, 4);
	if (of_redist && at == GICR_TYPER)
		return 5 << 8 | !model.no_lpis;
	if (of_redist)
		return model.redist_ctlr;
	assert_int_equal(at, GITS_CTLR);
	return model.ctlr | (model.ctlr & 1 || model.restless ? 0 : GITS_CTLR_QUIET);
}

static void io_write(uint32_t value, volatile void *reg, unsigned int width)
{
	bool of_redist;
	size_t at = offset_of(reg, &of_redist);

	assert_true(width == 4 && at == 0);
	if (of_redist)
		model.redist_ctlr = value | (model.sticky_lpis && model.redist_ctlr & 1);
	else
		model.ctlr = value;
}

/* ---- what the driver asks of others ---------------------------------------------------------- */

char *gicv3_redistributor(void)
{
	return model.no_gicv3 ? NULL : redist;
}

void gicv3_set_lpi(void (*fn)(uint32_t irq))
{
	model.lpi = fn;
}

void *device_map_reg(struct device *d, int index)
{
	assert_int_equal(index, 0);
	d->reg = ITS_ADDR;
	d->size = GITS_SIZE;
	return space;
}

void *device_alloc_gfp(struct device *d, unsigned int order, gfp_t gfp)
{
	(void)d;
	model.low_blocks += gfp == GFP_DMA32;
	assert_int_equal(order, ORDER_64K);
	if (model.allocations_left == 0)
		return NULL;
	model.allocations_left--;
	memset(blocks[model.blocks], 0, ITS_BLOCK);
	return blocks[model.blocks++];
}

void device_log(const struct device *d, const char *fmt, ...)
{
	(void)d;
	(void)fmt;
	model.lines++;
}

void dma_device_lost(struct device *d)
{
	(void)d;
	model.lost++;
}

void msi_chip_register(struct device *d, const struct msi_chip *chip)
{
	d->msi_chip = chip;
}

void msi_chip_unregister(struct device *d)
{
	d->msi_chip = NULL;
}

unsigned int cache_line(const char **why)
{
	*why = "";
	return 64;
}

void cache_clean(const void *start, size_t size)
{
	(void)start;
	(void)size;
	model.cleaned++;
}

void cache_flush(const void *start, size_t size)
{
	(void)start;
	(void)size;
}

#endif
