/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_explain.c: what is said of a request is what becomes of it. Random requests in random states
 * of random machines: mm_explain() and mm_why() are asked first and change nothing; then the
 * request is made, and must be served or refused as they said, with the same words. What "would
 * help" is tried: with it the request must be served (FEATURES row 37).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "campaign.h"
#include "explain.h"
#include "machine.h"
#include "mm/state.h"
#include "test/host/port_host.h"

#define REQUESTS 10000 /* in all; at least */
#define MACHINES 40

/* How often what happened. */
static struct {
	unsigned long served, refused, panics, one_line, helped, missing, highatomic;
	unsigned long advice[6];
	unsigned long min, lowmem; /* the rule that was named */
} total;

/* ---- one request --------------------------------------------------------------------------- */

static char said[8192]; /* by mm_why() */

static void say(const char *line)
{
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", line);
}

/* The lines of both but for the shrinkers, of which there are none: a dry run does not ask them. */
static bool same_words(const char *why, char *log)
{
	static const char asked[] = ", shrinkers (0 objects freed)";
	char *shrinkers = strstr(log, asked);

	if (shrinkers)
		memmove(shrinkers, shrinkers + strlen(asked),
			strlen(shrinkers + strlen(asked)) + 1);
	return !strcmp(why, log);
}

/*
 * Where the request searched: all CPUs if it may wait; if there is one CPU only, if it is thorough.
 */
static void check_searched(gfp_t gfp)
{
	bool wait = gfp & __GFP_DIRECT_RECLAIM && !mm.callbacks_thread;
	bool thorough = gfp & (__GFP_RETRY_MAYFAIL | __GFP_NOFAIL);

	assert_int_equal(mm.pcpu[1] ? wait : thorough,
			 strstr(said, ", caches of all CPUs") != NULL);
	assert_int_equal(wait && !(gfp & __GFP_NORETRY),
			 strstr(said, ", HIGHATOMIC pageblocks") != NULL);
}

/* The request with its report, and what became of it. */
static struct page *request(gfp_t gfp, unsigned int order)
{
	struct page *page;

	port_host_log_clear();
	port_host_log_hook = port_host_capture;
	page = attempt(gfp, order);
	total.panics += !page && gfp & __GFP_NOFAIL;
	port_host_log_hook = port_host_quiet;
	return page;
}

static void check_refusal(gfp_t gfp, unsigned int order, const char *text, bool interrupt)
{
	char *first = strchr(port_host_log_text, '\n');
	const char *advice;

	assert_non_null(first);
	total.refused++;
	if (!draw(4)) {
		int rule = check_rule(text, gfp, order);

		total.min += rule == 'm';
		total.lowmem += rule == 'l';
	}
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
	advice = advice ? advice + strlen("  would help: ") : NULL;
	if (strcmp(said, "no zone the flags allow has memory\n"))
		check_searched(gfp);
	if (strcmp(said, "no zone the flags allow has memory\n") && !draw(4))
		no_better_advice(said, advice, gfp, order);
	if (!advice) {
		assert_true(strstr(said, "  missing: ") ||
			    !strcmp(said, "no zone the flags allow has memory\n"));
		total.missing++;
		return;
	}
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
	bool interrupt = !draw(8), reclaim = !interrupt && !draw(4), yes, why;
	uint64_t hash = hashed ? mm_state_hash() : 0;
	struct mm_stats before, after;
	struct page *page;
	char text[512];

	port_pcpu()->irq_depth = interrupt;
	mm.callbacks_thread = reclaim ? port_thread() : NULL; /* as a shrinker's own request */
	said[0] = '\0';
	total.highatomic +=
		mm.zones[ZONE_DMA32].nr_highatomic + mm.zones[ZONE_NORMAL].nr_highatomic != 0;
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
		keep_block(page, order);
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
	free_kept();
	port_host_kick = NULL;
	mm.pcpu[1] = NULL;
	machine_drop();
	port_host_log_hook = NULL;
}

static void explained_is_what_happens(void **state)
{
	(void)state;
	for (unsigned int m = 0; m < MACHINES; m++) {
		struct layout layout;

		explain_seed = 1000 + m;
		if (m % 3)
			random_layout(&layout, explain_seed);
		else
			layout = layouts[m / 3 % nr_layouts];
		port_host_log_hook = port_host_quiet;
		machine_start(&layout);
		if (layout.caches && draw(2))
			start_other_cpu();
		reserve_highatomic();
		for (unsigned int i = 0; i < REQUESTS / MACHINES; i++) {
			while (draw(2))
				change_something();
			ask_and_request(i % 8 == 0);
		}
		end_machine();
	}
	print_message(
		"# explain: %lu served, %lu refused, of these %lu panics, %lu in one line; %lu with HIGHATOMIC "
		"pageblocks; named: %lu min, %lu lowmem_reserve; advice followed: %lu drains, %lu flags, %lu min_free_kbytes, %lu lowmem_reserve_ratio, "
		"%lu orders; %lu with none\n",
		total.served, total.refused, total.panics, total.one_line, total.highatomic,
		total.min, total.lowmem, total.advice[0], total.advice[1], total.advice[2],
		total.advice[3], total.advice[4], total.missing);
	assert_true(total.served > REQUESTS / 5 && total.refused > REQUESTS / 5);
	for (unsigned int i = 0; i < 5; i++)
		assert_true(total.advice[i] > 10);
	assert_true(total.missing > 10 && total.one_line > 100);
	assert_true(total.highatomic > REQUESTS / 10);
	assert_true(total.min > 100 && total.lowmem > 10);
}

/*
 * What a drain gives back to a HIGHATOMIC pageblock in use stays there: it is not advised to
 * others.
 */
static void highatomic_blocks_do_not_drain(void **state)
{
	static const char drain[] = "drain, ";
	struct page *used, *cached, *page;

	(void)state;
	port_host_log_hook = port_host_quiet;
	machine_start(&layouts[0]);
	start_other_cpu();
	used = highatomic_block(0, 1);
	cached = highatomic_block(0, 1);
	assert_int_equal(used + 2, cached);
	assert_int_equal(0, mm_set_min_free_kbytes(0));
	while ((page = alloc_page(GFP_KERNEL | __GFP_NORETRY | __GFP_NOWARN)))
		keep_block(page, 0);
	port_set_pcpu(&second_cpu);
	assert_int_equal(0, __free_pages(cached, 1));
	port_set_pcpu(&machine_pcpu);
	said[0] = '\0';
	assert_false(mm_why(GFP_NOWAIT, 1, say));
	assert_false(advice_helps(drain, GFP_NOWAIT, 1));
	assert_null(strstr(said, drain));
	keep_block(used, 1);
	end_machine();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(highatomic_blocks_do_not_drain),
		cmocka_unit_test(explained_is_what_happens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
