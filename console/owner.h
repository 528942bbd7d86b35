/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * owner.h: what the shell does for `owner`: before and after each command a mark is set, so that the
 * age of a block is known. And what counts and prints for it.
 */
#ifndef CONSOLE_OWNER_H
#define CONSOLE_OWNER_H

#include <quarry/mm.h>
#include <quarry/slab_debug.h>

void owner_tick(void);

/* Are marks set? Only then owner_age(): the seconds since one was. */
bool owner_is_on(void);
uint32_t owner_age(uint32_t mark);

/* What is asked for: call sites of these marks, or all there is. */
struct owner_question {
	bool sites_only;
	uint32_t from, to; /* marks */
	uint64_t most;	   /* owners are listed; 0: all */
};

/* owner_report() - the answer: pages by owner, then objects by call site, where there are some. 0, or 1 and a line. */
int owner_report(const struct owner_question *question);

void print_owner(struct page_owner owner);
/* A call site as an offset into quarry.elf: mk/symbols.py on the host puts names to them. */
void print_call_site(const void *site);
/* Who allocated and freed an object last, a line each; nothing where its cache does not note it. */
void print_object_sites(const struct slab_object *object);

#endif
