/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_explain.c: what is said of a request is what becomes of it. Random requests in random states of
 * random machines: mm_explain() and mm_why() are asked first and change nothing; then the request is
 * made, and must be served or refused as they said, with the same words. What "would help" is tried:
 * with it the request must be served (FEATURES row 37).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "campaign.h"
#include "machine.h"
#include "mm/state.h"
#include "test/host/port_host.h"

#define REQUESTS 10000 /* in all; at least */
#define MACHINES 40
#define MAX_HELD 16384

static uint64_t seed;

static unsigned int draw(unsigned int n)
{
	return (unsigned int)(host_random(&seed) >> 20) % n;
}

/* ---- a pool in some state ------------------------------------------------------------------ */

static struct {
	struct page *page;
	unsigned int order;
} held[MAX_HELD];
static unsigned int nr_held;

static void hold(struct page *page, unsigned int order)
{
	if (page && nr_held < MAX_HELD) {
		held[nr_held].page = page;
		held[nr_held++].order = order;
	} else if (page) {
		assert_int_equal(0, __free_pages(page, order));
	}
}

/* On either CPU, if there are two: the block lies in that one's cache then. */
static void give(unsigned int n)
{
	struct mm_pcpu *self = port_pcpu();

	if (mm.pcpu[1] && draw(2))
		port_set_pcpu(mm.pcpu[1]);
	assert_int_equal(0, __free_pages(held[n].page, held[n].order));
	port_set_pcpu(self);
	held[n] = held[--nr_held];
}

static gfp_t draw_gfp(void)
{
	static const gfp_t base[] = {GFP_KERNEL, GFP_KERNEL, GFP_ATOMIC, GFP_NOWAIT};
	static const gfp_t mobility[] = {0, 0, __GFP_MOVABLE, __GFP_RECLAIMABLE};
	static const gfp_t more[] = {__GFP_DMA32,	 __GFP_ZERO,	__GFP_COMP,
				     __GFP_THISNODE,	 __GFP_HIGH,	__GFP_MEMALLOC,
				     __GFP_NOMEMALLOC,	 __GFP_NORETRY, __GFP_NOFAIL,
				     __GFP_RETRY_MAYFAIL};
	gfp_t gfp = base[draw(4)] | mobility[draw(4)];

	while (draw(2))
		gfp |= more[draw(sizeof(more) / sizeof(more[0]))];
	return gfp;
}

static unsigned int draw_order(void)
{
	return draw(2) ? draw(4) : draw(NR_PAGE_ORDERS);
}

static uint64_t pages_managed(void)
{
	return mm.zones[ZONE_DMA32].managed + mm.zones[ZONE_NORMAL].managed;
}

static uint64_t pages_free(void)
{
	return mm.zones[ZONE_DMA32].nr_free + mm.zones[ZONE_NORMAL].nr_free;
}

/* The marks near what is free, where they decide; or none. */
static void change_sysctl(void)
{
	uint64_t managed = pages_managed();

	switch (draw(4)) {
	case 0:
		managed = (pages_free() + draw(64)) % managed;
		assert_int_equal(0, mm_set_min_free_kbytes(draw(4) ? managed * 4 : 0));
		break;
	case 1:
		assert_int_equal(0, mm_set_lowmem_reserve_ratio(ZONE_DMA32, draw(3) * draw(9)));
		break;
	case 2:
		assert_int_equal(0, mm_set_watermark_scale_factor(1 + draw(100)));
		break;
	default:
		mm_set_pcp_high(draw(3) ? draw(200) : 0);
	}
}

/* All but some pages are taken; what is free is in pieces. */
static void squeeze(void)
{
	unsigned int order = draw(4), left = draw(200);
	gfp_t gfp = draw(2) ? GFP_KERNEL : GFP_KERNEL | __GFP_MOVABLE;
	struct page *page;

	while (nr_held < MAX_HELD &&
	       (page = alloc_pages(gfp | __GFP_MEMALLOC | __GFP_NOWARN, order)))
		hold(page, order);
	while (nr_held && left--)
		give(draw(nr_held));
}

static void change_something(void)
{
	unsigned int n = 1 + draw(20), order;

	switch (draw(12)) {
	case 0:
		squeeze();
		break;
	case 1:
		order = 1 + draw(3);
		hold(highatomic_block(0, order), order);
		break;
	case 2:
		drain_all_pages();
		break;
	case 3:
	case 4:
		change_sysctl();
		break;
	case 5:
	case 6:
	case 7:
		while (n-- && nr_held)
			give(draw(nr_held));
		break;
	default:
		while (n--) {
			order = draw(4);
			hold(alloc_pages((draw_gfp() & ~__GFP_NOFAIL) | __GFP_NOWARN, order),
			     order);
		}
	}
}

/* ---- following advice ---------------------------------------------------------------------- */

/* Does the request succeed, done what the line says? Nothing of it stays. */
static bool advice_helps(const char *advice, gfp_t gfp, unsigned int order)
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
	helps = alloc_pages(gfp | __GFP_NOWARN, order);
	put_back();
	keep_none();
	return helps;
}

/* ---- one request --------------------------------------------------------------------------- */

static char said[8192];

static void say(const char *line)
{
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", line);
}

static struct {
	unsigned long served, refused, panics, one_line, helped, missing;
	unsigned long advice[6];
} total;

