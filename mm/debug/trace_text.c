/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * trace_text.c: a recorded event as the line that Linux's tracepoint prints.
 */
#include <stdio.h>
#include "debug_internal.h"

char *mm_trace_text(const struct mm_trace_entry *entry, char *buf, size_t size)
{
	unsigned long long pfn = entry->pfn;
	char names[GFP_NAMES_SIZE];

	switch (entry->type) {
	case MM_TRACE_ALLOC:
		snprintf(buf, size,
			 "mm_page_alloc: pfn=0x%llx order=%u migratetype=%u gfp_flags=%s", pfn,
			 entry->order, entry->migratetype,
			 gfp_names(entry->gfp, names, sizeof(names)));
		break;
	case MM_TRACE_FREE:
		snprintf(buf, size, "mm_page_free: pfn=0x%llx order=%u", pfn, entry->order);
		break;
	case MM_TRACE_EXTFRAG:
		snprintf(buf, size,
			 "mm_page_alloc_extfrag: pfn=0x%llx alloc_order=%u alloc_migratetype=%u "
			 "fallback_migratetype=%u change_ownership=%d",
			 pfn, entry->order, entry->migratetype, (unsigned int)entry->gfp,
			 entry->migratetype != MIGRATE_MOVABLE);
		break;
	default:
		snprintf(buf, size, "mm_page_pcpu_drain: pfn=0x%llx order=%u migratetype=%u", pfn,
			 entry->order, entry->migratetype);
	}
	return buf;
}
