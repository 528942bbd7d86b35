/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_gicv3_dist.c: the distributor of a GICv3, made up from IHI0069 12.9: what a loader or the driver itself left of
 * it, and GICD_CTLR written as 12.9.4 allows.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "test/host/drivers/fake_io.h"

static void io_barrier(void)
{
}

/* the sources themselves: they are not among the objects that every host test links */
#include "drivers/irqchip/gic.c"
#include "drivers/irqchip/gicv3_dist.c"

#define NR_IRQS 96
#define SECURE	true

static struct {
	bool two_states, ours; /* secure and not; the image came at EL3 */
	bool are, are_s;       /* routing by affinity in the non-secure state, or the only one */
	uint32_t groups;       /* that are forwarded: 1 and 2 non-secure, 4 secure */
	unsigned int busy;     /* looks until RWP is 0 */
	bool stuck;
	uint32_t group[NR_IRQS / 32], on[NR_IRQS / 32];
	const char *wrong;
} model;

static char space[0x10000];
static _Alignas(64) char page[PAGE_SIZE];
static struct device *const dev = (struct device *)page;
static struct gic_handler handlers[NR_IRQS];
static unsigned int pages_left;
static struct gic gic = {.dist = space};

bool el3_is_ours(void)
{
	return model.ours;
}

void *device_zalloc(struct device *d, size_t size)
{
	assert_true(d == dev && size == sizeof(handlers));
	return pages_left ? handlers : NULL;
}

void smp_ipi(void)
{
}

static void wrong(const char *what)
{
	if (!model.wrong)
		model.wrong = what;
}

/* One of the ARE bits, and is anything forwarded? */
static void route(bool *are, bool value, uint32_t groups, const char *off)
{
	if (*are && !value)
		wrong(off);
	if (!*are && value && (model.groups | groups))
		wrong("ARE is set while groups are forwarded");
	*are = value;
}

static void write_ctlr(uint32_t value, bool secure)
{
	uint32_t before = model.groups;

	if (model.busy)
		wrong("GICD_CTLR is written while RWP is 1");
	if (secure) {
		route(&model.are_s, value & 0x10, value & 7, "ARE_S falls");
		route(&model.are, value & 0x20, value & 7, "ARE_NS falls");
		model.groups = value & 7;
	} else {
		route(&model.are, value & 0x10, value & 7, "ARE falls");
		model.groups = (model.two_states ? before & 4 : 0) | (value & 3);
	}
	if (before & ~model.groups)
		model.busy = 3;
}

static uint32_t read_ctlr(bool secure)
{
	uint32_t value = model.groups & (secure ? 7 : 3);

	if (secure)
		value |= (model.are_s ? 0x10 : 0) | (model.are ? 0x20 : 0);
	else
		value |= model.are ? 0x10 : 0;
	if (model.busy) {
		value |= 0x80000000;
		if (!model.stuck)
			model.busy--;
	}
	return value;
}

static void write_register(uint32_t value, size_t at, bool secure)
{
	if (at == GICD_CTLR)
		write_ctlr(value, secure);
	else if (at >= GICD_IGROUPR && at < GICD_IGROUPR + NR_IRQS / 8)
		model.group[(at - GICD_IGROUPR) / 4] = value;
	else if (at >= GICD_ICENABLER && at < GICD_ICENABLER + NR_IRQS / 8)
		model.on[(at - GICD_ICENABLER) / 4] &= ~value;
	else if (!(at >= GICD_ICPENDR && at < GICD_ICPENDR + NR_IRQS / 8) &&
		 !(at >= GICD_ICACTIVER && at < GICD_ICACTIVER + NR_IRQS / 8) &&
		 !(at >= GICD_IPRIORITYR && at < GICD_IPRIORITYR + NR_IRQS) &&
		 !(secure && at >= GICD_IGRPMODR && at < GICD_IGRPMODR + NR_IRQS / 8))
		fail_msg("a register at %#zx is written", at);
}

static uint32_t io_read(const volatile void *reg, unsigned int width)
{
	size_t at = (size_t)((const volatile char *)reg - space);

	assert_int_equal(width, 4);
	if (at == GICD_TYPER)
		return NR_IRQS / 32 - 1;
	assert_int_equal(at, GICD_CTLR);
	return read_ctlr(false);
}

static void io_write(uint32_t value, volatile void *reg, unsigned int width)
{
	assert_int_equal(width, 4);
	write_register(value, (size_t)((volatile char *)reg - space), false);
}

uint32_t el3_readl(const volatile void *reg)
{
	assert_true(model.ours && (const volatile char *)reg == space + GICD_CTLR);
	return read_ctlr(SECURE);
}

void el3_writel(uint32_t value, volatile void *reg)
{
	assert_true(model.ours);
	write_register(value, (size_t)((volatile char *)reg - space), SECURE);
}

static void left_with(bool ours, bool are, uint32_t groups)
{
	memset(&model, 0, sizeof(model));
	model.two_states = model.ours = ours;
	model.are = model.are_s = are;
	model.groups = groups;
	memset(model.on, 0xff, sizeof(model.on));
	pages_left = 1;
}

static void assert_ready(void)
{
	assert_null(model.wrong);
	assert_true(model.are && model.groups == 3 && gic.nr_irqs == NR_IRQS);
	assert_true(model.are_s == model.ours);
	for (unsigned int i = GIC_NR_PRIVATE / 32; i < NR_IRQS / 32; i++)
		assert_true(model.group[i] == UINT32_MAX && model.on[i] == 0);
}

/* Whatever was left of it: reset, a loader with a GICv2's view of it, one with routing by affinity. */
static void test_left_by_a_loader(void **state)
{
	(void)state;
	for (unsigned int ours = 0; ours < 2; ours++) {
		for (unsigned int are = 0; are < 2; are++) {
			for (uint32_t groups = 0; groups < (ours ? 8 : 4); groups++) {
				left_with(ours, are, groups);
				model.are_s = ours && are;
				assert_int_equal(gicv3_dist_init(dev, &gic), 0);
				assert_ready();
			}
		}
	}
}

static void test_second_probe(void **state)
{
	(void)state;
	for (unsigned int ours = 0; ours < 2; ours++) {
		left_with(ours, false, 0);
		assert_int_equal(gicv3_dist_init(dev, &gic), 0);
		assert_int_equal(gicv3_dist_quiet(&gic), 0);
		assert_true(model.are && model.groups == 0);
		assert_int_equal(gicv3_dist_init(dev, &gic), 0);
		assert_ready();
	}
}

static void test_refusals(void **state)
{
	(void)state;
	for (unsigned int ours = 0; ours < 2; ours++) {
		left_with(ours, true, 3);
		model.are_s = ours;
		model.stuck = true;
		assert_int_equal(gicv3_dist_init(dev, &gic), -ETIMEDOUT);
		assert_true(model.are && model.groups == 0);
		assert_null(model.wrong);

		left_with(ours, true, 3);
		model.are_s = ours;
		pages_left = 0;
		assert_int_equal(gicv3_dist_init(dev, &gic), -ENOMEM);
		assert_true(model.are && model.groups == 0);
		assert_null(model.wrong);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_left_by_a_loader),
		cmocka_unit_test(test_second_probe),
		cmocka_unit_test(test_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
