/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_pci.c: the walk over PCI buses and the placing of BARs, on configuration spaces made here:
 * whole ones of any shape, and functions that answer nonsense.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_pci.h"

/* ---- what must hold -------------------------------------------------------------------------- */

static uint64_t bar_at(const struct pci_dev *pdev, int i)
{
	uint64_t addr = readl(pdev->config + PCI_BAR(i)) & ~15U;

	if (pdev->bar[i].kind == PCI_BAR_MEM64)
		addr |= (uint64_t)readl(pdev->config + PCI_BAR(i + 1)) << 32;
	return addr;
}

struct range {
	uint64_t start, end;
};

/* One of a bridge's windows; start >= end: it is closed. */
static struct range window_of(const struct pci_dev *bridge, bool high)
{
	uint32_t value =
		readl(bridge->config + (high ? PCI_PREF_BASE_LIMIT : PCI_MEMORY_BASE_LIMIT));
	struct range range = {(value & 0xfff0) << 16, (uint64_t)(value | 0xfffff) + 1};

	if (high) {
		range.start |= (uint64_t)readl(bridge->config + PCI_PREF_BASE_UPPER) << 32;
		range.end += (uint64_t)readl(bridge->config + PCI_PREF_LIMIT_UPPER) << 32;
	}
	return range;
}

/* Does bridge pass any of [at, at + size) on? */
static bool passes(const struct pci_dev *bridge, uint64_t at, uint64_t size)
{
	struct range low = window_of(bridge, false), high = window_of(bridge, true);

	return (low.start < low.end && at < low.end && at + size > low.start) ||
	       (high.start < high.end && at < high.end && at + size > high.start);
}

/* A bridge asks for nothing that is not the host's to give. */
static void check_windows(const struct pci_dev *bridge)
{
	struct range low = window_of(bridge, false), high = window_of(bridge, true);

	assert_true(low.start >= low.end || (low.start >= LOW_BASE && low.end <= host.low.end));
	assert_true(high.start >= high.end ||
		    (high.start >= HIGH_BASE && high.end <= host.high.end));
}

static void check_bar(const struct pci_dev *pdev, int i)
{
	const struct pci_bar *bar = &pdev->bar[i];
	uint64_t at = bar_at(pdev, i);

	assert_true(at % bar->size == 0);
	assert_true(at < HIGH_BASE || bar->kind == PCI_BAR_MEM64);
	assert_true(at < HIGH_BASE || !pdev->bridge || bar->prefetchable);
	assert_true(at + CPU_OFFSET == bar->cpu);
	assert_true((at >= LOW_BASE && at + bar->size <= LOW_BASE + LOW_SIZE) ||
		    (at >= HIGH_BASE && at + bar->size <= HIGH_BASE + HIGH_SIZE));
	for (unsigned int n = 0; n < host.nr_functions; n++) {
		const struct pci_dev *other = pci_function(&host, n), *above = pdev->bridge;

		for (int j = 0; j < PCI_NR_BARS; j++)
			if (other->bar[j].placed && (other != pdev || j != i))
				assert_true(bar_at(other, j) >= at + bar->size ||
					    bar_at(other, j) + other->bar[j].size <= at);
		while (above && above != other)
			above = above->bridge;
		if (other->is_bridge)
			assert_int_equal(passes(other, at, bar->size), above == other);
	}
}

/*
 * Every function that was found is off, and its BARs are placed or it is unusable. Returns how many
 * are not.
 */
static unsigned int check_all(void)
{
	unsigned int unusable = 0;

	for (unsigned int n = 0; n < host.nr_functions; n++) {
		const struct pci_dev *pdev = pci_function(&host, n);

		assert_int_equal(readw(pdev->config + PCI_VENDOR_ID), pdev->vendor);
		assert_int_equal(readw(pdev->config + PCI_COMMAND), PCI_COMMAND_INTX_DISABLE);
		for (int i = 0; i < PCI_NR_BARS; i++) {
			if (pdev->bar[i].kind < PCI_BAR_MEM32)
				continue;
			assert_true(pdev->bar[i].placed || pdev->unusable);
			if (pdev->bar[i].placed)
				check_bar(pdev, i);
		}
		if (pdev->is_bridge)
			check_windows(pdev);
		unusable += pdev->unusable;
	}
	return unusable;
}

/* ---- cases ----------------------------------------------------------------------------------- */

