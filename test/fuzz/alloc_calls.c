/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc_calls.c: requests and frees, each judged: what is handed out is nobody's; a request is served if mm_explain()
 * says so, and only then; a refusal is one that the model allows, and changes nothing; a wrong free has the
 * errno that the frame calls for. Interrupts run between and within calls (port_fuzz.h).
 */
#include "alloc_calls.h"

#include "mm/alloc/alloc.h"

unsigned long nr_calls, nr_interrupts, nr_callbacks;
unsigned int fail_place, interrupt_period;
uint64_t interrupt_random;
bool migrating;
static unsigned int let_in; /* times since the last one */
bool failing;
long walk_budget;

extern bool (*mm_fault_point)(const char *function, int line); /* CONFIG_FAULT_POINTS */
static unsigned int places_seen;

static bool fail_here(const char *function, int line)
{
	(void)function;
	(void)line;
	return ++places_seen == fail_place;
}

/* ---- what a call is asked for --------------------------------------------------------------- */

gfp_t in_gfp(void)
{
	static const gfp_t kinds[] = {GFP_KERNEL,
				      GFP_ATOMIC,
				      GFP_NOWAIT,
				      GFP_KERNEL | __GFP_RETRY_MAYFAIL,
				      GFP_KERNEL | __GFP_NORETRY,
				      GFP_KERNEL | __GFP_HIGH,
				      GFP_KERNEL | __GFP_MEMALLOC,
				      GFP_ATOMIC | __GFP_NOMEMALLOC};
	static const gfp_t types[] = {0, __GFP_MOVABLE, __GFP_RECLAIMABLE, 0};
	unsigned int more = in16();
	gfp_t gfp = kinds[more & 7] | types[more >> 3 & 3];

	gfp |= more & 0x20 ? __GFP_DMA32 : 0;
	gfp |= (more & 0x1c0) == 0x1c0 ? __GFP_ZERO : 0;
	gfp |= (more & 0x600) == 0x600 ? __GFP_COMP : 0;
	gfp |= (more & 0x3800) == 0x3800 ? __GFP_THISNODE : 0;
	return more & 0xc000 ? gfp | __GFP_NOWARN : gfp; /* else with the report */
}

unsigned int in_order(void)
{
	static const unsigned char orders[] = {0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 9, 10};

	return orders[in() & 15];
}

void charge(unsigned long pages)
{
	if (mm_hooks() & ~(MM_HOOK_TRACE | MM_HOOK_FAIL))
		walk_budget -= 32 * (long)pages;
}

/* ---- what must not change ------------------------------------------------------------------- */

bool may_walk(void)
{
	struct zone_info info;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_zone_info((enum zone_type)zone, &info);
		walk_budget -= (long)(info.present - info.untouched);
	}
	return walk_budget > 0;
}

uint64_t misuses(void)
{
	struct mm_stats stats;
	uint64_t sum = 0;

	mm_get_stats(&stats);
	for (int kind = 0; kind < NR_MISUSES; kind++)
		sum += stats.misuse[kind];
	return sum;
}

struct before before_refusal(void)
{
	struct before before = {.since = nr_disturbances(), .misuses = misuses()};

	before.hashed = !port_pcpu()->irq_depth && may_walk();
	before.hash = before.hashed ? mm_state_hash() : 0;
	return before;
}

void unchanged(const struct before *before, const char *call)
{
	if (before->hashed && before->since == nr_disturbances())
		CHECK(mm_state_hash() == before->hash, "%s was refused and changed the state",
		      call);
}

/* ---- requests ------------------------------------------------------------------------------- */

static struct page *ask(gfp_t gfp, unsigned int order, unsigned int how)
{
	unsigned long address;

	nr_calls++;
	if (!order && !(how & 12)) { /* constant flags: the path that is inline */
		switch ((unsigned int)gfp) {
		case GFP_KERNEL | __GFP_NOWARN:
			return alloc_page(GFP_KERNEL | __GFP_NOWARN);
		case GFP_ATOMIC | __GFP_NOWARN:
			return alloc_page(GFP_ATOMIC | __GFP_NOWARN);
		case GFP_NOWAIT | __GFP_NOWARN | __GFP_DMA32:
			return alloc_page(GFP_NOWAIT | __GFP_NOWARN | __GFP_DMA32);
		case GFP_KERNEL | __GFP_MOVABLE | __GFP_NOWARN:
			return alloc_page(GFP_KERNEL | __GFP_MOVABLE | __GFP_NOWARN);
		}
	}
	if (!(how & 8))
		return alloc_pages(gfp, order);
	address = __get_free_pages(gfp, order);
	return address ? virt_to_page((void *)(uintptr_t)address) : NULL;
}

/* The outcome can be foretold: nothing fails on purpose, no interrupt and no callback has run since. */
static bool undisturbed(unsigned long since)
{
	return !failing && !fail_place && nr_disturbances() == since;
}

/* A refusal that nothing disturbed; nothing disturbs the questions either. */
static void judge_refusal(gfp_t gfp, unsigned int order, bool explain, bool could)
{
	unsigned int period = interrupt_period;

	interrupt_period = 0;
	CHECK(!could, "gfp 0x%x order %u: to be served, but refused", (unsigned int)gfp, order);
	CHECK(explain || !CALL(mm_explain(gfp, order, NULL, 0)),
	      "gfp 0x%x order %u: refused, but to be served", (unsigned int)gfp, order);
	if (walk_budget > 0) {
		walk_budget -= (long)(model.end - model.first);
		CHECK(!model_must_serve(gfp, order), "gfp 0x%x order %u: refused without need",
		      (unsigned int)gfp, order);
	}
	interrupt_period = period;
}

