/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_aplic.c: the APLIC's driver on a domain made up from chapter 4 of the RISC-V AIA 1.0: what
 * it sets up in both ways of delivery, whose handler a claim or a message calls, and that a refusal
 * leaves nothing on.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_aplic.h"

static void hart(const char *name, uint32_t number, uint32_t phandle)
{
	begin(name);
	put("reg", CELLS(number));
	begin("interrupt-controller");
	put("#interrupt-cells", CELLS(1));
	put("phandle", CELLS(phandle));
	end();
	end();
}

/* Two harts; cells: extra property of the domain's node. */
static void make_tree(bool msi, uint32_t size, uint32_t sources, const char *name,
		      const uint32_t *cells, size_t bytes)
{
	start_tree();
	begin("cpus");
	put("#address-cells", CELLS(1));
	put("#size-cells", CELLS(0));
	hart("cpu@0", 0, 1);
	hart("cpu@7", BOOT_HART, 2);
	end();
	begin("imsics");
	put("phandle", CELLS(IMSIC));
	put("#interrupt-cells", CELLS(0));
	end();
	begin("aplic");
	put("phandle", CELLS(DOMAIN));
	put("#interrupt-cells", CELLS(2));
	put("reg", CELLS(0, 0xd000000, 0, size));
	put("riscv,num-sources", CELLS(sources));
	if (msi)
		put("msi-parent", CELLS(IMSIC));
	else
		put("interrupts-extended", CELLS(1, 9, 2, 9));
	if (name)
		put(name, cells, bytes);
	end();
	finish_tree();
}

static int probe(void)
{
	memset(page, 0, sizeof(page));
	dev->fdt = blob;
	dev->node = at("/aplic");
	return aplic_probe(dev);
}

static int setup(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	model.supervisor = model.imsic_bound = true;
	model.idelivery[0] = model.idelivery[1] = 1; /* left on by somebody */
	model.enabled[3] = true;
	model.mode[3] = APLIC_SM_LEVEL1;
	log_text[0] = '\0';
	return 0;
}

static int xlate(uint32_t source, uint32_t trigger)
{
	const uint32_t cells[] = {source, trigger};

	return dev->irq_chip->xlate(dev, cells, 2);
}

static void handler(void *arg)
{
	model.interrupts++;
	if (arg)
		set_line(*(uint32_t *)arg, false);
}

static void test_direct(void **state)
{
	uint32_t ten = 10;

	(void)state;
	make_tree(false, SPACE, NR_SOURCES, NULL, NULL, 0);
	assert_int_equal(probe(), 0);
	assert_int_equal(model.domaincfg, DOMAINCFG_IE);
	assert_int_equal(model.idelivery[0], 0);
	assert_int_equal(model.idelivery[1], 1);
	assert_false(model.enabled[3] || model.mode[3]);
	assert_true(model.registered == 1 && !model.polled);

	assert_int_equal(xlate(10, 4), 10);
	assert_int_equal(aplic_enable(dev, 10, handler, &ten), 0);
	assert_int_equal(aplic_enable(dev, 10, handler, &ten), -EBUSY);
	assert_int_equal(model.mode[10], APLIC_SM_LEVEL1);
	assert_int_equal(model.target[10], 1 << 18 | 1);
	/* another device that names it otherwise is refused, and changes nothing */
	assert_int_equal(xlate(10, 1), 10);
	assert_int_equal(aplic_enable(dev, 10, handler, NULL), -EBUSY);
	assert_int_equal(table[10].mode, APLIC_SM_LEVEL1);
	set_line(10, true);
	aplic_interrupt(dev);
	assert_int_equal(model.interrupts, 1);
	/* a level that has gone but is pending all the same, as with an old QEMU */
	model.pending[10] = model.stale = true;
	aplic_interrupt(dev);
	assert_int_equal(model.interrupts, 1);
	assert_false(model.pending[10]);
	model.stale = false;
	set_line(10, true);
	aplic_mask(dev, 10);
	aplic_interrupt(dev);
	assert_int_equal(model.interrupts, 1);
	aplic_disable(dev, 10);
	assert_false(model.enabled[10] || model.mode[10] || table[10].fn);

	/* a source that nobody has asked for does not come twice */
	model.mode[11] = APLIC_SM_LEVEL1;
	model.enabled[11] = true;
	model.target[11] = 1 << 18 | 1;
	set_line(11, true);
	aplic_interrupt(dev);
	assert_int_equal(aplic->spurious, 1);
	assert_false(model.enabled[11]);

	assert_int_equal(xlate(96, 1), 96);
	assert_int_equal(aplic_enable(dev, 96, handler, NULL), 0);
	aplic_remove(dev);
	assert_int_equal(model.domaincfg, 0);
	assert_int_equal(model.idelivery[1], 0);
	assert_false(model.enabled[96] || model.mode[96]);
	assert_int_equal(model.registered, 0);
}

