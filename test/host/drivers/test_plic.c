/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_plic.c: the PLIC's driver on registers made up from chapter 3 of the RISC-V PLIC
 * specification 1.0.0: whose handler a claim calls, a PLIC that interrupts other harts only, and
 * T-Head's, which the firmware must have opened to supervisor mode.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "test/host/drivers/fake_io.h"
#include "test/host/drivers/fake_log.h"

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/dt/of.c"
#include "drivers/irqchip/plic.c"

#include "test/host/boot/tree.h"

#define NR_SOURCES 40
#define CONTEXTS   4
#define SIZE	   (0x200000 + 0x1000 * CONTEXTS)

static struct {
	uint32_t priority[NR_SOURCES + 1], enable[CONTEXTS][2], threshold[CONTEXTS];
	bool line[NR_SOURCES + 1], claimed[NR_SOURCES + 1];
	int entry, other; /* what riscv_ext_find() says */
	bool closed;	  /* to supervisor mode */
	bool alloc_fails, polled;
	unsigned int accesses, registered, calls, traps;
	void (*fn)(struct device *dev);
} model;

static _Alignas(64) char page[PAGE_SIZE];
static struct device *const dev = (struct device *)page;
static struct plic *const plic = (struct plic *)(page + DEVICE_PRIV_OFFSET);
static struct plic_handler table[NR_SOURCES + 1];
static char space[SIZE];

static uint32_t claim(unsigned int context)
{
	for (uint32_t i = 1; i <= NR_SOURCES; i++)
		if (model.line[i] && !model.claimed[i] &&
		    model.enable[context][i / 32] >> i % 32 & 1 &&
		    model.priority[i] > model.threshold[context]) {
			model.claimed[i] = true;
			return i;
		}
	return 0;
}

static uint32_t *word(size_t at, unsigned int *context)
{
	if (at < 4 * (NR_SOURCES + 1))
		return &model.priority[at / 4];
	if (at < PLIC_CONTEXT(0)) {
		*context = (unsigned int)(at - PLIC_ENABLE(0)) / 0x80;
		assert_true(at >= PLIC_ENABLE(0) && *context < CONTEXTS && at % 0x80 < 8);
		return &model.enable[*context][at % 0x80 / 4];
	}
	*context = (unsigned int)(at - PLIC_CONTEXT(0)) / 0x1000;
	return at % 0x1000 == PLIC_THRESHOLD ? &model.threshold[*context] : NULL;
}

static uint32_t io_read(const volatile void *reg, unsigned int width)
{
	unsigned int context = 0;
	uint32_t *value = word((size_t)((const volatile char *)reg - space), &context);

	assert_true(width == 4 && !model.closed);
	model.accesses++;
	return value ? *value : claim(context);
}

static void io_write(uint32_t value, volatile void *reg, unsigned int width)
{
	unsigned int context = 0;
	uint32_t *place = word((size_t)((volatile char *)reg - space), &context);

	assert_true(width == 4 && !model.closed);
	model.accesses++;
	if (place)
		*place = value;
	else if (model.enable[context][value / 32] >> value % 32 & 1)
		model.claimed[value] = false; /* completed; of one that is off it is ignored */
}

/* ---- what the driver asks of others ---------------------------------------------------------- */

bool trap_expect(void (*fn)(uintptr_t arg), uintptr_t arg, struct trap_record *record)
{
	(void)record;
	model.traps++;
	if (!model.closed)
		fn(arg);
	return model.closed;
}

void *device_map_reg(struct device *d, int index)
{
	return of_reg(d->fdt, d->node, index, &d->reg, &d->size) == 0 ? space : NULL;
}

void *device_zalloc(struct device *d, size_t size)
{
	(void)d;
	assert_int_equal(size, sizeof(table));
	memset(table, 0, sizeof(table));
	return model.alloc_fails ? NULL : table;
}

void irq_chip_register(struct device *d, const struct irq_chip *chip)
{
	d->irq_chip = chip;
}

void irq_chip_unregister(struct device *d)
{
	d->irq_chip = NULL;
}

void riscv_ext_register(struct device *d, void (*fn)(struct device *dev), bool polled)
{
	assert_ptr_equal(d, dev);
	model.registered++;
	model.fn = fn;
	model.polled = polled;
}

void riscv_ext_unregister(struct device *d)
{
	assert_ptr_equal(d, dev);
	model.registered--;
}

int riscv_ext_find(const void *fdt, int node, int *other)
{
	(void)fdt;
	(void)node;
	*other = model.other;
	return model.entry;
}

