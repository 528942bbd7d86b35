/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hooks.h: where the layers call what stands beside them: fault points, debug options and reports.
 * No folder uses anything else of debug/, and nothing here decides what a request or a free
 * becomes, but for faults that a test asks for.
 */
#ifndef QUARRY_MM_HOOKS_H
#define QUARRY_MM_HOOKS_H

#include <quarry/mm.h>
#include <quarry/record.h>

#pragma GCC visibility push(hidden)

/* ---- fault points -------------------------------------------------------------------------- */

/*
 * FAULT_POINT() stands where a request may find that it cannot go on this way. A test fails each
 * of them in turn (test/host/mm/test_campaign.c); in other builds none ever fails and none costs
 * anything.
 *
 * FAULT_CERTAIN(true) says that from here to FAULT_CERTAIN(false) the outcome is certain: what the
 * request needs has been given back for it, so a step that failed now would leave a refused
 * request behind that has changed something.
 */
#ifdef CONFIG_FAULT_POINTS
extern bool (*mm_fault_point)(const char *function, int line);
extern int mm_fault_certain;
#define FAULT_POINT()	  (mm_fault_point && !mm_fault_certain && mm_fault_point(__func__, __LINE__))
#define FAULT_CERTAIN(on) (void)(mm_fault_certain += (on) ? 1 : -1)
#else
#define FAULT_POINT()	  false
#define FAULT_CERTAIN(on) (void)(on)
#endif

/* ---- debug options and reports ------------------------------------------------------------- */

/* report.c, but for the words */
/* mm_init() finds no memory, too much, or no room for its metadata: its errno. */
int report_no_metadata(uint64_t nr_pages, size_t bytes);
/* mm_init() is not given the area that port_pcpu() returns: its errno. */
int report_no_pcpu(void);
void report_no_grouping(void);
void report_nothing_released(bool again); /* memblock_free_all() was called at the wrong time */
/* Does not return where a refused free panics. */
void report_misuse(enum mm_misuse kind, phys_addr_t addr, long order, const void *caller);
/*
 * A request is refused: counted and, without __GFP_NOWARN, reported. All return NULL, but where
 * __GFP_NOFAIL asks for a panic instead.
 */
struct alloc_context;
struct page *report_refusal(const struct alloc_context *ac); /* its record says why */
struct page *report_bad_request(gfp_t gfp, unsigned int order);
struct page *report_injected(gfp_t gfp, unsigned int order);
/* A range of frames, of which the page `busy` cannot be had, by its descriptor's number. */
void report_contig_busy(pfn_t first, pfn_t last, unsigned long busy);
void report_contig_none(unsigned long nr_pages, gfp_t gfp);
_Noreturn void report_no_reference(const struct page *page);

/* debug.c: for the slow paths while HOOKS is not 0 */
/* The address that the function was called from; asked only where an option may need it. */
#define CALL_SITE (CONFIG_DEBUG_HOOKS ? __builtin_return_address(0) : NULL)
#if CONFIG_DEBUG_HOOKS
#define HOOKS READ_ONCE(mm.hooks)
#else
#define HOOKS 0U
#endif
bool hook_should_fail(gfp_t gfp, unsigned int order);
void hook_might_sleep(gfp_t gfp, unsigned int order, const void *site); /* might_sleep.c */
void hook_alloc(struct page *page, gfp_t gfp, unsigned int order);
void hook_free(struct page *page, unsigned int order);
/* The same for what has no head yet: part of a block, memory that is released late. */
void hook_free_part(unsigned long index, unsigned int order, enum migratetype type);
void hook_section_opened(unsigned long index); /* the zone's lock is held */
/*
 * page_owner.c: the call site, while it is recorded, of `pages` pages, of one block or of several that
 * follow each other.
 */
void hook_owner(struct page *page, unsigned long pages, const void *site);
/*
 * What an object has of the newest mark: a number that no other mark has had, 0 while none is written; and
 * which mark it is, -1 for none since the last start.
 */
uint32_t hook_owner_mark(void);
int hook_owner_mark_of(uint32_t number);
struct spinlock *hook_trace_lock(void);
void trace_event(enum mm_trace_type type, unsigned long index, unsigned int order,
		 uint32_t migratetype, uint32_t gfp);

/* ---- recordings ---------------------------------------------------------------------------- */

/* A section of a call, while it lasts. */
struct record_call {
	struct mm_record_event event;
	unsigned long flags; /* of the caller */
};

/* record.c; where hooks are not built in, calls of it stand behind RECORDING, which is 0 */
#if CONFIG_DEBUG_HOOKS
#define RECORDING (READ_ONCE(mm.hooks) & MM_HOOK_RECORD)
#else
#define RECORDING 0U
#endif

/*
 * A section from record_begin() to record_end(): a call, and what it led to. NULL: it is part of another,
 * or nothing is recorded; then its end is nothing.
 */
struct record_call *record_enter(enum mm_record_type type, unsigned int order, uint32_t gfp,
				 uint64_t value);
struct spinlock *hook_record_lock(void); /* of sections */
void record_leave(struct record_call *call, uint64_t value, uint32_t more);
#define record_begin(type, order, gfp) (RECORDING ? record_enter(type, order, gfp, 0) : NULL)

static inline void record_end(struct record_call *call, uint64_t value, uint32_t more)
{
	if (CONFIG_DEBUG_HOOKS && call)
		record_leave(call, value, more);
}

/* Where no register is to be had for it: the end of the section that the CPU is in, if it is one of this type. */
void record_done(enum mm_record_type type, uint32_t more);
void record_done_as(enum mm_record_type type, uint64_t value, uint32_t more);
/* A request, up to the page that it is given, or to the report of its refusal. */
void record_request(gfp_t gfp, unsigned int order, const void *site);
void record_request_end(const struct page *page);
/*
 * In a section, while RECORDING: others are let in from here to record_resume(), which returns `more`. True: a
 * replay, in which what the call does meanwhile has come with events.
 */
bool record_pause(void);
uint32_t record_resume(uint32_t more);
/* An event of what changes nothing. */
void record_note(enum mm_record_type type, unsigned int order, uint32_t gfp, uint32_t more);

/* free_blocks.c */
/*
 * For whoever walks from block to block: the order of the block that starts at index, of an open
 * section. *free: it is in the buddy, and has no head unless it is a whole pageblock.
 */
unsigned int buddy_block_at(unsigned long index, bool *free);
/* The order of the free block that a free page lies in; *start is its first page. */
unsigned int buddy_order(unsigned long index, unsigned long *start);

#pragma GCC visibility pop
#endif
