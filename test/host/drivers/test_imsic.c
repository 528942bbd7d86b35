/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_imsic.c: the IMSIC's driver on an interrupt file made up from chapter 3 of the RISC-V AIA
 * 1.0: where devices write, which identities are on, whose handler is called, and that a node that
 * contradicts itself is refused before a register is touched.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "test/host/port_host.h"

/* The interrupt file, in the place of the CSRs. */
#define DRIVERS_IMSIC_CSR_H
#define DRIVERS_IO_H
static void imsic_write(unsigned long reg, unsigned long value);
static unsigned long imsic_read(unsigned long reg);
static void imsic_change(unsigned long reg, unsigned long bits, _Bool set);
static unsigned long imsic_claim(void);
static void io_barrier(void)
{
}

/* the sources themselves: they are not among the objects that every host test links */
#include "boot/dt/of.c"
#include "boot/dt/of_cpu.c"
#include "drivers/irqchip/imsic.c"
#include "test/host/drivers/fake_log.h"

#include "test/host/boot/tree.h"

#define FILE_BASE 0x28000000U
#define NR_IDS	  127

static struct {
	unsigned long eidelivery, eithreshold, eie[4], eip[4];
	unsigned int writes, registered, calls;
	bool dead; /* its registers stay zero */
	bool alloc_fails, supervisor, other;
	uint32_t entry; /* of the boot hart */
} model;

static _Alignas(64) char page[PAGE_SIZE];
static struct device *const dev = (struct device *)page;
static struct imsic *const imsic = (struct imsic *)(page + DEVICE_PRIV_OFFSET);
static struct imsic_handler table[MAX_IDS + 1];
struct boot_info boot_info;

static unsigned long *word(unsigned long reg)
{
	if (reg == EIDELIVERY)
		return &model.eidelivery;
	if (reg == EITHRESHOLD)
		return &model.eithreshold;
	assert_int_equal(reg % 2, 0); /* odd ones trap on RV64 */
	if (reg >= EIP(0) && reg <= EIP(NR_IDS))
		return &model.eip[(reg - EIP(0)) / 2];
	assert_true(reg >= EIE(0) && reg <= EIE(NR_IDS));
	return &model.eie[(reg - EIE(0)) / 2];
}

static void imsic_write(unsigned long reg, unsigned long value)
{
	model.writes++;
	*word(reg) = model.dead ? 0 : value;
}

static unsigned long imsic_read(unsigned long reg)
{
	return *word(reg);
}

static void imsic_change(unsigned long reg, unsigned long bits, bool set)
{
	imsic_write(reg, set ? *word(reg) | bits : *word(reg) & ~bits);
}

/* The lowest identity comes first (3.10). */
static unsigned long imsic_claim(void)
{
	for (unsigned long id = 1; id <= NR_IDS && model.eidelivery; id++) {
		if (!(model.eip[id / 64] & model.eie[id / 64] & 1UL << id % 64))
			continue;
		model.eip[id / 64] &= ~(1UL << id % 64);
		return id << 16 | id;
	}
	return 0;
}

/* ---- what the driver asks of others ---------------------------------------------------------- */

struct device *device_first(void)
{
	return dev;
}

void *device_zalloc(struct device *d, size_t size)
{
	(void)d;
	assert_int_equal(size, (NR_IDS + 1) * sizeof(table[0]));
	memset(table, 0, sizeof(table));
	return model.alloc_fails ? NULL : table;
}

void msi_chip_register(struct device *d, const struct msi_chip *chip)
{
	d->msi_chip = chip;
}

void msi_chip_unregister(struct device *d)
{
	d->msi_chip = NULL;
}

void riscv_ext_register(struct device *d, void (*fn)(struct device *dev), bool polled)
{
	assert_ptr_equal(d, dev);
	assert_ptr_equal(fn, imsic_interrupt);
	assert_false(polled);
	model.registered++;
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
	*other = model.other ? 0 : -ENXIO;
	return model.supervisor ? (int)model.entry : -ENXIO;
}

/* ---- trees ----------------------------------------------------------------------------------- */

/* How a case differs from four harts, no guests, no groups. */
struct node {
	const char *name[3]; /* extra properties of one cell */
	uint32_t value[3];
	uint32_t ids;	       /* 0: NR_IDS */
	uint32_t size, second; /* of reg; the second range's address, 0: none */
	const char *isa;
};