/* Each trigger of the binding, and no other. */
static void test_specifiers(void **state)
{
	static const uint32_t modes[] = {
		[1] = SM_EDGE1, [2] = SM_EDGE0, [4] = APLIC_SM_LEVEL1, [8] = SM_LEVEL0};
	const uint32_t one[] = {10};

	(void)state;
	make_tree(false, SPACE, NR_SOURCES, NULL, NULL, 0);
	assert_int_equal(probe(), 0);
	for (uint32_t trigger = 0; trigger < 16; trigger++) {
		bool known = trigger < 9 && modes[trigger];

		assert_int_equal(xlate(5, trigger), known ? 5 : -EINVAL);
		if (!known)
			continue;
		assert_int_equal(aplic_enable(dev, 5, handler, NULL), 0);
		assert_int_equal(model.mode[5], modes[trigger]);
		aplic_disable(dev, 5);
	}
	assert_int_equal(xlate(0, 4), -EINVAL);
	assert_int_equal(xlate(NR_SOURCES + 1, 4), -EINVAL);
	assert_int_equal(dev->irq_chip->xlate(dev, one, 1), -EINVAL);
	/* a child domain has it: nothing is left on */
	model.delegated[6] = true;
	assert_int_equal(xlate(6, 4), 6);
	assert_int_equal(aplic_enable(dev, 6, handler, NULL), -ENXIO);
	assert_false(model.enabled[6] || table[6].fn);
}

/* Every hart that the domain knows may be the one that boots. */
static void test_hart_indexes(void **state)
{
	(void)state;
	make_tree(false, SPACE, NR_SOURCES, "riscv,hart-indexes", CELLS(1, 3));
	assert_int_equal(probe(), 0);
	assert_int_equal(model.idelivery[3], 1);
	assert_int_equal(model.idelivery[1], 0);
	assert_int_equal(xlate(10, 1), 10);
	assert_int_equal(aplic_enable(dev, 10, handler, NULL), 0);
	assert_int_equal(model.target[10] >> 18, 3);
	make_tree(false, SPACE, NR_SOURCES, "riscv,hart-indexes", CELLS(0, 600));
	assert_int_equal(probe(), -EINVAL);
	make_tree(false, SPACE, NR_SOURCES, "riscv,hart-indexes", CELLS(0, 0xffffffff));
	assert_int_equal(probe(), -EINVAL);
}

/* A domain of other harts delivers to the first of them, and is polled. */
static void test_other_harts(void **state)
{
	uint32_t ten = 10;

	(void)state;
	model.supervisor = false;
	model.other = true;
	make_tree(false, SPACE, NR_SOURCES, "riscv,hart-indexes", CELLS(2, 3));
	assert_int_equal(probe(), 0);
	assert_true(model.registered == 1 && model.polled);
	assert_true(model.idelivery[2] && !model.idelivery[3]);
	assert_int_equal(xlate(10, 4), 10);
	assert_int_equal(aplic_enable(dev, 10, handler, &ten), 0);
	set_line(10, true);
	aplic_interrupt(dev);
	assert_int_equal(model.interrupts, 1);
}

