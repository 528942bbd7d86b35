/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * run.c: see run.h. Each CPU is a coroutine: a call that waits on the machine waits here where it does
 * there, until its event says that it goes on, and others' calls come in between. What the layers call
 * while a recording runs (mm/debug/record.h) is this file's here.
 */
#include "run.h"

#include <quarry/migrate.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "board.h"
#include "judge.h"
#include "steps.h"
#include "mm/alloc/alloc.h"
#include "mm/buddy/buddy.h"
#include "mm/debug/hooks.h"
#include "mm/pcp/pcp.h"

#define STACK (256 << 10)

unsigned long run_checks;
char run_difference[200];

static ucontext_t feeder, cpu_context[CONFIG_NR_CPUS];
static bool started[CONFIG_NR_CPUS];
static const struct mm_record_event *now; /* the event that the running CPU was given */
static bool differs;

void differ(const struct mm_record_event *event, const char *fmt, ...)
{
	va_list ap;

	int used;

	if (differs)
		return;
	differs = true;
	used = snprintf(run_difference, sizeof(run_difference),
			"event %u, %s of order %u on CPU %u: ", event->sequence, event_name(event),
			event->order, event->cpu);
	va_start(ap, fmt);
	vsnprintf(run_difference + used, sizeof(run_difference) - (size_t)used, fmt, ap);
	va_end(ap);
	fprintf(stderr, "%s\n", run_difference);
}

/* The CPU is done with its event; returns with its next one. Once something differs there is none. */
static const struct mm_record_event *next_event(void)
{
	unsigned int cpu = port_pcpu()->cpu;

	swapcontext(&cpu_context[cpu], &feeder);
	return now;
}

static void expect_value(const struct mm_record_event *event, uint64_t value)
{
	if (event->value != value)
		differ(event, "recorded 0x%llx, replayed 0x%llx", (unsigned long long)event->value,
		       (unsigned long long)value);
}

/* ---- calls ----------------------------------------------------------------------------------- */

struct page *page_of(const struct mm_record_event *event)
{
	unsigned long index = pfn_to_index(event->value);

	if (index == NIL32) {
		differ(event, "there is no frame 0x%llx", (unsigned long long)event->value);
		return NULL;
	}
	return &mm.memmap[index];
}

static uint64_t request(const struct mm_record_event *event)
{
	struct alloc_context ac;
	struct page *page;

	alloc_context_init(&ac, event->gfp, event->order);
	ac.passed = false; /* with hooks every request asks from the first zone on */
	page = alloc_pages_request(&ac);
	return page ? page_to_pfn(page) : MM_RECORD_NONE;
}

/* The descriptor's first word is its holders', who may have done anything with it but for the order. */
static void free_again(const struct mm_record_event *event)
{
	struct page *page = page_of(event);
	enum page_state state;
	uint32_t freed;

	if (!page)
		return;
	state = page_state(page);
	if ((page->word ^ event->gfp) & PAGE_ORDER_MASK || page_order(page) != event->order ||
	    (state == PAGE_ALLOC && !page->_refcount) || state == PAGE_FREE || state == PAGE_NONE) {
		differ(event, "frame 0x%llx: recorded 0x%08x, replayed 0x%08x",
		       (unsigned long long)event->value, event->gfp, page->word);
		return;
	}
	page->word = event->gfp;
	freed = free_block(page, event->order);
	if (freed != (event->more & 3))
		differ(event,
		       "frame 0x%llx: recorded that it was %u, replayed %u (0 kept, 1 freed, 2 cached)",
		       (unsigned long long)event->value, event->more & 3, freed);
}

/* A page of its holder's, whose word it is: no other CPU and no list knows it. */
static void bad_again(const struct mm_record_event *event)
{
	struct page *page = page_of(event);

	if (!page || !event->more) /* refused, which changed nothing */
		return;
	if (page_order(page) || page_state(page) == PAGE_FREE || page_state(page) == PAGE_NONE ||
	    page_state(page) == PAGE_RESERVED || !page->_refcount) {
		differ(event, "frame 0x%llx: recorded 0x%08x, replayed 0x%08x",
		       (unsigned long long)event->value, event->gfp, page->word);
		return;
	}
	page->word = event->gfp;
	if (mm_page_set_bad(event->value) != 0)
		differ(event, "frame 0x%llx is no page that may go",
		       (unsigned long long)event->value);
}

