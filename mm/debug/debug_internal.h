/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * debug_internal.h: what the files of debug/ share and no other folder needs.
 *
 * advice.c and explain.c call each other: the record at length ends with advice, and advice is
 * tried by the dry run that makes records.
 */
#ifndef QUARRY_MM_DEBUG_INTERNAL_H
#define QUARRY_MM_DEBUG_INTERNAL_H

#include "../alloc/alloc.h"
#include "../buddy/buddy.h"
#include "../pcp/pcp.h"
#include "hooks.h"

#pragma GCC visibility push(hidden)

/*
 * words.c, or a line of numbers: a request is refused. ac: its record; NULL: for its flags or order,
 * or by fault injection if there is nothing wrong with these.
 */
void say_refusal(gfp_t gfp, unsigned int order, const struct alloc_context *ac);

/* gfp.c */
/* Is the request acceptable? If not, what is wrong with it is written to why. */
bool gfp_check(gfp_t gfp, unsigned int order, char *why, size_t size);

/* explain.c */
/*
 * Would the request succeed now? A dry run; its record is in *ac, unless the hot path would serve
 * it. granted: pages that are supposed to be free besides, for each zone of the request's zonelist;
 * NULL: none. The flags and the order are acceptable.
 */
bool request_would_succeed(struct alloc_context *ac, gfp_t gfp, unsigned int order,
			   const uint64_t granted[]);

/* Why the request was refused: in one line, or at length. ac: its record. */
void record_text(const struct alloc_context *ac, char *buf, size_t size);
void emit_record(const struct alloc_context *ac, void (*emit)(const char *line));

/* advice.c: one line, of what would make the refused request succeed. ac: its record. */
void emit_advice(const struct alloc_context *ac, void (*emit)(const char *line));

/*
 * nearest.c: one line, of the block of this order that is nearest to being free, and its holders.
 */
void emit_nearest(struct zone *zone, unsigned int order, void (*emit)(const char *line));

/* debug.c: all CPUs take note of what is switched off and on */
void hooks_change(unsigned int clear, unsigned int set);
/* All blocks of the open sections, with the zone's lock held. */
void hooks_each_block(void (*visit)(unsigned long index, unsigned int order, bool free));

/* free_blocks.c */
/* Adds up a pageblock's free blocks below pageblock_order, by order. */
void pb_count_blocks(const struct pageblock *pb, uint64_t nr_free[pageblock_order]);

/* info.c */
const char *zone_name(const struct zone *zone);
uint64_t zone_present(const struct zone *zone); /* pages that exist */

#pragma GCC visibility pop
#endif
