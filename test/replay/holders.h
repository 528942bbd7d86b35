/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * holders.h: who has which block, and who asked how often, by what the events say: the caller's address,
 * and when.
 */
#ifndef REPLAY_HOLDERS_H
#define REPLAY_HOLDERS_H

#include <stdio.h>

#include "trace.h"

/* A call site, and what came of its requests. */
struct site {
	uint64_t address;      /* 0: ranges and what else has none */
	uint64_t calls, pages; /* that it was given in all */
	uint64_t held, blocks; /* of these, what nobody has freed: pages, blocks */
	uint32_t oldest;       /* of the blocks held, by the event */
};

bool holders_start(const struct trace *trace);
void holders_note(const struct mm_record_event *event);
void holders_print(FILE *to); /* by the caller, those with the most pages first */
/* holders_sites() - all that were seen, in that order; *n of them. To be freed. */
struct site *holders_sites(size_t *n);
/* holders_name() - an address as it is printed: within the image, for mk/symbols.py, if it is known. */
const char *holders_name(uint64_t address);

#endif