/* A tree of any shape whose BARs have up to 2^max bytes. */
static void random_tree(unsigned int max)
{
	int count = 5 + (int)(next() % 40);

	for (int n = 0; n < count; n++) {
		int bridge = ROOT, function, depth = 0, i = 0, candidate = (int)(next() % 60);
		bool is_bridge = next() % 3 == 0;

		if (candidate < nr_fakes && (fakes[candidate].reg[PCI_HEADER_TYPE / 4] >> 16) == 1)
			bridge = candidate;
		for (int above = bridge; above != ROOT; above = fakes[above].bridge)
			depth++;
		/* slots in use are one function each, so n is a slot of its own below 32 */
		if (n >= 32 && bridge == ROOT)
			continue;
		function = add(bridge, (unsigned int)(n % 32) * 8, is_bridge && depth < MAX_DEPTH);
		for (int other = 0; other < function; other++)
			if (fakes[other].bridge == bridge &&
			    fakes[other].devfn == fakes[function].devfn)
				nr_fakes = function; /* taken */
		if (nr_fakes == function)
			continue;
		while (i < (is_bridge ? 2 : PCI_NR_BARS) - 1 && next() % 3)
			i += add_bar(function, i, 4 + next() % (max - 3), next() % 2, next() % 2);
	}
}

static void any_tree(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 2000; round++) {
		start(round);
		random_tree(20); /* 45 times 3 of 1 MiB, and as much for alignment: there is room */
		scan_and_assign();
		assert_int_equal(check_all(), 0);
		assert_int_equal(nr_lines, 0);
		assert_int_equal(host.nr_functions, nr_fakes);
		finish();
	}
}

static void too_little_room(void **state)
{
	unsigned int unusable = 0;

	(void)state;
	for (uint32_t round = 0; round < 2000; round++) {
		unsigned int count;

		start(round);
		random_tree(36);
		scan_and_assign();
		count = check_all();
		assert_int_equal(nr_lines, count); /* one line each */
		unusable += count;
		finish();
	}
	assert_true(unusable > 1000);
}

/* Windows that a host does not have. */
static void no_windows(void **state)
{
	(void)state;
	for (uint32_t round = 0; round < 200; round++) {
		start(round);
		if (round & 1)
			memset(&host.low, 0, sizeof(host.low));
		if (round & 2)
			memset(&host.high, 0, sizeof(host.high));
		random_tree(round % 30 + 6);
		scan_and_assign();
		check_all();
		finish();
	}
}

/* Where a window ends within a granule, no bridge gets that one. */
static void end_of_window(void **state)
{
	int bridge;

	(void)state;
	start(1);
	host.low.end = LOW_BASE + 0x1f0000;
	bridge = add(ROOT, 8, 1);
	add_bar(add(bridge, 0, 0), 0, 20, false, false);
	add_bar(add(bridge, 8, 0), 0, 16, false, false);
	add_bar(add(ROOT, 16, 0), 0, 16, false, false);
	scan_and_assign();
	check_all();
	assert_true(pci_function(&host, 1)->bar[0].placed);  /* 00:02.0 has the rest */
	assert_true(pci_function(&host, 2)->bar[0].placed);  /* behind the bridge */
	assert_false(pci_function(&host, 3)->bar[0].placed); /* there was no granule for this */
	finish();
}

/* All a function has is nonsense: it is unusable, and the others are not. */
static void nonsense(void **state)
{
	static const struct {
		uint32_t fixed, writable;
	} bars[] = {
		{NONE, 0},		    /* all ones, always: it has gone */
		{0, 0xffff00f0},	    /* a hole in the address */
		{0, 0x00fffff0},	    /* the upper bits are missing */
		{0, 0x00000000 | 0xfff0},   /* the same */
		{BAR_TYPE, 0xfffff000},	    /* a reserved type */
		{0x2, 0xfffff000},	    /* below 1 MiB: not any more */
		{BAR_TYPE_64, 0x00000000},  /* 64 bits, none of which can be written */
		{BAR_PREFETCH, 0x00000000}, /* prefetchable, of no size */
	};

	(void)state;
	for (size_t n = 0; n < sizeof(bars) / sizeof(bars[0]); n++) {
		start(1);
		fakes[add(ROOT, 8, 0)].reg[PCI_BAR(2) / 4] = bars[n].fixed;
		fakes[0].writable[PCI_BAR(2) / 4] = bars[n].writable;
		add_bar(add(ROOT, 16, 0), 0, 20, false, false);
		scan_and_assign();
		assert_int_equal(host.nr_functions, 2);
		assert_true(pci_function(&host, 0)->unusable);
		assert_false(pci_function(&host, 0)->bar[2].placed);
		assert_true(pci_function(&host, 1)->bar[0].placed);
		check_all();
		finish();
	}
	/* 64 bits in the last register */
	start(1);
	add_bar(add(ROOT, 8, 0), 5, 20, false, false);
	fakes[0].reg[PCI_BAR(5) / 4] = BAR_TYPE_64;
	scan_and_assign();
	assert_true(pci_function(&host, 0)->unusable);
	finish();
	/* a header of a kind that is not known */
	start(1);
	add(ROOT, 8, 2);
	add(ROOT, 16, 0x7f);
	scan_and_assign();
	assert_int_equal(host.nr_functions, 2);
	assert_true(pci_function(&host, 0)->unusable && pci_function(&host, 1)->unusable);
	check_all();
	finish();
}

