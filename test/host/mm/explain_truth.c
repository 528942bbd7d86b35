/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain_truth.c: is what was said of a refused request true? What it advises is done, with a copy
 * of all state; what it does not advise is tried; the rule that it names is taken away.
 */
#include "explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "campaign.h"
#include "mm/state.h"
#include "test/host/port_host.h"

struct page *attempt(gfp_t gfp, unsigned int order)
{
	jmp_buf jump;
	struct page *page = NULL;

	port_host_panic_jump = &jump;
	if (!setjmp(jump))
		page = alloc_pages(gfp, order);
	port_host_panic_jump = NULL;
	return page;
}

bool advice_helps(const char *advice, gfp_t gfp, unsigned int order)
{
	static const struct {
		const char *text;
		gfp_t set, clear;
	} flags[] = {
		{"__GFP_HIGH,", __GFP_HIGH, 0},
		{"__GFP_RETRY_MAYFAIL,", __GFP_RETRY_MAYFAIL, __GFP_NORETRY},
		{"no __GFP_NORETRY,", 0, __GFP_NORETRY},
		{"__GFP_DIRECT_RECLAIM,", __GFP_DIRECT_RECLAIM, 0},
	};
	unsigned long long kbytes;
	unsigned int ratio;
	bool known = false, helps;

	keep_all();
	for (unsigned int i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		if (strncmp(advice, flags[i].text, strlen(flags[i].text)))
			continue;
		gfp = (gfp | flags[i].set) & ~flags[i].clear;
		known = true;
	}
	if (!strncmp(advice, "drain, ", 7)) {
		drain_all_pages();
	} else if (sscanf(advice, "sysctl vm.min_free_kbytes=%llu ", &kbytes) == 1) {
		assert_int_equal(0, mm_set_min_free_kbytes(kbytes));
	} else if (sscanf(advice, "sysctl vm.lowmem_reserve_ratio=%u ", &ratio) == 1) {
		assert_int_equal(0, mm_set_lowmem_reserve_ratio(ZONE_DMA32, ratio));
	} else if (sscanf(advice, "order %u instead", &order) != 1 && !known) {
		fail_msg("unknown advice: %s", advice);
	}
	helps = attempt(gfp | __GFP_NOWARN, order);
	put_back();
	keep_none();
	return helps;
}

/* A larger vm.min_free_kbytes, of those that are tried before it, does not help. */
static void no_larger_min_free(const char *said, const char *advice, gfp_t gfp, unsigned int order)
{
	unsigned long long kbytes, now;
	char larger[48];

	if (sscanf(advice, "sysctl vm.min_free_kbytes=%llu (now %llu)", &kbytes, &now) != 2)
		return;
	while (now / 2 > kbytes)
		now /= 2;
	snprintf(larger, sizeof(larger), "sysctl vm.min_free_kbytes=%llu ", now);
	if (advice_helps(larger, gfp, order))
		fail_msg("gfp 0x%x order %u: %s would do, not said: %s", (unsigned int)gfp, order,
			 larger, said);
}

/*
 * A lower order is advised, or none of all, only where no sysctl and no flag would do: the best of
 * each is tried.
 */
void no_better_advice(const char *said, const char *advice, gfp_t gfp, unsigned int order)
{
	static const char *const tries[] = {
		"__GFP_HIGH,",
		"__GFP_RETRY_MAYFAIL,",
		"no __GFP_NORETRY,",
		"__GFP_DIRECT_RECLAIM,",
		"sysctl vm.min_free_kbytes=0 ",
		"sysctl vm.lowmem_reserve_ratio=0 ",
	};
	unsigned int lower = 0;
	char text[32];

	if (advice && sscanf(advice, "order %u ", &lower) != 1) {
		no_larger_min_free(said, advice, gfp, order);
		return;
	}
	for (unsigned int i = 0; i < sizeof(tries) / sizeof(tries[0]); i++)
		if (advice_helps(tries[i], gfp, order))
			fail_msg("gfp 0x%x order %u: %s would help, not said: %s",
				 (unsigned int)gfp, order, tries[i], said);
	for (lower += advice != NULL; lower < order; lower++) {
		snprintf(text, sizeof(text), "order %u instead", lower);
		if (advice_helps(text, gfp, order))
			fail_msg("gfp 0x%x order %u: order %u would help, not said: %s",
				 (unsigned int)gfp, order, lower, said);
	}
}

/* ---- the rule that is named ---------------------------------------------------------------- */

/* What a line of mm_explain() says of a zone; NULL: nothing. */
static const char *said_of(const char *text, const char *zone)
{
	const char *part = strstr(text, zone);

	return part ? part + strlen(zone) : NULL;
}

static bool in_part(const char *part, const char *words)
{
	const char *found = part ? strstr(part, words) : NULL;

	return found && found < part + strcspn(part, ";");
}

/* The figures are the zone's, and add up to what is missing. */
static void check_figures(const struct zone *zone, const char *part)
{
	unsigned long long free_pages, highatomic = 0, keeps, missing, kept, reserve;
	bool lowmem = in_part(part, "lowmem_reserve keeps");
	unsigned int order;
	int n = 0;

	if (!in_part(part, " missing")) {
		assert_int_equal(2, sscanf(part, "no free block of order %u: %llu pages free,",
					   &order, &free_pages));
		assert_int_equal(zone_free_pages(zone), free_pages);
		return;
	}
	assert_int_equal(1, sscanf(part, "%llu pages free, %n", &free_pages, &n));
	assert_int_equal(zone_free_pages(zone), free_pages);
	part += n;
	n = 0;
	if (sscanf(part, "%llu of them in HIGHATOMIC pageblocks, %n", &highatomic, &n) == 1 && n)
		assert_int_equal(nr_free_of(zone, MIGRATE_HIGHATOMIC), highatomic);
	else
		highatomic = 0;
	part += n;
	reserve = zone->lowmem_reserve[ZONE_NORMAL];
	if (lowmem) {
		assert_int_equal(
			2,
			sscanf(part,
			       "lowmem_reserve keeps %llu for requests limited to it, %llu missing",
			       &keeps, &missing));
		assert_int_equal(reserve, keeps);
		assert_true(missing && missing <= reserve);
		return;
	}
	assert_int_equal(3, sscanf(part, "the min watermark keeps %llu, %llu missing for order %u",
				   &kept, &missing, &order));
	assert_true(kept <= zone->mark.min);
	missing -= kept + (1ULL << order) + highatomic - free_pages;
	assert_true(!missing || missing == reserve);
}

/* lowmem_reserve is named if, and only if, the zone would leave its min mark without it. */
int check_rule(const char *text, gfp_t gfp, unsigned int order)
{
	const char *dma32 = said_of(text, "zone DMA32: "), *normal = said_of(text, "zone Normal: ");
	bool lowmem = in_part(dma32, "lowmem_reserve keeps"), missing = in_part(dma32, " missing");
	char without[512];

	if (normal)
		check_figures(&mm.zones[ZONE_NORMAL], normal);
	if (dma32)
		check_figures(&mm.zones[ZONE_DMA32], dma32);
	if (!missing)
		return 0;
	keep_all();
	assert_int_equal(0, mm_set_lowmem_reserve_ratio(ZONE_DMA32, 0));
	if (!mm_explain(gfp, order, without, sizeof(without)) &&
	    in_part(said_of(without, "zone DMA32: "), " missing") == lowmem)
		fail_msg("gfp 0x%x order %u: %s; without lowmem_reserve: %s", (unsigned int)gfp,
			 order, text, without);
	put_back();
	keep_none();
	return lowmem ? 'l' : 'm';
}
