/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_gicv2m.c: the frame that makes shared interrupts of a GICv2 out of messages: which of them,
 * and frames that make no sense.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "test/host/drivers/fake_io.h"

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/dt/of.c"
#include "drivers/irqchip/gicv2m.c"

#include "test/host/boot/tree.h"

#define FRAME 0x8020000

static struct {
	uint32_t typer, size;
	bool used[GIC_MAX_IRQS]; /* at the GIC */
	int refusal;
} model;

static _Alignas(64) char page[PAGE_SIZE];
static struct device *const dev = (struct device *)page;
static char space[FRAME_SIZE];

static uint32_t io_read(const volatile void *reg, unsigned int width)
{
	assert_true(width == 4 && (const volatile char *)reg == space + 8);
	return model.typer;
}

static void io_write(uint32_t value, volatile void *reg, unsigned int width)
{
	(void)value;
	(void)reg;
	fail_msg("the driver writes %u bytes", width);
}

void *device_map_reg(struct device *d, int index)
{
	assert_int_equal(index, 0);
	d->reg = FRAME;
	d->size = model.size;
	return space;
}

void msi_chip_register(struct device *d, const struct msi_chip *chip)
{
	d->msi_chip = chip;
}

void msi_chip_unregister(struct device *d)
{
	d->msi_chip = NULL;
}

static bool *gic_entry(const struct of_irq *irq)
{
	assert_int_equal(irq->controller, at("/gic"));
	assert_true(irq->nr_cells == 3 && irq->cells[0] == 0 && irq->cells[2] == 1);
	return &model.used[irq->cells[1] + 32];
}

int irq_request(const struct of_irq *irq, irq_fn fn, void *arg)
{
	(void)fn;
	(void)arg;
	if (model.refusal || *gic_entry(irq))
		return model.refusal ? model.refusal : -EBUSY;
	*gic_entry(irq) = true;
	return (int)irq->cells[1] + 32;
}

void irq_free(const struct of_irq *irq)
{
	assert_true(*gic_entry(irq));
	*gic_entry(irq) = false;
}

void irq_mask(const struct of_irq *irq)
{
	assert_true(*gic_entry(irq));
}

/* With the tree's correction of what the register says, if count is not 0. */
static int probe(uint32_t first, uint32_t count)
{
	start_tree();
	begin("gic");
	begin("v2m");
	if (count) {
		put("arm,msi-base-spi", CELLS(first));
		put("arm,msi-num-spis", CELLS(count));
	}
	end();
	end();
	finish_tree();
	memset(page, 0, sizeof(page));
	dev->fdt = blob;
	dev->node = at("/gic/v2m");
	return gicv2m_probe(dev);
}

static int setup(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	model.size = FRAME_SIZE;
	model.typer = 80 << 16 | 4;
	return 0;
}

static void test_messages(void **state)
{
	struct msi_msg msg;

	(void)state;
	assert_int_equal(probe(0, 0), 0);
	model.used[81] = true; /* another device's wire */
	assert_int_equal(gicv2m_request(dev, 0, NULL, NULL, &msg), 80);
	assert_true(msg.addr == FRAME + 0x40 && msg.data == 80);
	assert_int_equal(gicv2m_request(dev, 0, NULL, NULL, &msg), 82);
	assert_int_equal(gicv2m_request(dev, 0, NULL, NULL, &msg), 83);
	assert_int_equal(msg.data, 83);
	assert_int_equal(gicv2m_request(dev, 0, NULL, NULL, &msg), -ENOSPC);
	gicv2m_mask(dev, 82);
	gicv2m_free(dev, 82);
	assert_int_equal(gicv2m_request(dev, 0, NULL, NULL, &msg), 82);
	model.refusal = -ENXIO;
	assert_int_equal(gicv2m_request(dev, 0, NULL, NULL, &msg), -ENXIO);
	gicv2m_remove(dev);
	assert_null(dev->msi_chip);
	model.refusal = 0;
	assert_int_equal(probe(100, 2), 0);
	assert_int_equal(gicv2m_request(dev, 0, NULL, NULL, &msg), 100);
}

static void test_bad_frames(void **state)
{
	static const uint32_t types[] = {0, 80 << 16, 31 << 16 | 4, 1020 << 16 | 1,
					 1000 << 16 | 21};

	(void)state;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		model.typer = types[i];
		assert_int_equal(probe(0, 0), -EINVAL);
		assert_null(dev->msi_chip);
	}
	model.typer = 1000 << 16 | 20;
	assert_int_equal(probe(0, 0), 0);
	assert_int_equal(probe(80, 0xffffffff), -EINVAL);
	model.size = FRAME_SIZE - 4;
	assert_int_equal(probe(0, 0), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_messages, setup),
		cmocka_unit_test_setup(test_bad_frames, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
