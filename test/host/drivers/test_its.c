/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_its.c: the driver of a GICv3's ITS on one made up from IHI0069: which memory it and the
 * redistributor are given, which commands make a device's message an interrupt and which end that,
 * and that whatever fails leaves both off, or keeps the memory that they may still use.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_its.h"

/* The machine's compatible string; where the tree says that the ITS is not coherent. */
static void make_tree(const char *machine, bool at_gic, bool at_its)
{
	start_tree();
	assert_int_equal(fdt_property(blob, "compatible", machine, (int)strlen(machine) + 1), 0);
	begin("gic");
	if (at_gic)
		put("dma-noncoherent", NULL, 0);
	begin("its");
	if (at_its)
		put("dma-noncoherent", NULL, 0);
	end();
	end();
	finish_tree();
	dev->fdt = blob;
	dev->node = at("/gic/its");
}

static int setup(void **state)
{
	(void)state;
	memset(&model, 0, sizeof(model));
	memset(page, 0, sizeof(page));
	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (!blocks[i])
			assert_int_equal(posix_memalign((void **)&blocks[i], ITS_BLOCK, ITS_BLOCK),
					 0);
	model.typer = 1 | 15 << 13; /* physical LPIs, device ids of 16 bits */
	model.baser[0] = 1ULL << 56 | (uint64_t)(ENTRY_BYTES - 1) << 48;
	model.baser[1] = 4ULL << 56 | 7ULL << 48;
	model.baser[2] = 2ULL << 56; /* virtual PEs: not used */
	model.page_size = 2;
	model.allocations_left = 8;
	model.redist_ctlr = 1; /* left on by somebody */
	model.ctlr = 1;
	its_dev = NULL;
	make_tree("acme,board", false, false);
	return 0;
}

static void handler(void *arg)
{
	model.calls += *(unsigned int *)arg;
}

static uint64_t address(uint64_t base)
{
	return base & 0x0000ffffffff0000ULL;
}

static void test_starts(void **state)
{
	static const uint64_t pages[] = {15, 3, 0}; /* of a block, less one, by their size */

	for (uint64_t size = 0; size < 3; size++) {
		setup(state);
		model.page_size = size;
		assert_int_equal(its_probe(dev), 0);
		for (int n = 0; n < 2; n++) {
			assert_true(model.baser[n] >> 63);
			assert_int_equal(model.baser[n] & 0xff, pages[size]);
			assert_int_equal(model.baser[n] & SHAREABLE_MASK, SHAREABLE);
		}
		assert_true(address(model.baser[0]) != address(model.baser[1]));
		assert_int_equal(model.baser[2] >> 63, 0);
		assert_int_equal(its->nr_devices, ITS_BLOCK / ENTRY_BYTES);
		assert_int_equal(model.propbaser & 31, ITS_ID_BITS - 1);
		assert_true((model.propbaser & 0x000ffffffffff000ULL) ==
			    (uintptr_t)its->shared->property);
		assert_int_equal(model.pendbaser & 0xffff & ~(SHAREABLE_MASK | 0x380), 0);
		assert_true(model.pendbaser & PENDBASER_ZERO);
		assert_true(model.ctlr == 1 && model.redist_ctlr == 1);
		assert_true(model.collection && model.synced);
		assert_int_equal(model.cleaned, 0);
		its_remove(dev);
		assert_true(model.ctlr == 0 && model.redist_ctlr == 0 && model.lost == 0);
		assert_true(model.cbaser >> 63 == 0 && model.baser[0] >> 63 == 0);
		assert_null(model.lpi);
	}
}

