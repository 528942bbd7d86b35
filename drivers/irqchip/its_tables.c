/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * its_tables.c: the memory of an ITS and of a redistributor (IHI0069, 5.1, 5.2): tables of devices
 * and of collections, the command queue, the properties of LPIs and which of them are pending.
 *
 * All are asked to be read through the caches, inner shareable; where the register reads back that
 * they are not, or the tree says it, they are not cacheable, and what the CPU writes is cleaned to
 * memory.
 *
 * A table of devices is as long as one block makes it, not as the ids are wide: it serves the
 * functions of 32 PCI buses where an entry has 8 bytes.
 */
#include <errno.h>
#include <libfdt.h>
#include <quarry/mm.h>
#include <quarry/port.h>

#include "boot/mmu/cache.h"
#include "drivers/base/io.h"
#include "drivers/irqchip/its.h"

#define ORDER_64K	   4
#define NR_BASERS	   8
#define VALID		   (1ULL << 63)
#define BASER_TYPE_SHIFT   56
#define BASER_TYPE_MASK	   7
#define BASER_DEVICES	   1
#define BASER_COLLECTIONS  4
#define BASER_ENTRY_SHIFT  48
#define BASER_ENTRY_MASK   31
#define BASER_PAGE_64K	   (2ULL << 8)
#define BASER_PAGE_SHIFT   8
#define BASER_PAGE_MASK	   3
#define SHAREABLE	   (1ULL << 10) /* inner */
#define SHAREABLE_MASK	   (3ULL << 10)
#define ITS_CACHE_SHIFT	   59 /* of GITS_BASER and GITS_CBASER */
#define REDIST_CACHE_SHIFT 7  /* of GICR_PROPBASER and GICR_PENDBASER */
#define CACHE_WRITE_BACK   7ULL
#define CACHE_NONE	   1ULL
#define CACHE_MASK	   7ULL
#define PENDBASER_ZERO	   (1ULL << 62) /* the table is all zeros */
#define TYPER_PHYSICAL	   1
#define TYPER_DEVBITS(t)   (((t) >> 13 & 31) + 1)
#define MAX_ADDRESS	   (1ULL << 48) /* what a table of 64 KiB pages has in the plain place */

static_assert(PAGE_SIZE << ORDER_64K == ITS_BLOCK, "the alignment of the largest page");

void its_publish(const struct its *its, const void *start, size_t size)
{
	io_barrier();
	if (!its->coherent)
		cache_clean(start, size);
}

static int wait_for(const char *reg, uint32_t mask, uint32_t value)
{
	for (int i = 0; i < ITS_POLLS; i++) {
		if ((readl(reg) & mask) == value)
			return 0;
		port_relax();
	}
	return -ETIMEDOUT;
}

/*
 * Tell where a table or queue is, and how it is read. *coherent becomes false if it cannot be read
 * through the caches.
 */
static void write_base(char *reg, uint64_t value, unsigned int cache_shift, bool *coherent)
{
	value &= ~(SHAREABLE_MASK | CACHE_MASK << cache_shift);
	if (*coherent) {
		writeq(value | SHAREABLE | CACHE_WRITE_BACK << cache_shift, reg);
		if ((readq(reg) & SHAREABLE_MASK) != 0)
			return;
		*coherent = false;
	}
	writeq(value | CACHE_NONE << cache_shift, reg);
}

/* 64 KiB of zeros at a multiple of 64 KiB, which are in memory, not in a cache alone. */
static void *block(struct device *dev)
{
	const struct its *its = device_priv(dev);
	void *start = device_alloc_gfp(dev, ORDER_64K, its->low ? GFP_DMA32 : GFP_KERNEL);

	if (start)
		cache_flush(start, ITS_BLOCK);
	return start;
}

/* Give the ITS the table that its n-th register asks for, if it is one that we need. */
static int give_table(struct device *dev, unsigned int n)
{
	struct its *its = device_priv(dev);
	char *reg = its->base + GITS_BASER(n);
	uint64_t value = readq(reg), entry = (value >> BASER_ENTRY_SHIFT & BASER_ENTRY_MASK) + 1;
	unsigned int type = value >> BASER_TYPE_SHIFT & BASER_TYPE_MASK;
	uint64_t pages;
	void *table;

	if (type != BASER_DEVICES && type != BASER_COLLECTIONS) {
		writeq(0, reg);
		return 0;
	}
	table = block(dev);
	if (!table)
		return -ENOMEM;
	/* pages as large as it can */
	writeq(BASER_PAGE_64K, reg);
	pages = ITS_BLOCK >> (12 + 2 * (readq(reg) >> BASER_PAGE_SHIFT & BASER_PAGE_MASK));
	if (pages == 0 || virt_to_phys(table) >= MAX_ADDRESS)
		return -EINVAL;
	write_base(reg,
		   VALID | virt_to_phys(table) |
			   (readq(reg) & (uint64_t)BASER_PAGE_MASK << BASER_PAGE_SHIFT) |
			   (pages - 1),
		   ITS_CACHE_SHIFT, &its->coherent);
	if (type == BASER_DEVICES && its->nr_devices > ITS_BLOCK / entry)
		its->nr_devices = (uint32_t)(ITS_BLOCK / entry);
	return 0;
}