/* As cut_exact() does: what is kept of a block is cut into the largest there are. */
static void cut(struct page *page, unsigned int order, unsigned long pages)
{
	unsigned long index = (unsigned long)(page - mm.memmap);
	uint32_t word = page->word & ~PAGE_ORDER_MASK;
	struct zone *zone = zone_of(index);
	unsigned long flags = port_irq_save();

	spin_lock(&zone->lock);
	buddy_free_tails(zone, index, order, pages, gfp_migratetype(word));
	while (order--) {
		if (!(pages >> order & 1))
			continue;
		trust_head(index, order);
		mm.memmap[index].raw = word | order << PAGE_ORDER_SHIFT;
		index += 1UL << order;
	}
	spin_unlock(&zone->lock);
	port_irq_restore(flags);
}

static void set_sysctl(const struct mm_record_event *event)
{
	if (event->order == MM_RECORD_MIN_FREE_KBYTES)
		mm_set_min_free_kbytes(event->value);
	else if (event->order == MM_RECORD_WATERMARK_SCALE_FACTOR)
		mm_set_watermark_scale_factor((unsigned int)event->value);
	else
		mm_set_lowmem_reserve_ratio(event->order - MM_RECORD_LOWMEM_RESERVE_RATIO,
					    (unsigned int)event->value);
}

/* ---- all calls ------------------------------------------------------------------------------- */

static unsigned long no_objects(struct shrinker *shrinker, struct shrink_control *control)
{
	(void)shrinker, (void)control;
	return 0; /* what they freed is in events */
}

static bool never(struct page *page)
{
	(void)page;
	return false;
}

static int no_move(struct page *dst, struct page *src)
{
	(void)dst, (void)src;
	return -1;
}

static void nothing(struct page *page)
{
	(void)page;
}

/* A request asks shrinkers, and what moves pages, where there are any. */
void run_callbacks(uint32_t there)
{
	static struct shrinker shrinker = {.count_objects = no_objects, .scan_objects = no_objects};
	static const struct movable_operations ops = {.isolate_page = never,
						      .migrate_page = no_move,
						      .putback_page = nothing,
						      .holders = 1};
	static bool moves;

	if (there & MM_RECORD_HAS_SHRINKERS)
		register_shrinker(&shrinker);
	else
		unregister_shrinker(&shrinker);
	if (there & MM_RECORD_HAS_MOVABLE && !moves) {
		moves = true;
		mm_register_movable(&ops);
	}
}

/* Makes the call; returns what its event says in `value`. */
static uint64_t call(const struct mm_record_event *event)
{
	uint64_t value = event->value;
	unsigned long flags;
	struct page *page;
	bool made;

	switch (event->type) {
	case MM_RECORD_ALLOC:
		return request(event);
	case MM_RECORD_FREE:
		free_again(event);
		break;
	case MM_RECORD_CUT:
		page = page_of(event);
		if (page)
			cut(page, event->order, event->more);
		break;
	case MM_RECORD_BAD:
		bad_again(event);
		break;
	case MM_RECORD_SERVE: /* a piece of it, as an interrupt serves it */
		port_pcpu()->irq_depth++;
		mm_ipi();
		port_pcpu()->irq_depth--;
		break;
	case MM_RECORD_DRAIN:
		return event->order ? drain_some_pages() : drain_all_pages();
	case MM_RECORD_GIVE_BACK:
		remote_give_back(event->value >> 32, event->value & 0xffffffff);
		break;
	case MM_RECORD_IDLE:
		mm_cpu_idle();
		break;
	case MM_RECORD_PCP_HIGH:
		mm_set_pcp_high(event->value);
		break;
	case MM_RECORD_CALLBACKS:
		run_callbacks(event->more);
		break;
	case MM_RECORD_SYSCTL:
		set_sysctl(event);
		break;
	default:
		flags = port_irq_save(); /* its steps are made with a zone's lock */
		made = step(event, &value);
		port_irq_restore(flags);
		if (made)
			return value;
		differ(event, "it is not expected here");
	}
	return event->value;
}

static void make(const struct mm_record_event *event)
{
	uint64_t value = call(event);

	if (event->flags & MM_RECORD_BEGINS) {
		const struct mm_record_event *end = next_event();

		if (end->type != event->type || !(end->flags & MM_RECORD_ENDS)) {
			differ(end, "event %u has not waited so often", event->sequence);
			return;
		}
		event = end;
	}
	expect_value(event, value);
}

static void cpu_main(void)
{
	for (;;) {
		make(now);
		next_event();
	}
}

