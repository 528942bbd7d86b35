/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explain.h: for test_explain.c: random states of the pool to ask about, and whether what was said
 * of a request is true.
 */
#ifndef QUARRY_TEST_EXPLAIN_H
#define QUARRY_TEST_EXPLAIN_H

#include <stdbool.h>

#include <quarry/mm.h>

/* explain_states.c */
extern uint64_t explain_seed;
unsigned int draw(unsigned int n); /* 0 .. n - 1 */
gfp_t draw_gfp(void);
unsigned int draw_order(void);
/* The test has this block from now on, NULL: none; it may give it back at any time. */
void keep_block(struct page *page, unsigned int order);
void free_kept(void);
void reserve_highatomic(void);
void change_something(void);

/* explain_truth.c */
/* The request; that it panics is a refusal, too. */
struct page *attempt(gfp_t gfp, unsigned int order);
/* Does the request succeed, done what the line of advice says? Nothing of it stays. */
bool advice_helps(const char *advice, gfp_t gfp, unsigned int order);
/*
 * `said` is what mm_why() said, `advice` what it advises, NULL: nothing. Fails if it kept silent of
 * what is better.
 */
void no_better_advice(const char *said, const char *advice, gfp_t gfp, unsigned int order);
/*
 * The rule that mm_explain() names for a zone is the one that refuses, and its figures are right.
 * Returns 'l' if DMA32 names lowmem_reserve, 'm' the min watermark, 0 neither.
 */
int check_rule(const char *text, gfp_t gfp, unsigned int order);

#endif
