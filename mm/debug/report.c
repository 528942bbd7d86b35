/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.c: what is said when a request, a free, a reference or the allocator's own memory is
 * refused. Why a request was refused is in its record (alloc_context.h); explain.c puts it in
 * words.
 */
#include <errno.h>
#include <stdio.h>
#include "debug_internal.h"

/* ---- requests ------------------------------------------------------------------------------ */

static void log_line(const char *line)
{
	port_log("%s", line);
}

/* The first line, or the only one. `why` may be empty: lines follow that say it. */
static void log_refusal(gfp_t gfp, unsigned int order, const char *why)
{
	char names[GFP_NAMES_SIZE];

	if (gfp & __GFP_NOWARN)
		return;
	/* Unknown flags alone: the names of the others would push the reason off the line. */
	gfp_names(gfp & ~__GFP_BITS_MASK ? gfp & ~__GFP_BITS_MASK : gfp, names, sizeof(names));
	port_log("page allocation failure: order:%u, mode:0x%x(%s)%s%s", order, (unsigned int)gfp,
		 names, *why ? ": " : "", why);
}

struct page *report_bad_request(gfp_t gfp, unsigned int order)
{
	char wrong[GFP_NAMES_SIZE] = "";

	count_event(&mm.stats.bad_request);
	gfp_check(gfp, order, wrong, sizeof(wrong));
	log_refusal(gfp, order, wrong);
	return NULL;
}

struct page *report_injected(gfp_t gfp, unsigned int order)
{
	count_event(&mm.stats.alloc_failed);
	log_refusal(gfp, order, "fault injection");
	return NULL;
}

/* One line in an interrupt; else the record at length. */
struct page *report_refusal(const struct alloc_context *ac)
{
	char text[320];

	*text = '\0'; /* and no more: the call is bounded */
	count_event(&mm.stats.stage[MM_STAGE_FAIL]);
	count_event(&mm.stats.alloc_failed);
	if (in_interrupt())
		record_text(ac, text, sizeof(text));
	log_refusal(ac->gfp, ac->order, text);
	if (!*text && !(ac->gfp & __GFP_NOWARN))
		emit_record(ac, log_line);
	if (ac->gfp & __GFP_NOFAIL)
		port_panic("a __GFP_NOFAIL request for order %u cannot be served", ac->order);
	return NULL;
}

/* ---- frees, references, the allocator's own memory ------------------------------------------ */

/* The order a free meant if it said none: that of the block, 0 if there is none. */
static unsigned int order_at(phys_addr_t addr)
{
	struct page_info info;

	return addr % PAGE_SIZE || mm_page_info(PFN_DOWN(addr), &info) || info.untouched
		       ? 0
		       : info.order;
}

void report_misuse(enum mm_misuse kind, phys_addr_t addr, long order, const void *caller)
{
	char was[48] = "", text[192];

	if (kind == MISUSE_WRONG_ORDER)
		snprintf(was, sizeof(was), ", but the block has order %u", order_at(addr));
	snprintf(text, sizeof(text), "free of 0x%llx order %u refused: %s%s (called from %p)",
		 (unsigned long long)addr, order < 0 ? order_at(addr) : (unsigned int)order,
		 mm_misuse_name(kind), was, caller);
	if (READ_ONCE(mm.misuse_panic))
		port_panic("%s", text);
	port_log("%s", text);
}

void report_no_reference(const struct page *page)
{
	const struct page *head = page_head(page);

	port_panic("get_page: 0x%llx is not held by anyone, or by 65535",
		   (unsigned long long)(head && page_allocated(head) ? page_to_phys(page)
								     : (uintptr_t)page));
}

int report_no_pcpu(void)
{
	port_log(
		"mm: boot_pcpu is not what port_pcpu() returns: port_set_pcpu() comes before mm_init()");
	return -EINVAL;
}

void report_no_grouping(void)
{
	port_log("mm: grouping pages by mobility is off: too little memory");
}

void report_nothing_released(bool again)
{
	port_log("mm: memblock_free_all() %s: nothing is released",
		 again ? "a second time" : "without mm_init()");
}

int report_no_metadata(uint64_t nr_pages, size_t bytes)
{
	if (nr_pages && nr_pages < NIL32) {
		port_log("mm: no room for %zu bytes of page descriptors (%llu sections of 4 MiB)",
			 bytes, (unsigned long long)nr_pages >> SECTION_SHIFT);
		return -ENOMEM;
	}
	port_log("mm: %s", nr_pages ? "too much memory: 16 TiB at most"
				    : "no memory: the device tree gives no whole page of it");
	return -EINVAL;
}
