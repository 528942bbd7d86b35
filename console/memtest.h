/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memtest.h: patterns that find bad memory, on one block. Knows no machine: how caches are passed over, and whom a bad
 * word is told, is the caller's.
 */
#ifndef CONSOLE_MEMTEST_H
#define CONSOLE_MEMTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum memtest_pattern {
	MEMTEST_ADDRESS, /* each word holds its own address, then that inverted: lines that are mixed up */
	MEMTEST_INVERSION, /* moving inversions: bits that stay, or follow a neighbour */
	MEMTEST_RANDOM,	   /* random words, then those inverted */
	MEMTEST_MARCH,	   /* March C-: stuck, transition, address and coupling faults of words */
	NR_MEMTEST_PATTERNS,
};

struct memtest {
	uint64_t seed; /* of the random words */
	/* Between what is written and what is read: the block goes out of the caches. NULL: they are read through. */
	void (*past_caches)(void *block, size_t size);
	/* A word is wrong: where, what was written, what was read. */
	void (*bad)(void *arg, const volatile uint64_t *word, uint64_t expected, uint64_t got,
		    enum memtest_pattern pattern);
	bool (*stop)(void *arg); /* asked now and then; NULL: never */
	void *arg;
};

/*
 * memtest_block() - one pattern over a block of whole words, which it leaves changed. Context: thread, whose block it is.
 * Return: false: it was stopped.
 */
bool memtest_block(const struct memtest *test, enum memtest_pattern pattern, void *block,
		   size_t size);

const char *memtest_pattern_name(enum memtest_pattern pattern);

#endif