bool request(gfp_t gfp, unsigned int order, unsigned int how)
{
	bool thread = !in_interrupt() && !in_callback();
	/* An interrupt may also come while the request is explained. */
	unsigned long since = nr_disturbances();
	bool explain = thread && how & 1, could = explain && CALL(mm_explain(gfp, order, NULL, 0));
	struct before before = {.hashed = false};
	struct page *page;

	if (explain && !could)
		before = before_refusal();
	if (could && how & 16 && undisturbed(since) && !interrupt_period)
		gfp |= __GFP_NOFAIL;
	mm_fault_point = fail_place ? fail_here : NULL;
	places_seen = 0;
	charge(1UL << order);
	SAY("request 0x%x order %u how %u\n", (unsigned int)gfp, order, how);
	page = ask(gfp, order, how);
	mm_fault_point = NULL;
	if (page) {
		CHECK(!explain || could || !undisturbed(since),
		      "gfp 0x%x order %u: not to be served, but was", (unsigned int)gfp, order);
		if (!model_take(page, 1UL << order, order, gfp))
			CHECK(!__free_pages(page, order), "a block just handed out");
		return true;
	}
	unchanged(&before, "a request");
	if (!thread || !undisturbed(since))
		return false;
	judge_refusal(gfp, order, explain, could);
	return false;
}

bool request_exact(unsigned long pages, gfp_t gfp)
{
	struct before before = before_refusal();
	void *memory;
	struct block *block;
	unsigned int order = 0;

	mm_fault_point = fail_place ? fail_here : NULL;
	places_seen = 0;
	memory = CALL(alloc_pages_exact(pages * PAGE_SIZE - (pages & 1), gfp));
	mm_fault_point = NULL;
	if (!memory) {
		unchanged(&before, "alloc_pages_exact()");
		return false;
	}
	while (1UL << order < pages)
		order++;
	block = model_take(virt_to_page(memory), pages, order, gfp & ~__GFP_COMP);
	if (!block)
		CHECK(!free_pages_exact(memory, pages * PAGE_SIZE), "memory just handed out");
	else if (pages & (pages - 1))
		block->exact = true;
	return true;
}

void request_bulk(gfp_t gfp, unsigned long n)
{
	static struct page *pages[256];
	unsigned long since = nr_disturbances(), got;

	pages[n] = pages[255];
	got = CALL(alloc_pages_bulk(gfp, n, pages));
	nr_calls += got;
	CHECK(got <= n && pages[n] == pages[255], "bulk of %lu: %lu", n, got);
	for (unsigned long i = 0; i < got; i++)
		if (!model_take(pages[i], 1, 0, gfp))
			CHECK(!__free_page(pages[i]), "a page just handed out");
	if (got < n && undisturbed(since))
		judge_refusal(gfp, 0, false, false);
}

/* Requests that are wrong in themselves. */
void request_wrong(unsigned int kind)
{
	struct before before = before_refusal();
	struct page *page = NULL;

	switch (kind % 5) {
	case 0:
		CHECK(!CALL(alloc_pages(GFP_KERNEL, MAX_PAGE_ORDER + 1 + kind / 5)), "order %u",
		      kind);
		break;
	case 1:
		CHECK(!CALL(alloc_pages(GFP_KERNEL | GFP_MOVABLE_MASK, kind & 7)),
		      "both mobilities");
		break;
	case 2:
		CHECK(!CALL(alloc_pages(GFP_KERNEL | (gfp_t)1 << (19 + kind % 13), 0)),
		      "an unknown flag");
		break;
	case 3:
		CHECK(!CALL(alloc_pages_exact(kind & 1 ? 0 : SIZE_MAX - kind, GFP_KERNEL)),
		      "no size");
		break;
	case 4:
		CHECK(!CALL(alloc_pages_bulk(GFP_KERNEL | GFP_MOVABLE_MASK, 1, &page)),
		      "bulk, both mobilities");
		break;
	}
	unchanged(&before, "a wrong request");
}

/* ---- interrupts ----------------------------------------------------------------------------- */

static unsigned int irq_random(void)
{
	interrupt_random = interrupt_random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned int)(interrupt_random >> 33);
}

void interrupts_start(unsigned int period, uint64_t random)
{
	interrupt_period = period;
	interrupt_random = random;
	let_in = 0;
	migrating = random & 128;
}

void interrupt(void)
{
	struct block *block;

	if (!interrupt_period || port_pcpu()->irq_depth || ++let_in < interrupt_period)
		return;
	let_in = 0;
	nr_interrupts++;
	port_fuzz_masked = 1;
	port_pcpu()->irq_depth++;
	switch (irq_random() % 8) {
	case 0:
	case 1:
		request((irq_random() & 1 ? GFP_ATOMIC : GFP_NOWAIT) | __GFP_NOWARN,
			irq_random() % 4, irq_random() & 12);
		break;
	case 2: /* a mistake, and counted as one */
		request(GFP_KERNEL | __GFP_NOWARN, irq_random() % 2, 0);
		break;
	case 3:
		request(GFP_ATOMIC | __GFP_NOWARN | __GFP_DMA32, 0, irq_random() & 12);
		break;
	case 4:
		CALL(drain_some_pages());
		break;
	default:
		block = model_pick(irq_random());
		if (block)
			release(block, irq_random());
	}
	port_pcpu()->irq_depth--;
	if (migrating && !in_callback()) /* a preemptive host's scheduler */
		cpu_migrate(irq_random());
	port_fuzz_masked = 0;
}
