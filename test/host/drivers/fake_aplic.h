/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_aplic.h: the registers of an APLIC's domain as chapter 4 of the RISC-V AIA 1.0 describes
 * them, the IMSIC behind it, and the trees that test_aplic.c gives the driver, whose sources it
 * includes.
 */
#ifndef TEST_HOST_FAKE_APLIC_H
#define TEST_HOST_FAKE_APLIC_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/host/port_host.h"
#include "test/host/drivers/fake_io.h"
#include "test/host/drivers/fake_log.h"

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/dt/of.c"
#include "boot/dt/of_cpu.c"
#include "drivers/irqchip/aplic.c"
#include "drivers/irqchip/aplic_msi.c"

#include "test/host/boot/tree.h"

#define NR_SOURCES 96
#define SPACE	   0x8000
#define BOOT_HART  7
#define IMSIC	   5 /* phandles */
#define DOMAIN	   6

static struct {
	uint32_t domaincfg, fixed; /* bits of domaincfg that read as one whatever is written */
	uint32_t mode[NR_SOURCES + 1], target[NR_SOURCES + 1];
	bool enabled[NR_SOURCES + 1], pending[NR_SOURCES + 1], line[NR_SOURCES + 1];
	bool delegated[NR_SOURCES + 1]; /* to a child domain */
	uint32_t idelivery[4], ithreshold[4];
	unsigned int writes;
	unsigned int sent; /* messages */
	unsigned int requested, freed;
	int msi_refusal;
	uint32_t imsic_hart;
	bool imsic_bound, alloc_fails, supervisor, other, polled;
	unsigned int registered, interrupts;
	bool stale; /* what is pending stays so */
} model;

static _Alignas(64) char page[PAGE_SIZE];
static struct device *const dev = (struct device *)page;
static struct aplic *const aplic = (struct aplic *)(page + DEVICE_PRIV_OFFSET);
static char space[SPACE];
static struct aplic_source table[NR_SOURCES + 1];

static bool level(uint32_t source)
{
	return model.mode[source] >= APLIC_SM_LEVEL1;
}

/* The wire as the source's mode sees it (4.5.2): those of falling edge and low level inverted. */
static bool rectified(uint32_t source)
{
	return model.mode[source] >= SM_EDGE1 && model.line[source] != (model.mode[source] & 1);
}

/* With messages what is pending and enabled is sent at once, and is pending no more (4.9). */
static void settle(uint32_t source)
{
	bool direct = !(model.domaincfg & DOMAINCFG_DM);

	if (direct && level(source) && !model.stale)
		model.pending[source] = rectified(source);
	if (!direct && model.pending[source] && model.enabled[source] &&
	    model.domaincfg & DOMAINCFG_IE) {
		model.pending[source] = false;
		model.sent++;
	}
}

static void set_line(uint32_t source, bool on)
{
	bool before = rectified(source);

	model.line[source] = on;
	if (!before && rectified(source))
		model.pending[source] = true;
	if (level(source) && !rectified(source))
		model.pending[source] = false;
	settle(source);
}

static uint32_t claim(uint32_t hart)
{
	for (uint32_t source = 1; source <= NR_SOURCES; source++) {
		if (!model.pending[source] || !model.enabled[source] ||
		    model.target[source] >> APLIC_TARGET_HART_SHIFT != hart)
			continue;
		model.pending[source] = false;
		settle(source);
		return source << CLAIMI_SOURCE_SHIFT | (model.target[source] & 0xff);
	}
	return 0;
}

static uint32_t io_read(const volatile void *reg, unsigned int width)
{
	size_t at = (size_t)((const volatile char *)reg - space);
	uint32_t bits = 0;

	assert_true(width == 4 && at < SPACE && at % 4 == 0);
	if (at == APLIC_DOMAINCFG)
		return 0x80000000U | model.domaincfg | model.fixed;
	if (at >= APLIC_SOURCECFG(1) && at <= APLIC_SOURCECFG(NR_SOURCES))
		return model.mode[at / 4];
	if (at >= APLIC_IN_CLRIP(0) && at <= APLIC_IN_CLRIP(NR_SOURCES)) {
		for (uint32_t i = 0; i < 32; i++) {
			uint32_t source = (uint32_t)(at - APLIC_IN_CLRIP(0)) * 8 + i;

			if (source >= 1 && source <= NR_SOURCES && rectified(source))
				bits |= 1U << i;
		}
		return bits;
	}
	if (at >= APLIC_IDC(0) && (at - APLIC_IDC(0)) % IDC_SIZE == IDC_CLAIMI) {
		uint32_t hart = (uint32_t)(at - APLIC_IDC(0)) / IDC_SIZE;

		assert_false(model.domaincfg & DOMAINCFG_DM);
		return model.idelivery[hart] && model.domaincfg & DOMAINCFG_IE ? claim(hart) : 0;
	}
	fail_msg("read of register %#zx", at);
	return 0;
}

