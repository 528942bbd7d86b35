/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * heads_end.c: what leads to heads ends where no head in use needs it: tables of numbers and of handles.
 * Where size counts it does so only once there is no head at all.
 */
#include "slab_internal.h"

#if FOR_SPEED
/* The numbers that are needed: up to the last that leads to a chunk. */
static uint32_t numbers_in_use(void)
{
	const struct heads *heads = &kmem_state.heads;
	uint32_t nr = heads->nr;

	while (nr > 0 && !chunk_of(heads, nr - 1))
		nr--;
	return nr;
}

/* Numbers from `nr` on are as if they were never used; those below that lead to no chunk are given up. */
static void numbers_end(uint32_t nr)
{
	struct heads *const heads = &kmem_state.heads;

	heads->given_up = 0;
	heads->nr = nr;
	while (nr-- > 0) {
		if (chunk_of(heads, nr))
			continue;
		*chunk_entry(heads, nr) = (uintptr_t)heads->given_up << 1 | 1;
		heads->given_up = nr;
	}
}

/* Tables go back that the ones before have enough room without; where there are no numbers, all. */
static void tables_end(uint32_t nr)
{
	struct heads *const heads = &kmem_state.heads;

	while (heads->nr_tables &&
	       (!nr || (heads->nr_tables > 1 &&
			heads->table[heads->nr_tables - 2].size >= nr << CHUNK_SHIFT))) {
		struct handles *table = &heads->table[--heads->nr_tables];

		free_pages((unsigned long)table->states, table->order);
		*table = (struct handles){.states = NULL};
	}
	heads->current = nr ? heads->table : NULL;
	for (struct handles *table = heads->table; table < heads->table + heads->nr_tables;
	     table++) {
		/* Handles behind belong to no number any more. */
		if (table->filled > nr << CHUNK_SHIFT)
			table->filled = nr << CHUNK_SHIFT;
		if (table->filled > heads->current->filled)
			heads->current = table;
	}
	heads->behind = nr;
}

bool heads_end(void)
{
	struct heads *const heads = &kmem_state.heads;
	uint32_t nr, leaf;

	heads_shrink();
	nr = numbers_in_use();
	tables_end(nr);
	for (leaf = (nr + (1U << LEAF_SHIFT) - 1) >> LEAF_SHIFT; heads->leaf[leaf]; leaf++) {
		free_page((unsigned long)heads->leaf[leaf]);
		heads->leaf[leaf] = NULL;
	}
	numbers_end(nr);
	return !nr;
}
#else
bool heads_end(void)
{
	struct heads *const heads = &kmem_state.heads;

	heads_shrink();
	if (heads->nr_chunks)
		return false;
	for (uintptr_t **leaf = heads->leaf; *leaf; leaf++)
		free_page((unsigned long)*leaf);
	heads_init();
	return true;
}
#endif