/* Functions 1 to 7 are looked for only where function 0 says so; vendors that mean "none". */
static void multifunction(void **state)
{
	(void)state;
	start(1);
	add(ROOT, 8, 0);
	add(ROOT, 9, 0); /* hidden */
	add(ROOT, 16, 0x80);
	add(ROOT, 19, 0);
	add(ROOT, 23, 0);
	add(ROOT, 25, 0); /* no function 0 */
	fakes[add(ROOT, 32, 0)].reg[0] = 0x12340000;
	scan_and_assign();
	assert_int_equal(host.nr_functions, 4);
	assert_int_equal(pci_function(&host, 3)->devfn, 23);
	assert_string_equal(pci_function(&host, 3)->name, "03:02.7");
	assert_string_equal(pci_function(&host, 3)->compatible, "pci1234,4");
	assert_int_equal(check_all(), 0);
	finish();
}

/* Bridges behind bridges without end, and more of them than there are bus numbers. */
static void bridges_without_end(void **state)
{
	int bridge = ROOT;

	(void)state;
	start(1);
	for (int i = 0; i < 20; i++)
		bridge = add(bridge, 0, 1);
	scan_and_assign();
	assert_int_equal(host.nr_functions, MAX_DEPTH + 1);
	assert_true(pci_function(&host, MAX_DEPTH)->unusable);
	finish();

	start(1);
	for (unsigned int i = 0; i < 6; i++)
		for (unsigned int func = 0; func < 8; func++)
			add(ROOT, i * 8 + func, 0x81);
	scan_and_assign();
	assert_int_equal(host.nr_functions, 48);
	assert_int_equal(host.top_bus, LAST_BUS);
	assert_false(pci_function(&host, LAST_BUS - FIRST_BUS - 1)->unusable);
	assert_true(pci_function(&host, LAST_BUS - FIRST_BUS)->unusable);
	finish();
}

/* What a loader has left on interrupts by message no more, so its wire is of use. */
static void messages_left_on(void **state)
{
	struct fake *fake;

	(void)state;
	start(1);
	fake = &fakes[add(ROOT, 8, 0)];
	fake->reg[0x34 / 4] = 0x40;
	fake->reg[0x40 / 4] = 0x00015005; /* MSI, on; the next one */
	fake->reg[0x50 / 4] = 0xc0036011; /* MSI-X of four vectors, on and masked; the next one */
	fake->reg[0x60 / 4] = 0xffff4009; /* another, then in a circle */
	for (int at = 0x40; at <= 0x60; at += 0x10)
		fake->writable[at / 4] = 0xffff0000;
	scan_and_assign();
	assert_int_equal(fake->reg[0x40 / 4], 0x00005005);
	assert_int_equal(fake->reg[0x50 / 4] & 0xc0000000, 0);
	assert_int_equal(fake->reg[0x60 / 4], 0xffff4009);
	check_all();
	finish();
}

static void too_many(void **state)
{
	(void)state;
	start(1);
	for (unsigned int i = 0; i < 16; i++)
		for (unsigned int func = 0; func < 8; func++)
			add(ROOT, i * 8 + func, 0x80);
	scan_and_assign();
	assert_int_equal(host.nr_functions, PCI_MAX_FUNCTIONS);
	assert_true(host.full);
	assert_int_equal(nr_lines, 1);
	for (int i = 0; i < nr_fakes; i++) /* those that are not used are off too */
		assert_int_equal(fakes[i].reg[1] & fakes[i].writable[1], PCI_COMMAND_INTX_DISABLE);
	finish();

	start(1);
	add(ROOT, 0, 0);
	alloc_fails = true;
	assert_int_equal(pci_scan(&host), -ENOMEM);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_tree),
		cmocka_unit_test(too_little_room),
		cmocka_unit_test(no_windows),
		cmocka_unit_test(end_of_window),
		cmocka_unit_test(nonsense),
		cmocka_unit_test(multifunction),
		cmocka_unit_test(bridges_without_end),
		cmocka_unit_test(messages_left_on),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