static int probe(const char *compatible, uint32_t size, uint32_t sources)
{
	start_tree();
	begin("plic");
	put("reg", CELLS(0, 0xc000000, 0, size));
	put("riscv,ndev", CELLS(sources));
	end();
	finish_tree();
	memset(page, 0, sizeof(page));
	dev->fdt = blob;
	dev->node = at("/plic");
	dev->compatible = compatible;
	return plic_probe(dev);
}

static int setup(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	model.entry = 3;
	model.other = 1;
	for (unsigned int i = 0; i < CONTEXTS; i++) {
		model.threshold[i] = 7;
		model.enable[i][0] = model.enable[i][1] = 0xf0; /* left on by somebody */
	}
	log_text[0] = '\0';
	return 0;
}

static void handler(void *arg)
{
	model.calls++;
	model.line[*(uint32_t *)arg] = false;
}

static void test_interrupts(void **state)
{
	uint32_t ten = 10, last = NR_SOURCES;

	(void)state;
	assert_int_equal(probe("riscv,plic0", SIZE, NR_SOURCES), 0);
	assert_true(model.registered == 1 && !model.polled);
	assert_true(model.threshold[3] == 0 && !model.enable[3][0] && !model.enable[3][1]);
	assert_true(model.threshold[1] == 7 && model.enable[1][0] == 0xf0);
	assert_int_equal(plic_enable(dev, 10, handler, &ten), 0);
	assert_int_equal(plic_enable(dev, 10, handler, &ten), -EBUSY);
	assert_int_equal(plic_enable(dev, NR_SOURCES, handler, &last), 0);
	for (unsigned int round = 1; round <= 3; round++) {
		model.line[10] = model.line[NR_SOURCES] = true;
		model.fn(dev);
		assert_int_equal(model.calls, 2 * round);
	}
	plic_mask(dev, 10);
	model.line[10] = true;
	model.fn(dev);
	assert_int_equal(model.calls, 6);
	plic_disable(dev, 10);
	assert_int_equal(model.enable[3][0], 0);
	/* nobody's: once */
	model.priority[9] = 1;
	model.enable[3][0] = 1 << 9;
	model.line[9] = true;
	model.fn(dev);
	assert_true(plic->spurious == 1 && model.priority[9] == 0);
	plic_remove(dev);
	assert_int_equal(model.registered, 0);
	assert_int_equal(model.traps, 0);
}

/* Another socket's: polled, and set up anew when the firmware has cleared that hart's context. */
static void test_other_harts(void **state)
{
	uint32_t ten = 10;

	(void)state;
	model.entry = -ENXIO;
	assert_int_equal(probe("riscv,plic0", SIZE, NR_SOURCES), 0);
	assert_true(model.registered == 1 && model.polled);
	assert_int_equal(model.threshold[1], 0);
	assert_int_equal(plic_enable(dev, 10, handler, &ten), 0);
	model.enable[1][0] = 0;
	model.threshold[1] = 7;
	model.line[10] = true;
	model.fn(dev);
	assert_int_equal(model.calls, 1);
	model.other = -ENXIO;
	assert_int_equal(probe("riscv,plic0", SIZE, NR_SOURCES), -ENODEV);
	assert_non_null(strstr(log_text, "no context for any hart in S-mode"));
}

static void test_thead(void **state)
{
	(void)state;
	assert_int_equal(probe("thead,c900-plic", SIZE, NR_SOURCES), 0);
	assert_int_equal(model.traps, 1);
	setup(state);
	model.closed = true;
	assert_int_equal(probe("thead,c900-plic", SIZE, NR_SOURCES), -ENODEV);
	assert_non_null(strstr(log_text, "must set bit 0 of 0xc1ffffc"));
	assert_int_equal(model.registered + model.accesses, 0);
}

static void test_bad_nodes(void **state)
{
	(void)state;
	assert_int_equal(probe("riscv,plic0", SIZE - 1, NR_SOURCES), -EINVAL);
	assert_int_equal(probe("riscv,plic0", SIZE, 0), -EINVAL);
	assert_int_equal(probe("riscv,plic0", SIZE, 1024), -EINVAL);
	model.entry = PLIC_MAX_CONTEXTS;
	assert_int_equal(probe("riscv,plic0", 0x4000000, NR_SOURCES), -EINVAL);
	model.entry = 3;
	model.alloc_fails = true;
	assert_int_equal(probe("riscv,plic0", SIZE, NR_SOURCES), -ENOMEM);
	assert_int_equal(model.registered + model.accesses, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_interrupts, setup),
		cmocka_unit_test_setup(test_other_harts, setup),
		cmocka_unit_test_setup(test_thead, setup),
		cmocka_unit_test_setup(test_bad_nodes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
