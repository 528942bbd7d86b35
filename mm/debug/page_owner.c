/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * page_owner.c: the word of a block's head that says who allocated it (quarry/page_owner.h) is written
 * and erased here; owner_word.c reads it.
 */
#include <quarry/errno.h>
#include <quarry/page_owner.h>
#include "debug_internal.h"
#include "owner_internal.h"

#if CONFIG_DEBUG_HOOKS

struct recorder {
	uintptr_t image;   /* offsets are from here */
	unsigned int mark; /* the newest */
	uint32_t first;	   /* marks that were ever there, from 1 on: mark 0's number among them */
};
#if QUARRY_INSTANCES == 1
static struct recorder recorder;
#else
static struct recorder recorder_of_instance[QUARRY_INSTANCES];
#define recorder recorder_of_instance[this_instance()]
#endif

void hook_owner(struct page *page, unsigned long pages, const void *site)
{
	uintptr_t offset = ((uintptr_t)site - READ_ONCE(recorder.image)) >> OWNER_SITE_SHIFT;
	uint32_t word = OWNER_SITE | READ_ONCE(recorder.mark) << OWNER_MARK_SHIFT;

	if (!(HOOKS & MM_HOOK_OWNER))
		return;
	if (offset <= OWNER_OFFSET_MASK)
		word |= (uint32_t)offset;
	for (unsigned long i = 0; i < pages; i += 1UL << page_order(&page[i]))
		WRITE_ONCE(page[i].owner, word);
}

uint32_t hook_owner_mark(void)
{
	return HOOKS & MM_HOOK_OWNER ? READ_ONCE(recorder.first) + READ_ONCE(recorder.mark) : 0;
}

int hook_owner_mark_of(uint32_t number)
{
	const uint32_t first = READ_ONCE(recorder.first);

	return HOOKS & MM_HOOK_OWNER && number >= first ? (int)(number - first) : -1;
}

int mm_page_owner_start(const void *image)
{
	if (HOOKS & MM_HOOK_OWNER)
		return -EBUSY;
	WRITE_ONCE(recorder.image, (uintptr_t)image);
	WRITE_ONCE(recorder.first, recorder.first + recorder.mark + 1);
	WRITE_ONCE(recorder.mark, 0);
	hooks_change(0, MM_HOOK_OWNER);
	return 0;
}

static void erase(unsigned long index, unsigned int order, bool free)
{
	struct page *page = &mm.memmap[index];

	(void)order;
	if (!free && page->owner & OWNER_SITE && page_state(page) != PAGE_CONTIG &&
	    page_state(page) != PAGE_SLAB)
		WRITE_ONCE(page->owner, 0);
}

void mm_page_owner_stop(void)
{
	if (!(HOOKS & MM_HOOK_OWNER))
		return;
	hooks_change(MM_HOOK_OWNER, 0);
	hooks_each_block(erase);
}

int mm_page_owner_mark(void)
{
	unsigned int mark = READ_ONCE(recorder.mark);

	if (!(HOOKS & MM_HOOK_OWNER))
		return -EINVAL;
	do
		if (mark == MM_PAGE_OWNER_MARKS)
			return -ENOSPC;
	while (!__atomic_compare_exchange_n(&recorder.mark, &mark, mark + 1, true, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED));
	return (int)mark + 1;
}

#endif