/* Refused before anything is touched. */
static void test_bad_nodes(void **state)
{
	static const struct {
		uint32_t size, sources;
	} bad[] = {{0x3fff, 96}, {0x4000, 96}, {0x4020, 96}, {SPACE, 0}, {SPACE, 1024}};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make_tree(false, bad[i].size, bad[i].sources, NULL, NULL, 0);
		assert_int_equal(probe(), -EINVAL);
	}
	model.alloc_fails = true;
	make_tree(false, SPACE, NR_SOURCES, NULL, NULL, 0);
	assert_int_equal(probe(), -ENOMEM);
	/* the firmware's: not a word */
	model.supervisor = false;
	assert_int_equal(probe(), -ENODEV);
	make_tree(true, SPACE, NR_SOURCES, NULL, NULL, 0);
	model.imsic_bound = false;
	assert_int_equal(probe(), -ENODEV);
	assert_string_equal(log_text, "");
	/* ours, but nobody serves what it sends to */
	model.supervisor = true;
	assert_int_equal(probe(), -ENODEV);
	assert_non_null(strstr(log_text, "has no driver: not usable"));
	assert_int_equal(model.writes, 0);
	assert_int_equal(model.registered, 0);
}

/* A domain that knows one way of delivery only; nothing of it is left on. */
static void test_wrong_delivery(void **state)
{
	(void)state;
	make_tree(false, SPACE, NR_SOURCES, NULL, NULL, 0);
	model.fixed = DOMAINCFG_DM;
	assert_int_equal(probe(), -EOPNOTSUPP);
	assert_int_equal(model.domaincfg & DOMAINCFG_IE, 0);
	assert_int_equal(model.idelivery[1], 0);
	assert_int_equal(model.registered, 0);
	assert_null(dev->irq_chip);
}

static void test_messages(void **state)
{
	uint32_t ten = 10;

	(void)state;
	make_tree(true, 0x4000, NR_SOURCES, NULL, NULL, 0);
	model.imsic_hart = 0x15;
	assert_int_equal(probe(), 0);
	assert_int_equal(model.domaincfg, DOMAINCFG_IE | DOMAINCFG_DM);
	assert_int_equal(model.registered, 0);
	assert_int_equal(xlate(10, 4), 10);
	assert_int_equal(aplic_enable(dev, 10, handler, &ten), 0);
	assert_int_equal(model.target[10], 0x15 << 18 | 33);

	/* one message; the handler quiets the device, so it is the only one */
	set_line(10, true);
	assert_int_equal(model.sent, 1);
	msi_fn(msi_arg);
	assert_int_equal(model.sent, 1);
	/* it does not: there is another after each handler, as long as the level stays */
	table[10].arg = NULL;
	set_line(10, true);
	assert_int_equal(model.sent, 2);
	msi_fn(msi_arg);
	assert_int_equal(model.sent, 3);
	set_line(10, false);
	msi_fn(msi_arg);
	assert_int_equal(model.sent, 3);
	assert_int_equal(model.interrupts, 3);
	aplic_disable(dev, 10);
	assert_int_equal(model.freed, 1);

	/* an edge is sent once */
	assert_int_equal(xlate(10, 1), 10);
	assert_int_equal(aplic_enable(dev, 10, handler, NULL), 0);
	set_line(10, true);
	assert_int_equal(model.sent, 4);
	msi_fn(msi_arg);
	assert_int_equal(model.sent, 4);
	aplic_disable(dev, 10);

	/* no identity is left: nothing is on */
	model.msi_refusal = -ENOSPC;
	assert_int_equal(aplic_enable(dev, 10, handler, NULL), -ENOSPC);
	assert_false(model.mode[10] || model.enabled[10] || table[10].fn);
	assert_int_equal(model.requested, model.freed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_direct, setup),
		cmocka_unit_test_setup(test_specifiers, setup),
		cmocka_unit_test_setup(test_hart_indexes, setup),
		cmocka_unit_test_setup(test_other_harts, setup),
		cmocka_unit_test_setup(test_bad_nodes, setup),
		cmocka_unit_test_setup(test_wrong_delivery, setup),
		cmocka_unit_test_setup(test_messages, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