/* The lines of both but for the one that tells where was searched: a dry run asks no shrinker. */
static bool same_words(const char *why, const char *log)
{
	while (*why || *log) {
		size_t a = strcspn(why, "\n"), b = strcspn(log, "\n");
		bool searched = !strncmp(why, "  searched: ", 12);

		if (!why[a] || !log[b])
			return false;
		if (searched ? strncmp(log, "  searched: ", 12) : a != b || strncmp(why, log, a))
			return false;
		why += a + 1;
		log += b + 1;
	}
	return true;
}

/* The request with its report, and what became of it: a panic is a refusal, too. */
static struct page *request(gfp_t gfp, unsigned int order)
{
	jmp_buf jump;
	struct page *page = NULL;

	port_host_log_clear();
	port_host_log_hook = port_host_capture;
	port_host_panic_jump = &jump;
	if (!setjmp(jump))
		page = alloc_pages(gfp, order);
	else
		total.panics++;
	port_host_panic_jump = NULL;
	port_host_log_hook = port_host_quiet;
	return page;
}

static void check_refusal(gfp_t gfp, unsigned int order, const char *text, bool interrupt)
{
	const char *first = strchr(port_host_log_text, '\n'), *advice;

	assert_non_null(first);
	total.refused++;
	if (interrupt) {
		assert_non_null(strstr(port_host_log_text, text));
		assert_int_equal(0, first[1]); /* one line */
		total.one_line++;
		return;
	}
	if (!same_words(said, first + 1))
		fail_msg("gfp 0x%x order %u: said\n%sreported\n%s", (unsigned int)gfp, order, said,
			 first + 1);
	advice = strstr(said, "  would help: ");
	if (!advice) {
		assert_true(strstr(said, "  missing: ") ||
			    !strcmp(said, "no zone the flags allow has memory\n"));
		total.missing++;
		return;
	}
	advice += strlen("  would help: ");
	if (!advice_helps(advice, gfp, order))
		fail_msg("gfp 0x%x order %u: does not help: %s\n%s", (unsigned int)gfp, order,
			 advice, said);
	total.helped++;
	total.advice[advice[0] == 'd'			     ? 0
		     : advice[0] == '_' || advice[0] == 'n'  ? 1
		     : !strncmp(advice, "sysctl vm.min", 13) ? 2
		     : advice[0] == 's'			     ? 3
							     : 4]++;
}

static void ask_and_request(bool hashed)
{
	gfp_t gfp = draw_gfp();
	unsigned int order = draw_order();
	bool interrupt = !draw(8), reclaim = !interrupt && !draw(8), yes, why;
	uint64_t hash = hashed ? mm_state_hash() : 0;
	struct mm_stats before, after;
	struct page *page;
	char text[256];

	port_pcpu()->irq_depth = interrupt;
	mm.callbacks_thread = reclaim ? port_thread() : NULL; /* as a shrinker's own request */
	said[0] = '\0';
	mm_get_stats(&before);
	yes = mm_explain(gfp, order, text, sizeof(text));
	why = mm_why(gfp, order, say);
	mm_get_stats(&after);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(yes, why);
	assert_int_equal(yes, !text[0]);
	assert_true(!hashed || hash == mm_state_hash());
	page = request(gfp, order);
	if (yes != (page != NULL))
		fail_msg("gfp 0x%x order %u%s: said %d, got %d: %s", (unsigned int)gfp, order,
			 interrupt ? " in an interrupt" : "", yes, page != NULL, text);
	if (page) {
		total.served++;
		hold(page, order);
	} else {
		check_refusal(gfp, order, text, interrupt);
		assert_true(!hashed || hash == mm_state_hash());
	}
	port_pcpu()->irq_depth = 0;
	mm.callbacks_thread = NULL;
}

/* ---- the tests ----------------------------------------------------------------------------- */

static void end_machine(void)
{
	assert_int_equal(0, mm_check());
	mm_set_pcp_high(0);
	while (nr_held)
		give(nr_held - 1);
	port_host_kick = NULL;
	mm.pcpu[1] = NULL;
	free(machine.frame);
	machine.frame = NULL;
	host_ram_unmap();
	port_host_log_hook = NULL;
}

static void explained_is_what_happens(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++) {
		struct layout layout;

		seed = 1000 + m;
		if (m % 3)
			random_layout(&layout, seed);
		else
			layout = layouts[m / 3 % nr_layouts];
		port_host_log_hook = port_host_quiet;
		machine_start(&layout);
		if (layout.caches && draw(2))
			start_other_cpu();
		for (unsigned int i = 0; i < REQUESTS / MACHINES; i++) {
			while (draw(2))
				change_something();
			ask_and_request(i % 8 == 0);
		}
		end_machine();
	}
	print_message(
		"# explain: %lu served, %lu refused, of these %lu panics, %lu in one line; "
		"advice followed: %lu drains, %lu flags, %lu min_free_kbytes, %lu lowmem_reserve_ratio, "
		"%lu orders; %lu with none\n",
		total.served, total.refused, total.panics, total.one_line, total.advice[0],
		total.advice[1], total.advice[2], total.advice[3], total.advice[4], total.missing);
	assert_true(total.served > REQUESTS / 5 && total.refused > REQUESTS / 5);
	for (unsigned int i = 0; i < 5; i++)
		assert_true(total.advice[i] > 10);
	assert_true(total.missing > 10 && total.one_line > 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(explained_is_what_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