static void set_enabled(uint32_t source, bool on)
{
	if (source < 1 || source > NR_SOURCES || model.delegated[source])
		return;
	model.enabled[source] = on;
	settle(source);
}

static void write_idc(size_t at, uint32_t value)
{
	uint32_t hart = (uint32_t)(at / IDC_SIZE);

	assert_true(hart < 4);
	switch (at % IDC_SIZE) {
	case IDC_IDELIVERY:
		model.idelivery[hart] = value;
		break;
	case IDC_ITHRESHOLD:
		model.ithreshold[hart] = value;
		break;
	default:
		assert_int_equal(at % IDC_SIZE, IDC_IFORCE);
		assert_int_equal(value, 0);
	}
}

static void io_write(uint32_t value, volatile void *reg, unsigned int width)
{
	size_t at = (size_t)((volatile char *)reg - space);

	assert_true(width == 4 && at < SPACE && at % 4 == 0);
	model.writes++;
	if (at == APLIC_DOMAINCFG) {
		model.domaincfg = value & DOMAINCFG_BITS;
	} else if (at >= APLIC_SOURCECFG(1) && at <= APLIC_SOURCECFG(NR_SOURCES)) {
		bool before = rectified((uint32_t)at / 4);

		model.mode[at / 4] = model.delegated[at / 4] ? 0 : value;
		if (!before && rectified((uint32_t)at / 4))
			model.pending[at / 4] = true;
	} else if (at == APLIC_SETIENUM) {
		set_enabled(value, true);
	} else if (at == APLIC_CLRIENUM) {
		set_enabled(value, false);
	} else if (at >= APLIC_CLRIE && at < APLIC_CLRIENUM) {
		for (uint32_t i = 0; i < 32; i++)
			if (value >> i & 1)
				set_enabled((uint32_t)(at - APLIC_CLRIE) * 8 + i, false);
	} else if (at == APLIC_SETIPNUM) {
		/* of a level only what is there (4.7) */
		model.pending[value] = !level(value) || rectified(value);
		settle(value);
	} else if (at >= APLIC_TARGET(1) && at <= APLIC_TARGET(NR_SOURCES)) {
		model.target[(at - APLIC_TARGET(1)) / 4 + 1] = value;
	} else {
		assert_true(at >= APLIC_IDC(0));
		write_idc(at - APLIC_IDC(0), value);
	}
}

/* ---- what the driver asks of others ---------------------------------------------------------- */

void *device_map_reg(struct device *d, int index)
{
	assert_int_equal(index, 0);
	return of_reg(d->fdt, d->node, 0, &d->reg, &d->size) == 0 ? space : NULL;
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
	assert_ptr_equal(fn, aplic_interrupt);
	model.registered++;
	model.polled = polled;
}

void riscv_ext_unregister(struct device *d)
{
	assert_ptr_equal(d, dev);
	model.registered--;
}

/* The boot hart's is the second of two entries, if the node interrupts supervisor mode. */
int riscv_ext_find(const void *fdt, int node, int *other)
{
	(void)fdt;
	(void)node;
	*other = model.other ? 0 : -ENXIO;
	return model.supervisor ? 1 : -ENXIO;
}

int imsic_hart(int node, uint32_t *index)
{
	assert_int_equal(node, fdt_node_offset_by_phandle(blob, IMSIC));
	*index = model.imsic_hart;
	return model.imsic_bound ? 0 : -ENXIO;
}

static irq_fn msi_fn;
static void *msi_arg;

int msi_request(int controller, uint32_t id, irq_fn fn, void *arg, struct msi_msg *msg)
{
	(void)id;
	assert_int_equal(controller, aplic->imsic);
	if (model.msi_refusal)
		return model.msi_refusal;
	model.requested++;
	msi_fn = fn;
	msi_arg = arg;
	msg->data = 33;
	return 33;
}

void msi_free(int controller, unsigned int hwirq)
{
	assert_int_equal(controller, aplic->imsic);
	assert_int_equal(hwirq, 33);
	model.freed++;
}

#endif
