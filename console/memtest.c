/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memtest.c: see memtest.h.
 *
 * A test is a row of sweeps. A sweep goes up or down the block, reads each word, which must hold what the last sweep wrote, and
 * writes another. March C- (van de Goor, Testing Semiconductor Memories) is: up w0; up r0 w1; up r1 w0; down r0 w1;
 * down r1 w0; up r0.
 */
#include "console/memtest.h"

#ifndef MEMTEST_LOAD /* a test puts faults here */
#define MEMTEST_LOAD(word)	   (*(word))
#define MEMTEST_STORE(word, value) (*(word) = (value))
#endif

#define STOP_WORDS 65536 /* the caller is asked so often whether to stop */

enum values {
	FIRST,	/* the pattern's own word */
	SECOND, /* that inverted */
	NOTHING,
};

struct sweep {
	uint8_t read, write; /* enum values; NOTHING: not at all */
	bool down;
};

static const struct sweep two_writes[] = {
	{NOTHING, FIRST, false}, {FIRST, SECOND, false}, {SECOND, NOTHING, false}};
static const struct sweep inversions[] = {{NOTHING, FIRST, false},
					  {FIRST, SECOND, false},
					  {SECOND, FIRST, true},
					  {FIRST, NOTHING, true}};
static const struct sweep march[] = {{NOTHING, FIRST, false}, {FIRST, SECOND, false},
				     {SECOND, FIRST, false},  {FIRST, SECOND, true},
				     {SECOND, FIRST, true},   {FIRST, NOTHING, false}};

/* Of moving inversions: all bits, every second one, pairs, nibbles, bytes. */
static const uint64_t backgrounds[] = {0, 0x5555555555555555, 0x3333333333333333,
				       0x0f0f0f0f0f0f0f0f, 0x00ff00ff00ff00ff};

/* Of the word at `index` of a sweep: splitmix64 of its number, so that it can be said in any order. */
static uint64_t random_word(uint64_t seed, size_t index)
{
	uint64_t z = seed + (index + 1) * 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

struct pass {
	const struct memtest *test;
	enum memtest_pattern pattern;
	volatile uint64_t *word;
	size_t words;
	uint64_t background;
};

static uint64_t value(const struct pass *pass, unsigned int which, size_t index)
{
	uint64_t first = pass->background;

	if (pass->pattern == MEMTEST_ADDRESS)
		first = (uint64_t)(uintptr_t)(pass->word + index);
	else if (pass->pattern == MEMTEST_RANDOM)
		first = random_word(pass->test->seed, index);
	return which == FIRST ? first : ~first;
}

static void check(const struct pass *pass, volatile uint64_t *word, uint64_t expected)
{
	uint64_t got = MEMTEST_LOAD(word);

	if (got != expected)
		pass->test->bad(pass->test->arg, word, expected, got, pass->pattern);
}

/* The words are all the same: nothing but the accesses is in the loop. */
static void sweep_same(const struct pass *pass, const struct sweep *sweep, size_t from, size_t n)
{
	volatile uint64_t *word = pass->word + from;
	uint64_t expected = value(pass, sweep->read, 0), next = value(pass, sweep->write, 0);
	ptrdiff_t step = sweep->down ? -1 : 1;

	for (; n > 0; n--, word += step) {
		if (sweep->read != NOTHING)
			check(pass, word, expected);
		if (sweep->write != NOTHING)
			MEMTEST_STORE(word, next);
	}
}

/* Each word is another. */
static void sweep_different(const struct pass *pass, const struct sweep *sweep, size_t from,
			    size_t n)
{
	for (size_t index = from; n > 0; n--, index += sweep->down ? (size_t)-1 : 1) {
		volatile uint64_t *word = pass->word + index;
		uint64_t first = value(pass, FIRST, index);

		if (sweep->read != NOTHING)
			check(pass, word, sweep->read == FIRST ? first : ~first);
		if (sweep->write != NOTHING)
			MEMTEST_STORE(word, sweep->write == FIRST ? first : ~first);
	}
}

static bool run_sweep(const struct pass *pass, const struct sweep *sweep)
{
	const struct memtest *test = pass->test;
	bool same = pass->pattern == MEMTEST_INVERSION || pass->pattern == MEMTEST_MARCH;

	for (size_t done = 0, n; done < pass->words; done += n) {
		n = pass->words - done < STOP_WORDS ? pass->words - done : STOP_WORDS;
		if (test->stop && test->stop(test->arg))
			return false;
		(same ? sweep_same : sweep_different)(
			pass, sweep, sweep->down ? pass->words - 1 - done : done, n);
	}
	if (test->past_caches)
		test->past_caches((void *)(uintptr_t)pass->word, pass->words * sizeof(uint64_t));
	return true;
}

static bool run(const struct pass *pass, const struct sweep *sweep, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!run_sweep(pass, &sweep[i]))
			return false;
	return true;
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

bool memtest_block(const struct memtest *test, enum memtest_pattern pattern, void *block,
		   size_t size)
{
	struct pass pass = {
		.test = test, .pattern = pattern, .word = block, .words = size / sizeof(uint64_t)};

	switch (pattern) {
	case MEMTEST_MARCH:
		return run(&pass, march, COUNT(march));
	case MEMTEST_INVERSION:
		for (size_t i = 0; i < COUNT(backgrounds); i++) {
			pass.background = backgrounds[i];
			if (!run(&pass, inversions, COUNT(inversions)))
				return false;
		}
		return true;
	default:
		return run(&pass, two_writes, COUNT(two_writes));
	}
}

const char *memtest_pattern_name(enum memtest_pattern pattern)
{
	static const char *const names[NR_MEMTEST_PATTERNS] = {"address", "moving inversions",
							       "random", "march C-"};

	return names[pattern];
}
