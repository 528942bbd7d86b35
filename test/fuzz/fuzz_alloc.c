/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz_alloc.c: calls of mm/ from several CPUs on a random board, against a naive model (alloc_model.h).
 *
 * One thread is all CPUs in turn, so an input does the same each time; what really runs at once is test_smp's and
 * the machine's to test. An input is a board, then operations of a byte and its arguments; what they take is given
 * back at the end, and the free blocks must be those of a perfect buddy again.
 */
#include "alloc_calls.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CALLS_PER_INPUT 10000
#define WALK_PER_INPUT	(1 << 16) /* pages */

bool verbose;
static const uint8_t *input, *input_end;

void in_open(const uint8_t *data, size_t size)
{
	input = data;
	input_end = data + size;
}

bool in_more(void)
{
	return input < input_end;
}

unsigned int in(void)
{
	return in_more() ? *input++ : 0;
}

unsigned int in16(void)
{
	unsigned int low = in();

	return low | in() << 8;
}

/* ---- operations ----------------------------------------------------------------------------- */

static void check_all(void)
{
	if (!may_walk())
		return;
	CHECK(!CALL(mm_check()), "mm_check()");
	model_check_figures();
}

/* Everything goes back to the buddy, on whatever CPU it lies. */
static void check_drained(void)
{
	CALL(drain_all_pages());
	if (may_walk() && !interrupt_period) {
		walk_budget -= (long)(model.end - model.first);
		model_check_picture();
		CHECK(!CALL(mm_check()), "mm_check()");
	}
}

static void requests(unsigned int n, gfp_t gfp, unsigned int order, unsigned int how)
{
	while (n-- && request(gfp, order, how) && (walk_budget > 0 || !mm_hooks()))
		;
}

static void releases(unsigned int n, unsigned int from, unsigned int step, unsigned int how)
{
	for (unsigned int i = 0; i < n && model.nr_held; i++) {
		struct block *block =
			model_pick(model.nr_held - 1 - (from + i * step) % model.nr_held);

		if (block)
			release(block, how);
	}
}

static void emit(const char *line)
{
	CHECK(strlen(line) < 256, "a line of %zu characters", strlen(line));
}

static void operation(unsigned int what)
{
	unsigned int a, b;
	gfp_t gfp;

	switch (what % 24) {
	case 0:
	case 1:
		gfp = in_gfp();
		request(gfp, in_order(), in());
		break;
	case 2:
		gfp = in_gfp();
		a = in_order();
		requests(1 + in() / (1 + a * a), gfp, a, in() & 12);
		break;
	case 3: /* until there are no more */
		gfp = in_gfp();
		a = in_order();
		requests(4096, gfp | __GFP_NOWARN, a, 0);
		break;
	case 4:
	case 5:
		a = in16();
		releases(1, a, 1, in());
		break;
	case 6:
	case 7:
		a = in16();
		b = in();
		if (b & 8)
			release_bulk(1 + in(), a, 1 + b % 7, b & 16);
		else
			releases(1 + in(), a, 1 + b % 7, b);
		break;
	case 8:
		releases(model.nr_held / (1 + in() % 4), in(), 1 + in() % 5, 0);
		break;
	case 9:
		gfp = in_gfp();
		request_bulk(gfp, in() % 255);
		break;
	case 10:
		gfp = in_gfp();
		a = in16();
		request_exact(1 + (a & 1 ? a / 2 % 1024 : a / 2 % 20), gfp);
		break;
	case 11:
		a = in16();
		if (model_pick(a))
			take_reference(model_pick(a), in());
		break;
	case 12: /* any frame, and some that are none */
		a = in16();
		b = in();
		wrong_free(model.first + a * ((model.end - model.first) / 65536 + 1) %
						 (model.end - model.first + 64),
			   b % (MAX_PAGE_ORDER + 2), in());
		break;
	case 13: /* the first, or another, page of a block */
		a = in16();
		b = in();
		if (model_pick(a))
			wrong_free(model_pick(a)->pfn + b / 16 % model_pick(a)->pages,
				   b % (MAX_PAGE_ORDER + 2), in());
		break;
	case 14:
		set_something();
		break;
	case 15:
		a = in();
		if (a % 4 == 0)
			check_drained();
		else
			CALL(a % 4 == 1	  ? drain_some_pages()
			     : a % 4 == 2 ? (CALL(mm_idle()), 0)
					  : drain_all_pages());
		break;
	case 16:
	case 17:
		cpu_change(in());
		break;
	case 18:
		free_late();
		break;
	case 19:
		set_hooks();
		break;
	case 20:
		a = in();
		interrupts_start(a & 128 ? 0 : 1 + a % 32, in());
		break;
	case 21:
		a = in();
		if (a < 64)
			change_callbacks(a);
		else if (a < 128)
			request_wrong(a);
		else if (a < 144)
			check_all();
		else
			moves(a);
		break;
	case 22:
		gfp = in_gfp();
		CALL(mm_why(gfp, in_order(), emit));
		break;
	case 23: /* some place in the next request fails */
		gfp = in_gfp();
		a = in_order();
		fail_place = 1 + in() % 32;
		if (in() & 1)
			request(gfp, a, 1);
		else
			request_exact(1 + in() % 64, gfp);
		fail_place = 0;
		break;
	}
}

static void end(void)
{
	struct mm_stats stats;

	interrupt_period = 0;
	stop_failing();
	while (model.nr_held) {
		struct block *block = model_pick(0);

		while (block->refs > 1)
			release(block, 4);
		release(block, 0);
	}
	machine_stop();
	CALL(drain_all_pages());
	CHECK(!CALL(mm_check()), "at the end");
	model_check_figures();
	model_check_picture();
	mm_get_stats(&stats);
	CHECK(!stats.poison_hit, "%lu free pages were written to", (unsigned long)stats.poison_hit);
	port_set_pcpu(&cpus[0]);
	port_fuzz_interrupt = NULL;
}

static void say_calls(void)
{
	printf("fuzz: alloc: calls of mm/: %lu, interrupts: %lu\n", nr_calls, nr_interrupts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool said;
	unsigned long calls;

	if (!said) {
		atexit(say_calls);
		moves_register();
	}
	verbose = getenv("FUZZ_VERBOSE");
	said = true;
	in_open(data, size);
	machine_start();
	moves_start();
	interrupts_start(0, 0);
	walk_budget = WALK_PER_INPUT;
	if (!board_start())
		return 0;
	port_fuzz_interrupt = interrupt;
	calls = nr_calls;
	while (in_more() && nr_calls - calls < CALLS_PER_INPUT) {
		operation(in());
		if (walk_budget < 0 && !failing)
			mm_set_hooks(0); /* what they do to each page takes time */
	}
	end();
	board_stop();
	return 0;
}