/* ---- what the layers call -------------------------------------------------------------------- */

static uint32_t resumed[CONFIG_NR_CPUS];

#define DEPTH 8 /* RECORD_DEPTH of mm/debug/record_internal.h: so much stack is there for */

bool record_pause(void)
{
	static unsigned int depth[CONFIG_NR_CPUS];
	unsigned int cpu = port_pcpu()->cpu;
	const struct mm_record_event *event;

	if (depth[cpu]++ == DEPTH) {
		differ(now, "more calls wait than a machine lets");
		next_event();
	}
	while ((event = next_event())->type != MM_RECORD_RESUME)
		make(event);
	resumed[cpu] = event->more;
	depth[cpu]--;
	return true;
}

uint32_t record_resume(uint32_t more)
{
	(void)more;
	return resumed[port_pcpu()->cpu];
}

struct record_call *record_enter(enum mm_record_type type, unsigned int order, uint32_t gfp,
				 uint64_t value)
{
	(void)type, (void)order, (void)gfp, (void)value;
	return NULL;
}

void record_leave(struct record_call *record, uint64_t value, uint32_t more)
{
	(void)record, (void)value, (void)more;
}

void record_done(enum mm_record_type type, uint32_t more)
{
	(void)type, (void)more;
}

void record_done_as(enum mm_record_type type, uint64_t value, uint32_t more)
{
	(void)type, (void)value, (void)more;
}

void record_request(gfp_t gfp, unsigned int order, const void *site)
{
	(void)gfp, (void)order, (void)site;
}

void record_request_end(const struct page *page)
{
	(void)page;
}

void record_note(enum mm_record_type type, unsigned int order, uint32_t gfp, uint32_t more)
{
	(void)type, (void)order, (void)gfp, (void)more;
}

struct spinlock *hook_record_lock(void)
{
	static struct spinlock lock; /* one CPU runs at a time */

	return &lock;
}

/* ---- the port -------------------------------------------------------------------------------- */

phys_addr_t port_host_offset;
_Thread_local struct mm_pcpu *port_host_pcpu;
_Thread_local unsigned long port_host_masked; /* with CONFIG_DEBUG_VM */

void port_log(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

_Noreturn void port_panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* Whoever waits here waits for ever: all that others do is events, which have come. */
void port_yield(void)
{
	differ(now, "it waits for another CPU that did not serve it on the machine");
	exit(1);
}

void port_kick(unsigned int cpu)
{
	(void)cpu;
}

/* ---- events ---------------------------------------------------------------------------------- */

static bool check(const struct mm_record_event *event)
{
	uint64_t hash = mm_record_hash();

	if (hash != event->value) {
		differ(event, "recorded hash 0x%016llx, replayed 0x%016llx",
		       (unsigned long long)event->value, (unsigned long long)hash);
		fprintf(stderr, "recorded: %u and %u pages free\n", event->gfp, event->more);
		return false;
	}
	run_checks++;
	return true;
}

static void give(const struct mm_record_event *event)
{
	struct mm_pcpu *cpu = board_cpu(event->cpu);
	ucontext_t *context = &cpu_context[event->cpu];

	if (!cpu) {
		differ(event, "no such CPU");
		return;
	}
	port_set_pcpu(cpu);
	cpu->irq_depth = !!(event->flags & MM_RECORD_IRQ);
	mm.callbacks_thread = event->flags & MM_RECORD_CALLBACK ? port_thread() : NULL;
	now = event;
	if (!started[event->cpu]) {
		started[event->cpu] = true;
		getcontext(context);
		context->uc_stack.ss_sp = malloc(STACK);
		context->uc_stack.ss_size = STACK;
		makecontext(context, cpu_main, 0);
	}
	swapcontext(&feeder, context);
	cpu->irq_depth = 0;
}

bool run_event(const struct mm_record_event *event)
{
	static uint32_t next;

	if (event->sequence != next) {
		differ(event, "%u events before it were lost on the machine",
		       event->sequence - next);
		return false;
	}
	next++;
	if (!judge_event(event))
		return false;
	switch (event->type) {
	case MM_RECORD_CHECK:
		return check(event);
	case MM_RECORD_INJECTED:
	case MM_RECORD_REFUSE:
	case MM_RECORD_LOST: /* the gap was seen before */
		return true;
	case MM_RECORD_OTHER:
		differ(event, "a call that cannot be repeated, number %u", event->more);
		return false;
	default:
		give(event);
		return !differs;
	}
}