static void test_messages(void **state)
{
	unsigned int one = 1, ten = 10, hundred = 100;
	struct msi_msg msg[3];
	int first, second, other;

	(void)state;
	assert_int_equal(its_probe(dev), 0);
	first = its_request(dev, 16, handler, &one, &msg[0]);
	second = its_request(dev, 16, handler, &ten, &msg[1]);
	other = its_request(dev, 8, handler, &hundred, &msg[2]);
	assert_true(first >= 8192 && second >= 8192 && other >= 8192);
	assert_true(first != second && second != other && first != other);
	assert_true(msg[0].addr == ITS_ADDR + 0x10040 && msg[1].addr == msg[0].addr);
	assert_true(msg[0].data != msg[1].data);
	assert_true(model.device[16].itt != model.device[8].itt && model.device[16].events == 4);
	assert_true(model.synced);
	assert_true(message(16, msg[0].data) && model.calls == 1);
	assert_true(message(16, msg[1].data) && model.calls == 11);
	assert_true(message(8, msg[2].data) && model.calls == 111);
	assert_false(message(8, 1) || message(9, 0));
	its_mask(dev, (unsigned int)first);
	assert_false(message(16, msg[0].data));
	assert_true(message(16, msg[1].data));
	its_free(dev, (unsigned int)first);
	assert_int_equal(model.device[16].events, 4);
	its_free(dev, (unsigned int)second);
	assert_int_equal(model.device[16].events, 0);
	assert_false(message(16, msg[1].data));
	assert_true(message(8, msg[2].data));
	its_free(dev, (unsigned int)other);
	assert_int_equal(model.creadr & 1, 0);
	model.lpi(8192); /* one that was on its way */
	assert_int_equal(its->spurious, 1);
	/* far more commands than the queue has room for */
	for (int i = 0; i < 100; i++) {
		first = its_request(dev, 5, handler, &one, &msg[0]);
		assert_true(first >= 8192);
		assert_true(message(5, msg[0].data));
		its_free(dev, (unsigned int)first);
	}
}

static void test_limits(void **state)
{
	unsigned int one = 1;
	struct msi_msg msg;
	int hwirq = 0;

	(void)state;
	assert_int_equal(its_probe(dev), 0);
	assert_int_equal(its_request(dev, its->nr_devices, handler, &one, &msg), -ENOSPC);
	for (int i = 0; i < ITS_EVENTS; i++)
		assert_true(its_request(dev, 1, handler, &one, &msg) >= 8192);
	assert_int_equal(its_request(dev, 1, handler, &one, &msg), -ENOSPC);
	for (uint32_t id = 2; id <= ITS_DEVICES; id++) {
		hwirq = its_request(dev, id, handler, &one, &msg);
		assert_true(hwirq >= 8192 && hwirq < 8192 + ITS_LPIS);
	}
	assert_int_equal(its_request(dev, 0, handler, &one, &msg), -ENOSPC);
	its_free(dev, (unsigned int)hwirq);
	assert_int_equal(its_request(dev, 0, handler, &one, &msg), hwirq);
	assert_true(message(0, msg.data));
}

/* It does not look into the caches: what it reads is cleaned to memory. */
static void test_not_coherent(void **state)
{
	unsigned int one = 1, before;
	struct msi_msg msg;

	(void)state;
	model.not_shareable = true;
	assert_int_equal(its_probe(dev), 0);
	assert_int_equal(model.cbaser >> 59 & 7, CACHE_NONE);
	assert_int_equal(model.baser[0] >> 59 & 7, CACHE_NONE);
	assert_int_equal(model.propbaser >> 7 & 7, CACHE_NONE);
	before = model.cleaned;
	assert_true(its_request(dev, 1, handler, &one, &msg) >= 8192);
	assert_int_equal(model.cleaned - before, 6); /* four commands, a table, a property */
}

