/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * movable.c: owners of pages that can move, and whose a page is. From the first owner on, requests that
 * may wait make room by moving pages (compact_direct.c): a program without owners has none of that.
 */
#include <quarry/errno.h>
#include <quarry/migrate.h>
#include "migrate_internal.h"

int mm_register_movable(const struct movable_operations *ops)
{
	const struct movable_operations *none;

	if (!ops->isolate_page || !ops->migrate_page || !ops->putback_page || !ops->holders)
		return -EINVAL;
	for (int i = 1; i <= MM_MOVABLE_OPERATIONS; i++) {
		none = NULL;
		/* Release: who finds it, finds what it points to. */
		if (__atomic_compare_exchange_n(&mm_movable_ops[i], &none, ops, false,
						__ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
			WRITE_ONCE(mm_compact_direct, compact_direct);
			if (RECORDING)
				record_note(MM_RECORD_CALLBACKS, 0, 0, callbacks_there());
			return i;
		}
	}
	return -ENOSPC;
}

void set_page_movable(struct page *page, int number, uint32_t note)
{
	VM_BUG_ON(number < 1 || number > MM_MOVABLE_OPERATIONS || note > MM_MOVABLE_PRIVATE);
	WRITE_ONCE(page->owner, (uint32_t)number << MOVABLE_TAG_SHIFT | note);
}

void clear_page_movable(struct page *page)
{
	WRITE_ONCE(page->owner, 0);
}

uint32_t movable_note(const struct page *page)
{
	return READ_ONCE(page->owner) & MM_MOVABLE_PRIVATE;
}

void mm_migrate_stats(struct mm_migrate_stats *copy)
{
	const uint64_t *from = (const uint64_t *)&mm_moves;
	uint64_t *to = (uint64_t *)copy;

	static_assert(sizeof(*copy) % sizeof(*to) == 0, "counters and nothing else");
	for (size_t i = 0; i < sizeof(*copy) / sizeof(*to); i++)
		to[i] = READ_ONCE(from[i]);
}