static void make_tree(const struct node *node)
{
	uint32_t size = node->size ? node->size : 0x4000;
	const char *isa = node->isa ? node->isa : "rv64imac_smaia_ssaia";

	start_tree();
	begin("cpus");
	put("#address-cells", CELLS(1));
	put("#size-cells", CELLS(0));
	for (uint32_t n = 0; n < 4; n++) {
		char name[8];

		snprintf(name, sizeof(name), "cpu@%u", (unsigned int)n);
		begin(name);
		put("reg", CELLS(n));
		assert_int_equal(fdt_property(blob, "riscv,isa", isa, (int)strlen(isa) + 1), 0);
		begin("interrupt-controller");
		put("#interrupt-cells", CELLS(1));
		put("phandle", CELLS(n + 1));
		end();
		end();
	}
	end();
	begin("imsics");
	if (node->second)
		put("reg", CELLS(0, FILE_BASE, 0, size, 0, node->second, 0, size));
	else
		put("reg", CELLS(0, FILE_BASE, 0, size));
	put("riscv,num-ids", CELLS(node->ids ? node->ids : NR_IDS));
	put("interrupts-extended", CELLS(1, 9, 2, 9, 3, 9, 4, 9));
	for (int i = 0; i < 3 && node->name[i]; i++)
		put(node->name[i], CELLS(node->value[i]));
	end();
	finish_tree();
}

static int probe(const struct node *node)
{
	make_tree(node);
	memset(page, 0, sizeof(page));
	dev->fdt = blob;
	dev->node = at("/imsics");
	dev->driver = &driver_imsic;
	return imsic_probe(dev);
}

static int setup(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	model.supervisor = true;
	model.eie[1] = model.eip[1] = ~0UL; /* left by somebody */
	model.eithreshold = 3;
	log_text[0] = '\0';
	return 0;
}

static void handler(void *arg)
{
	model.calls += *(unsigned int *)arg;
}

static void test_interrupts(void **state)
{
	unsigned int one = 1, ten = 10;
	struct msi_msg first, second;
	int hwirq;

	(void)state;
	model.entry = 2;
	assert_int_equal(probe(&(struct node){0}), 0);
	assert_int_equal(model.eidelivery, 1);
	assert_int_equal(model.eithreshold, 0);
	assert_false(model.eie[0] || model.eie[1] || model.eip[0] || model.eip[1]);
	hwirq = imsic_request(dev, 0, handler, &one, &first);
	assert_int_equal(hwirq, first.data);
	assert_true(hwirq > 0 && first.addr == FILE_BASE + 0x2000);
	hwirq = imsic_request(dev, 0, handler, &ten, &second);
	assert_int_equal(hwirq, second.data);
	assert_true(first.data != second.data && second.addr == first.addr);
	model.eip[0] |= 1UL << first.data | 1UL << second.data;
	imsic_interrupt(dev);
	assert_int_equal(model.calls, 11);
	imsic_mask(dev, first.data);
	model.eip[0] |= 1UL << first.data;
	imsic_interrupt(dev);
	assert_int_equal(model.calls, 11);
	/* what came in before it had this owner is not this owner's */
	imsic_free(dev, first.data);
	hwirq = imsic_request(dev, 0, handler, &one, &first);
	assert_true(hwirq > 0 && hwirq != (int)second.data);
	imsic_interrupt(dev);
	assert_int_equal(model.calls, 11);
	/* nobody's: switched off */
	model.eie[1] |= 1UL << (100 - 64);
	model.eip[1] |= 1UL << (100 - 64);
	imsic_interrupt(dev);
	assert_int_equal(imsic->spurious, 1);
	assert_int_equal(model.eie[1], 0);
	imsic_remove(dev);
	assert_int_equal(model.eidelivery, 0);
	assert_int_equal(model.eie[0], 0);
	assert_int_equal(model.registered, 0);
	assert_null(dev->msi_chip);
}

static void test_all_identities(void **state)
{
	unsigned int one = 1;
	struct msi_msg msg;

	(void)state;
	assert_int_equal(probe(&(struct node){0}), 0);
	for (uint32_t id = 1; id <= NR_IDS; id++)
		assert_int_equal(imsic_request(dev, 0, handler, &one, &msg), id);
	assert_true(model.eie[0] == (~0UL & ~1UL) && model.eie[1] == ~0UL);
	assert_int_equal(imsic_request(dev, 0, handler, &one, &msg), -ENOSPC);
	imsic_free(dev, 77);
	assert_int_equal(imsic_request(dev, 0, handler, &one, &msg), 77);
}