/* The tree, or the machine, knows what the registers do not say. */
static void test_not_coherent_by_tree(void **state)
{
	static const struct {
		const char *machine;
		bool at_gic, at_its, low, coherent;
	} cases[] = {
		{"acme,board", false, false, false, true},
		{"acme,board", true, false, false, false},
		{"acme,board", false, true, false, false},
		{"rockchip,rk3566", false, false, true, false},
		{"rockchip,rk3568", false, true, true, false},
		{"rockchip,rk3588", true, false, false, false},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t cache = cases[i].coherent ? CACHE_WRITE_BACK : CACHE_NONE;

		setup(state);
		make_tree(cases[i].machine, cases[i].at_gic, cases[i].at_its);
		assert_int_equal(its_probe(dev), 0);
		assert_int_equal(model.low_blocks, cases[i].low ? model.blocks : 0);
		assert_int_equal(model.cbaser >> 59 & 7, cache);
		assert_int_equal(model.baser[0] >> 59 & 7, cache);
		assert_int_equal(model.baser[1] >> 59 & 7, cache);
		assert_int_equal(model.propbaser >> 7 & 7, cache);
		assert_int_equal(model.pendbaser >> 7 & 7, cache);
		assert_int_equal(model.cleaned > 0, !cases[i].coherent);
	}
}

/* A second ITS: one line, and the first serves on. */
static void test_second(void **state)
{
	(void)state;
	its_dev = dev;
	assert_int_equal(its_probe(dev), -ENODEV);
	assert_true(model.lines == 1 && model.blocks == 0 && its_dev == dev);
}

/* Each command may be the one that is not executed; and each block the one that is not to be had. */
static void test_failures(void **state)
{
	unsigned int one = 1;
	struct msi_msg msg;

	for (unsigned int at = 1; at <= 3; at++) {
		setup(state);
		model.stall_at = at;
		assert_int_equal(its_probe(dev), -EIO);
		assert_true(model.ctlr == 0 && model.redist_ctlr == 0 && !model.lpi);
		assert_null(its_dev);
	}
	for (unsigned int at = 4; at <= 7; at++) {
		setup(state);
		model.stall_at = at;
		assert_int_equal(its_probe(dev), 0);
		assert_int_equal(its_request(dev, 1, handler, &one, &msg), -EIO);
		assert_null(its->handler[0].fn);
		assert_int_equal(its->device[0].events, 0);
		assert_int_equal(its_request(dev, 1, handler, &one, &msg), -EIO);
	}
	for (unsigned int left = 0; left < 4; left++) {
		setup(state);
		model.allocations_left = left;
		assert_int_equal(its_probe(dev), -ENOMEM);
		assert_true(model.ctlr == 0 && model.redist_ctlr == 0 && model.lost == 0);
		assert_true(model.baser[0] >> 63 == 0 && model.cbaser >> 63 == 0);
	}
}

static void test_refused(void **state)
{
	(void)state;
	model.no_lpis = true;
	assert_int_equal(its_probe(dev), -EOPNOTSUPP);
	setup(state);
	model.typer &= ~1ULL;
	assert_int_equal(its_probe(dev), -EOPNOTSUPP);
	setup(state);
	model.no_gicv3 = true;
	assert_int_equal(its_probe(dev), -EBUSY);
	/* the firmware's tables, for good */
	setup(state);
	model.sticky_lpis = true;
	assert_int_equal(its_probe(dev), -EBUSY);
	assert_true(model.lines == 1 && model.blocks == 0);
	setup(state);
	model.restless = true;
	assert_int_equal(its_probe(dev), -ETIMEDOUT);
	assert_int_equal(model.blocks, 0);
	assert_null(dev->msi_chip);
}

/* What cannot be switched off keeps what it was given. */
static void test_lost(void **state)
{
	(void)state;
	assert_int_equal(its_probe(dev), 0);
	model.restless = true;
	its_remove(dev);
	assert_int_equal(model.lost, 1);
	setup(state);
	assert_int_equal(its_probe(dev), 0);
	model.sticky_lpis = true;
	its_remove(dev);
	assert_int_equal(model.lost, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_starts, setup),
		cmocka_unit_test_setup(test_messages, setup),
		cmocka_unit_test_setup(test_limits, setup),
		cmocka_unit_test_setup(test_not_coherent, setup),
		cmocka_unit_test_setup(test_failures, setup),
		cmocka_unit_test_setup(test_refused, setup),
		cmocka_unit_test_setup(test_lost, setup),
		cmocka_unit_test_setup(test_not_coherent_by_tree, setup),
		cmocka_unit_test_setup(test_second, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
