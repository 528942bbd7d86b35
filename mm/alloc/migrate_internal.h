/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * migrate_internal.h: what moves blocks, for ranges and compaction.
 */
#ifndef QUARRY_MM_MIGRATE_INTERNAL_H
#define QUARRY_MM_MIGRATE_INTERNAL_H

#include "alloc_internal.h"

#pragma GCC visibility push(hidden)

/* migrate.c */
/* Is the block at this head, in use, one that its owner may let go? Needs no lock: a guess. */
bool block_movable(unsigned long head);
/*
 * Moves it to the block that target() gives, in use by one holder, of the same order and class. 0;
 * -EBUSY its owner or another holder keeps it, -ENOMEM, or what the owner says: it stays.
 */
int migrate_block(unsigned long head, struct page *(*target)(unsigned int order, void *arg),
		  void *arg);
void count_scanned(unsigned long blocks);

#pragma GCC visibility pop
#endif
