/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * owner_word.c: what the word of a block's head says of its owner (quarry/page_owner.h); and the
 * answers where call sites are not built in.
 */
#include <quarry/errno.h>
#include "owner_internal.h"

#define TAG_SHIFT 24

static_assert(MM_PAGE_OWNER_TAG_MAX + 1 == 1U << TAG_SHIFT, "tags are below the number");

struct page_owner mm_page_owner(const struct page_info *info)
{
	uint32_t word = info->owner;

	if (info->state == PAGE_SLAB)
		return (struct page_owner){.kind = PAGE_OWNER_SLAB};
	if (info->state == PAGE_CONTIG)
		return (struct page_owner){.kind = PAGE_OWNER_RANGE};
	if (info->in_pcp || (info->state != PAGE_ALLOC && info->state != PAGE_COMPOUND &&
			     info->state != PAGE_FROZEN))
		return (struct page_owner){.kind = PAGE_OWNER_NONE};
	if (word & OWNER_SITE)
		return (struct page_owner){.kind = PAGE_OWNER_SITE,
					   .value = (word & OWNER_OFFSET_MASK) << OWNER_SITE_SHIFT,
					   .mark = (word & ~OWNER_SITE) >> OWNER_MARK_SHIFT};
	if (word >> TAG_SHIFT)
		return (struct page_owner){.kind = PAGE_OWNER_MOVABLE, .value = word >> TAG_SHIFT};
	return (struct page_owner){.kind = word ? PAGE_OWNER_TAG : PAGE_OWNER_UNKNOWN,
				   .value = word};
}

/* Not in the core, where size counts. */
#if !CONFIG_DEBUG_HOOKS

int mm_page_owner_start(const void *image)
{
	(void)image;
	return -ENOSYS;
}

void mm_page_owner_stop(void)
{
}

int mm_page_owner_mark(void)
{
	return -EINVAL;
}

#endif
