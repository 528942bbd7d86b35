/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * test_memtest.c: the patterns against faults of memory: stuck bits, bits that follow a neighbour, words that do not change
 * both ways, address lines. Each fault is found, at its address, and sound memory has none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define WORDS 1024

static uint64_t memory[WORDS] __attribute__((aligned(4096)));

enum fault {
	SOUND,
	STUCK_0,
	STUCK_1,
	NO_RISE, /* the bit cannot go from 0 to 1 */
	NO_FALL,
	COUPLED,   /* a write to the victim's neighbour that changes its bit changes the victim's */
	RISE_SETS, /* the neighbour's bit, going from 0 to 1, sets the victim's; and so on */
	RISE_CLEARS,
	FALL_SETS,
	FALL_CLEARS,
	ALIASED, /* two addresses are one word */
	NR_FAULTS,
};
static enum fault fault;
static size_t victim, aggressor;
static uint64_t mask;

static uint64_t *real(const volatile uint64_t *word)
{
	size_t index = (size_t)(word - memory);

	return &memory[fault == ALIASED && index == aggressor ? victim : index];
}

static uint64_t load(const volatile uint64_t *word)
{
	uint64_t got = *real(word);

	if ((size_t)(word - memory) == victim && fault == STUCK_0)
		got &= ~mask;
	if ((size_t)(word - memory) == victim && fault == STUCK_1)
		got |= mask;
	return got;
}

static void couple(uint64_t before, uint64_t value)
{
	bool rise = ~before & value & mask, fall = before & ~value & mask;

	if (fault == COUPLED && (rise || fall))
		memory[victim] ^= mask;
	else if ((fault == RISE_SETS && rise) || (fault == FALL_SETS && fall))
		memory[victim] |= mask;
	else if ((fault == RISE_CLEARS && rise) || (fault == FALL_CLEARS && fall))
		memory[victim] &= ~mask;
}

static void store(volatile uint64_t *word, uint64_t value)
{
	size_t index = (size_t)(word - memory);
	uint64_t before = *real(word);

	if (index == victim && fault == NO_RISE)
		value &= ~mask | before;
	if (index == victim && fault == NO_FALL)
		value |= mask & before;
	*real(word) = value;
	if (index == aggressor)
		couple(before, value);
}

#define MEMTEST_LOAD(word)	   load(word)
#define MEMTEST_STORE(word, value) store(word, value)
#include "console/memtest.c"

static unsigned int found, elsewhere, flushed, asked;
static uint64_t bits;
static enum memtest_pattern running;

static void bad(void *arg, const volatile uint64_t *word, uint64_t expected, uint64_t got,
		enum memtest_pattern pattern)
{
	size_t index = (size_t)(word - memory);

	assert_ptr_equal(arg, &fault);
	assert_true(expected != got);
	assert_int_equal(pattern, running);
	bits |= expected ^ got;
	if (index == victim || (fault == ALIASED && index == aggressor))
		found++;
	else
		elsewhere++;
}

static void past_caches(void *start, size_t size)
{
	assert_ptr_equal(start, memory);
	assert_int_equal(size, sizeof(memory));
	flushed++;
}

static bool stop(void *arg)
{
	(void)arg;
	return ++asked == 3;
}

static void run_fault(enum fault kind, enum memtest_pattern pattern)
{
	struct memtest test = {.seed = 1, .past_caches = past_caches, .bad = bad, .arg = &fault};

	memset(memory, 0x5a, sizeof(memory));
	fault = kind;
	running = pattern;
	found = elsewhere = flushed = 0;
	bits = 0;
	assert_true(memtest_block(&test, pattern, memory, sizeof(memory)));
	assert_true(flushed >= 3);
	assert_int_equal(elsewhere, 0);
}

static void test_sound(void **state)
{
	(void)state;
	victim = 0;
	for (int pattern = 0; pattern < NR_MEMTEST_PATTERNS; pattern++) {
		run_fault(SOUND, (enum memtest_pattern)pattern);
		assert_int_equal(found, 0);
	}
}

/* Which pattern must find which fault, wherever it is and whichever bit. */
static void test_faults(void **state)
{
	static const bool must[NR_MEMTEST_PATTERNS][NR_FAULTS] = {
		[MEMTEST_ADDRESS] = {[STUCK_0] = true, [STUCK_1] = true, [ALIASED] = true},
		[MEMTEST_INVERSION] =
			{[STUCK_0] = true, [STUCK_1] = true, [NO_RISE] = true, [NO_FALL] = true},
		[MEMTEST_RANDOM] = {[STUCK_0] = true, [STUCK_1] = true, [ALIASED] = true},
		[MEMTEST_MARCH] = {[STUCK_0] = true,
				   [STUCK_1] = true,
				   [NO_RISE] = true,
				   [NO_FALL] = true,
				   [COUPLED] = true,
				   [RISE_SETS] = true,
				   [RISE_CLEARS] = true,
				   [FALL_SETS] = true,
				   [FALL_CLEARS] = true,
				   [ALIASED] = true},
	};
	static const size_t places[] = {0, 1, 777, WORDS - 2, WORDS - 1};

	(void)state;
	for (int pattern = 0; pattern < NR_MEMTEST_PATTERNS; pattern++)
		for (int kind = STUCK_0; kind < NR_FAULTS; kind++)
			for (unsigned int i = 0; i < 64 * 10; i++) {
				if (!must[pattern][kind])
					continue;
				victim = places[i % 5];
				aggressor = victim == 0 || (i % 10 < 5 && victim < WORDS - 1)
						    ? victim + 1
						    : victim - 1;
				mask = (uint64_t)1 << (i / 10);
				run_fault((enum fault)kind, (enum memtest_pattern)pattern);
				assert_true(found > 0);
				assert_true(kind == ALIASED || bits == mask);
			}
}

static void test_stop(void **state)
{
	struct memtest test = {.bad = bad, .stop = stop};

	(void)state;
	fault = SOUND;
	asked = 0;
	assert_false(memtest_block(&test, MEMTEST_MARCH, memory, sizeof(memory)));
	assert_int_equal(asked, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