static int stop_redist(const struct its *its)
{
	char *ctlr = its->redist + GICR_CTLR;
	int error;

	writel(readl(ctlr) & ~(uint32_t)GICR_CTLR_LPIS, ctlr);
	error = wait_for(ctlr, GICR_CTLR_RWP, 0);
	return readl(ctlr) & GICR_CTLR_LPIS ? -EBUSY : error;
}

static int stop_its(const struct its *its)
{
	writel(0, its->base + GITS_CTLR);
	return wait_for(its->base + GITS_CTLR, GITS_CTLR_QUIET, GITS_CTLR_QUIET);
}

/* The properties of all LPIs, none enabled, and their pending table, on. */
static int start_redist(struct device *dev)
{
	struct its *its = device_priv(dev);
	void *pending = block(dev);

	if (!pending)
		return -ENOMEM;
	write_base(its->redist + GICR_PROPBASER,
		   virt_to_phys(its->shared->property) | (ITS_ID_BITS - 1), REDIST_CACHE_SHIFT,
		   &its->coherent);
	write_base(its->redist + GICR_PENDBASER, virt_to_phys(pending) | PENDBASER_ZERO,
		   REDIST_CACHE_SHIFT, &its->coherent);
	io_barrier();
	writel(readl(its->redist + GICR_CTLR) | GICR_CTLR_LPIS, its->redist + GICR_CTLR);
	return 0;
}

/* What the registers do not tell: RK3566 and RK3568 say shareable and are not. */
static void learn_reach(struct device *dev)
{
	struct its *its = device_priv(dev);
	int gic = fdt_parent_offset(dev->fdt, dev->node);

	its->low = fdt_node_check_compatible(dev->fdt, 0, "rockchip,rk3566") == 0 ||
		   fdt_node_check_compatible(dev->fdt, 0, "rockchip,rk3568") == 0;
	its->coherent = !its->low && !fdt_getprop(dev->fdt, dev->node, "dma-noncoherent", NULL) &&
			!(gic >= 0 && fdt_getprop(dev->fdt, gic, "dma-noncoherent", NULL));
}

int its_start(struct device *dev)
{
	struct its *its = device_priv(dev);
	uint64_t type = readq(its->base + GITS_TYPER);
	const char *why;
	int error;

	if (!(type & TYPER_PHYSICAL) || !(readl(its->redist + GICR_TYPER) & GICR_TYPER_PLPIS))
		return -EOPNOTSUPP;
	cache_line(&why);
	error = stop_redist(its);
	if (error) {
		device_log(dev, "LPIs are on and stay so: its tables are someone else's");
		return error;
	}
	error = stop_its(its);
	if (error)
		return error;
	learn_reach(dev);
	its->nr_devices = TYPER_DEVBITS(type) < 32 ? 1U << TYPER_DEVBITS(type) : UINT32_MAX;
	its->shared = block(dev);
	for (unsigned int n = 0; its->shared && n < NR_BASERS && !error; n++)
		error = give_table(dev, n);
	if (!its->shared)
		error = -ENOMEM;
	if (!error) {
		write_base(its->base + GITS_CBASER, VALID | virt_to_phys(its->shared->command),
			   ITS_CACHE_SHIFT, &its->coherent);
		writeq(0, its->base + GITS_CWRITER);
		error = start_redist(dev);
	}
	if (error) {
		its_stop(dev);
		return error;
	}
	writel(GITS_CTLR_ENABLED, its->base + GITS_CTLR);
	return 0;
}

void its_stop(struct device *dev)
{
	struct its *its = device_priv(dev);
	int error = stop_its(its);

	if (stop_redist(its) != 0 || error) {
		dma_device_lost(dev); /* it may go on writing to its tables */
		return;
	}
	writeq(0, its->base + GITS_CBASER);
	for (unsigned int n = 0; n < NR_BASERS; n++)
		writeq(0, its->base + GITS_BASER(n));
}
