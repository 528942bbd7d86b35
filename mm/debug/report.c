/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.c: what is counted and said when a request, a free, a reference or the allocator's own
 * memory is refused. The text is the port's to make: formats and arguments go to port_log() as they
 * are. Why a request was refused is in its record (alloc_context.h); words.c and explain.c put it in
 * words.
 */
#include <quarry/errno.h>
#include "debug_internal.h"

/* ---- requests ------------------------------------------------------------------------------ */

/* What libquarry says by itself: numbers. words.c says it in words, where libquarry-debug is linked. */
__attribute__((weak)) void say_refusal(gfp_t gfp, unsigned int order,
				       const struct alloc_context *ac)
{
	(void)ac;
	port_log("page allocation failure: order:%u, mode:0x%x", order, (unsigned int)gfp);
}

static void say(gfp_t gfp, unsigned int order, const struct alloc_context *ac)
{
	if (!(gfp & __GFP_NOWARN))
		say_refusal(gfp, order, ac);
}

struct page *report_bad_request(gfp_t gfp, unsigned int order)
{
	count_event(&mm.stats.bad_request);
	say(gfp, order, NULL);
	return NULL;
}

struct page *report_injected(gfp_t gfp, unsigned int order)
{
	count_event(&mm.stats.alloc_failed);
	if (RECORDING)
		record_note(MM_RECORD_INJECTED, order, gfp, 0);
	say(gfp, order, NULL);
	return NULL;
}

struct page *report_refusal(const struct alloc_context *ac)
{
	count_event(&mm.stats.stage[MM_STAGE_FAIL]);
	count_event(&mm.stats.alloc_failed);
	say(ac->gfp, ac->order, ac);
	if (ac->gfp & __GFP_NOFAIL)
		port_panic("a __GFP_NOFAIL request for order %u cannot be served", ac->order);
	return NULL;
}

/* ---- ranges -------------------------------------------------------------------------------- */

static const char *contig_why(const struct page_info *info)
{
	switch (info->state) {
	case PAGE_RESERVED:
		return "reserved";
	case PAGE_CONTIG:
		return "part of another range";
	case PAGE_FREE:
		return info->migratetype == MIGRATE_CMA ? "of a CMA area" : "taken meanwhile";
	default:
		return info->in_pcp ? "cached, and its CPU cannot be asked" : "in use";
	}
}

void report_contig_busy(pfn_t first, pfn_t last, unsigned long busy)
{
	struct page_info info = {.state = PAGE_RESERVED};

	mm_page_info(index_to_pfn(busy), &info);
	port_log(
		"contiguous range 0x%llx-0x%llx refused: page 0x%llx is %s (block 0x%llx order %u, %u references, owner 0x%x)",
		(unsigned long long)PFN_PHYS(first), (unsigned long long)(PFN_PHYS(last + 1) - 1),
		(unsigned long long)PFN_PHYS(info.pfn), contig_why(&info),
		(unsigned long long)PFN_PHYS(info.head_pfn), info.order, info.refcount,
		(unsigned int)info.owner);
}

void report_contig_none(unsigned long nr_pages, gfp_t gfp)
{
	port_log(
		"contiguous range of %lu pages refused, mode:0x%x: something is in use in each place",
		nr_pages, (unsigned int)gfp);
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

/* The order that the block has is of interest where that is what is wrong. */
#define MISUSE_LINE(end) "free of 0x%llx order %u refused: %s" end " (called from %p)"

static void report_object(enum mm_misuse kind, unsigned long long addr, const void *caller)
{
	const char *name =
		kind == MISUSE_MISALIGNED ? "not where an object starts" : mm_misuse_name(kind);

	if (READ_ONCE(mm.misuse_panic))
		port_panic("free of object 0x%llx refused: %s (called from %p)", addr, name,
			   caller);
	port_log("free of object 0x%llx refused: %s (called from %p)", addr, name, caller);
}

void report_misuse(enum mm_misuse kind, phys_addr_t addr, long order, const void *caller)
{
	const char *name = mm_misuse_name(kind);
	unsigned int meant = order < 0 ? order_at(addr) : (unsigned int)order;
	unsigned long long at = addr;

	if (RECORDING)
		record_note(MM_RECORD_REFUSE, meant & 0xff, (uint32_t)PFN_DOWN(addr), kind);
	if (order == REFUSED_OBJECT) {
		report_object(kind, at, caller);
		return;
	}
	if (kind == MISUSE_WRONG_ORDER && READ_ONCE(mm.misuse_panic))
		port_panic(MISUSE_LINE(", but the block has order %u"), at, meant, name,
			   order_at(addr), caller);
	else if (kind == MISUSE_WRONG_ORDER)
		port_log(MISUSE_LINE(", but the block has order %u"), at, meant, name,
			 order_at(addr), caller);
	else if (READ_ONCE(mm.misuse_panic))
		port_panic(MISUSE_LINE(""), at, meant, name, caller);
	else
		port_log(MISUSE_LINE(""), at, meant, name, caller);
}

const char *mm_misuse_name(enum mm_misuse kind)
{
	static const char *const misuse_names[NR_MISUSES] = {
		[MISUSE_DOUBLE_FREE] = "double free",
		[MISUSE_WRONG_ORDER] = "wrong order",
		[MISUSE_TAIL] = "not the first page of its block",
		[MISUSE_RESERVED] = "reserved memory",
		[MISUSE_FOREIGN] = "no memory of the allocator",
		[MISUSE_MISALIGNED] = "not the address of a page",
		[MISUSE_IN_USE] = "still in use",
		[MISUSE_RANGE] = "part of a range that is freed as a whole",
		[MISUSE_CACHE] = "an object of another cache",
	};

	return misuse_names[kind];
}

void mm_set_misuse_panic(bool on)
{
	WRITE_ONCE(mm.misuse_panic, on);
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