/* Where the boot hart's page is, and how an APLIC names it (3.6, 4.9.1). */
static void test_addresses(void **state)
{
	static const struct {
		struct node node;
		uint32_t entry, page, hart;
	} cases[] = {
		{{.size = 0x4000}, 3, FILE_BASE + 0x3000, 3},
		/* three guests each */
		{{.name = {"riscv,guest-index-bits"}, .value = {2}, .size = 0x10000},
		 3,
		 FILE_BASE + 0xc000,
		 3},
		/* two groups of two harts, 16 MiB apart */
		{{.name = {"riscv,hart-index-bits", "riscv,group-index-bits"},
		  .value = {1, 1},
		  .size = 0x2000,
		  .second = FILE_BASE + 0x1000000},
		 3,
		 FILE_BASE + 0x1001000,
		 3},
		{{.name = {"riscv,hart-index-bits", "riscv,group-index-bits"},
		  .value = {4, 1},
		  .size = 0x2000,
		  .second = FILE_BASE + 0x1000000},
		 2,
		 FILE_BASE + 0x1000000,
		 16},
		/* the last guest's file of each group is not there: its place is */
		{{.name = {"riscv,guest-index-bits", "riscv,hart-index-bits",
			   "riscv,group-index-bits"},
		  .value = {1, 1, 1},
		  .size = 0x3000,
		  .second = FILE_BASE + 0x1000000},
		 3,
		 FILE_BASE + 0x1002000,
		 3},
		/* 64 KiB apart, and guests */
		{{.name = {"riscv,guest-index-bits", "riscv,group-index-bits",
			   "riscv,group-index-shift"},
		  .value = {1, 1, 16},
		  .size = 0x4000,
		  .second = FILE_BASE + 0x10000},
		 3,
		 FILE_BASE + 0x12000,
		 5},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t hart;

		model.entry = cases[i].entry;
		assert_int_equal(probe(&cases[i].node), 0);
		assert_int_equal(imsic->page, cases[i].page);
		assert_int_equal(imsic_hart(dev->node, &hart), 0);
		assert_int_equal(hart, cases[i].hart);
		assert_int_equal(imsic_hart(dev->node + 4, &hart), -ENXIO);
	}
}

static void test_bad_nodes(void **state)
{
	static const struct node bad[] = {
		{.ids = 62},
		{.ids = 64},
		{.ids = 2111},
		{.size = 0x3000},		   /* no page for the last hart */
		{.size = 0x2000, .second = 0x100}, /* not a page */
		{.name = {"riscv,guest-index-bits"}, .value = {8}},
		{.name = {"riscv,hart-index-bits"}, .value = {15}},
		{.name = {"riscv,hart-index-bits"}, .value = {1}}, /* four do not fit */
		{.name = {"riscv,group-index-bits"}, .value = {8}},
		{.name = {"riscv,group-index-bits", "riscv,group-index-shift"}, .value = {1, 12}},
		{.name = {"riscv,group-index-shift"}, .value = {64}},
		/* the second range is no group's */
		{.size = 0x2000, .second = FILE_BASE + 0x1000000},
	};

	(void)state;
	model.entry = 3;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(probe(&bad[i]), -EINVAL);
	model.alloc_fails = true;
	assert_int_equal(probe(&(struct node){0}), -ENOMEM);
	assert_int_equal(probe(&(struct node){.isa = "rv64imac_ssaiax"}), -ENODEV);
	assert_non_null(strstr(log_text, "no Ssaia"));
	log_text[0] = '\0';
	model.supervisor = false; /* the firmware's: not a word */
	assert_int_equal(probe(&(struct node){0}), -ENODEV);
	assert_string_equal(log_text, "");
	assert_int_equal(model.writes, 0);
	model.other = true; /* other harts' alone */
	assert_int_equal(probe(&(struct node){0}), -ENODEV);
	assert_non_null(strstr(log_text, "no file for the boot hart"));
	assert_int_equal(model.writes, 0);
	/* a file that cannot be switched on is left off */
	model.supervisor = true;
	model.alloc_fails = false;
	model.dead = true;
	assert_int_equal(probe(&(struct node){0}), -EOPNOTSUPP);
	assert_int_equal(model.registered, 0);
	assert_null(dev->msi_chip);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_interrupts, setup),
		cmocka_unit_test_setup(test_all_identities, setup),
		cmocka_unit_test_setup(test_addresses, setup),
		cmocka_unit_test_setup(test_bad_nodes, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
