/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * caches_check.c: what each CPU has: its area, its caches, the ranges it knows as open. What lies
 * in caches is compared with what the zones' walks saw cached (buddy/blocks_check.c). Pointers are
 * judged as numbers before they are followed.
 */
#include "../check_walk.h"
#include "pcp_internal.h"

#define IRQ_DEPTH_MAX 255 /* interrupts do not nest deeper */

static unsigned long long address(const void *pointer)
{
	return (unsigned long long)(uintptr_t)pointer;
}

/* ---- the arrays ---------------------------------------------------------------------------- */

/* Does the array of a cache lie in pages that someone has allocated? */
static bool check_allocated(struct walk *walk, const void *start, const void *end, unsigned int c,
			    unsigned int number)
{
	phys_addr_t at = virt_to_phys(start), last = virt_to_phys(end) - 1;

	for (pfn_t pfn = PFN_DOWN(at); pfn <= PFN_DOWN(last); pfn++) {
		unsigned long index = pfn_to_index(pfn);
		const struct page *head = NULL;

		if (index != NIL32 && section_is_open(index >> SECTION_SHIFT))
			index = block_head(index);
		else
			index = NIL32;
		if (index != NIL32)
			head = &mm.memmap[index];
		if (!expect(walk, head && page_allocated(head) && head->_refcount,
			    "cpu[%u].cache[%u].base, .capacity: 0x%llx to 0x%llx, but page[%lu] has info 0x%x _refcount %u",
			    c, number, address(start), address(end), index, head ? head->info : 0,
			    head ? head->_refcount : 0U))
			return false;
	}
	return true;
}

/*
 * The bounds of the caches: their arrays are neighbours in the order pcp_give_slots() deals them.
 * `slots` is where the last one ended, NULL before the first. Returns where this one ends, or NULL
 * if it is not right.
 */
static struct page **check_bounds(struct walk *walk, const struct mm_pcpu *cpu, unsigned int number,
				  unsigned int zone, struct page **slots)
{
	const struct per_cpu_pages *pcp = &cpu->cache[number];
	unsigned int order = number / NR_PCP_CLASSES, c = cpu->cpu;
	unsigned long most = pcp_most_capacity(&mm.zones[zone], order);
	int before = walk->violations;
	struct page **end, **limit;

	expect(walk, pcp->capacity <= most,
	       "cpu[%u].cache[%u].capacity: %u, but %lu by zone[%u].start, .end and mm.nr_cpus", c,
	       number, (unsigned int)pcp->capacity, most, zone);
	expect(walk, pcp->zone == zone, "cpu[%u].cache[%u].zone: %u", c, number, pcp->zone);
	expect(walk, slots ? pcp->base == slots : (uintptr_t)pcp->base % PAGE_SIZE == 0,
	       "cpu[%u].cache[%u].base: 0x%llx, but 0x%llx by .base and .capacity of the one before",
	       c, number, address(pcp->base), address(slots));
	if (walk->violations != before)
		return NULL;
	end = (struct page **)((uintptr_t)pcp->base +
			       (pcp->capacity + PCP_EXTRA_SLOTS) * sizeof(*end));
	if (!check_allocated(walk, pcp->base, end, c, number))
		return NULL;
	limit = pcp->base + pcp_high_of(pcp, order, mm.pcp_high);
	expect(walk, pcp->limit == limit,
	       "cpu[%u].cache[%u].limit: 0x%llx, but 0x%llx by .capacity and mm.pcp_high", c,
	       number, address(pcp->limit), address(limit));
	expect(walk,
	       (uintptr_t)pcp->top >= (uintptr_t)pcp->base &&
		       (uintptr_t)pcp->top <= (uintptr_t)limit &&
		       (uintptr_t)pcp->top % sizeof(*end) == 0,
	       "cpu[%u].cache[%u].top: 0x%llx, but .base 0x%llx, .limit 0x%llx", c, number,
	       address(pcp->top), address(pcp->base), address(limit));
	expect(walk, pcp_cursor_fits(pcp),
	       "cpu[%u].cache[%u].cursor: %u, but .base 0x%llx .limit 0x%llx", c, number,
	       pcp->cursor, address(pcp->base), address(limit));
	expect(walk, !*pcp->base, "cpu[%u].cache[%u]: there is something below the first block", c,
	       number);
	return walk->violations == before ? end : NULL;
}

/* One without an array: it looks empty and full. */
static void check_no_array(struct walk *walk, const struct per_cpu_pages *pcp, unsigned int c,
			   const char *name, unsigned int number)
{
	expect(walk,
	       pcp->top == pcp_empty_slot && pcp->base == pcp_empty_slot &&
		       pcp->limit == pcp_empty_slot && !*pcp_empty_slot,
	       "cpu[%u].%s[%u].capacity: 0, but .top 0x%llx .limit 0x%llx .base 0x%llx, not 0x%llx",
	       c, name, number, address(pcp->top), address(pcp->limit), address(pcp->base),
	       address(pcp_empty_slot));
}

/* ---- what lies in them --------------------------------------------------------------------- */

static void check_blocks(struct walk *walk, const struct mm_pcpu *cpu, unsigned int number)
{
	const struct per_cpu_pages *pcp = &cpu->cache[number];
	const struct zone *zone = &mm.zones[pcp->zone];
	unsigned int order = number / NR_PCP_CLASSES;
	uint32_t word =
		PAGE_INFO(PAGE_ALLOC, order) | number % NR_PCP_CLASSES * (uint32_t)sizeof(*pcp);

	for (struct page **p = pcp->top; p > pcp->base; p--) {
		uintptr_t offset = (uintptr_t)*p - (uintptr_t)mm.memmap;
		unsigned long index = offset / sizeof(struct page);
		bool is_descriptor = offset % sizeof(struct page) == 0 && index >= zone->start &&
				     index < zone->end && section_is_open(index >> SECTION_SHIFT);

		if (!expect(walk, is_descriptor,
			    "cpu[%u].cache[%u].top[%d]: 0x%llx is no descriptor of zone[%u]",
			    (unsigned int)cpu->cpu, number, (int)(p - pcp->top), address(*p),
			    pcp->zone))
			continue;
		expect(walk, trusted(index) && (*p)->word == word,
		       "cpu[%u].cache[%u].top[%d]: page[%lu] has info 0x%x _refcount %u",
		       (unsigned int)cpu->cpu, number, (int)(p - pcp->top), index, (*p)->info,
		       (*p)->_refcount);
		for (struct page **q = p - 1; q > pcp->base && q > p - 64; q--)
			expect(walk, *q != *p, "cpu[%u].cache[%u].top[%d], top[%d]: both page[%lu]",
			       (unsigned int)cpu->cpu, number, (int)(p - pcp->top),
			       (int)(q - pcp->top), index);
		cached_take(&walk->cached[pcp->zone], index, order);
	}
}

/* The number of a zone's cache among all; the caches of a zone are neighbours, by order. */
static unsigned int cache_number(unsigned int zone, unsigned int order, unsigned int type)
{
	return order * NR_PCP_CLASSES + mm.zones[zone].first_pcp + type;
}

/* The zone whose caches are of this class; MAX_NR_ZONES: none is. */
static unsigned int zone_of_class(unsigned int class)
{
	for (unsigned int z = MAX_NR_ZONES; z--;) /* a zone without memory has none */
		if (zone_populated(&mm.zones[z]) &&
		    class - mm.zones[z].first_pcp < MIGRATE_PCPTYPES)
			return z;
	return MAX_NR_ZONES;
}

/* Returns the bytes of the arrays, or 0 if something is wrong with them. */
static uint64_t check_caches(struct walk *walk, const struct mm_pcpu *cpu)
{
	const struct per_cpu_pages *shown = cpu->pcp[0]; /* to the hot paths */
	struct page **slots = NULL, **first = NULL;

	for (unsigned int i = 0; i < NR_PCPS; i++) {
		const struct per_cpu_pages *pcp = &cpu->cache[i];

		if (pcp->capacity)
			expect(walk, zone_of_class(i % NR_PCP_CLASSES) != MAX_NR_ZONES,
			       "cpu[%u].cache[%u].capacity: %u, but no zone has such blocks",
			       (unsigned int)cpu->cpu, i, (unsigned int)pcp->capacity);
		else
			check_no_array(walk, pcp, (unsigned int)cpu->cpu, "cache", i);
		if (cpu->cache != shown)
			check_no_array(walk, &shown[i], (unsigned int)cpu->cpu, "pcp", i);
	}
	for (unsigned int z = 0; z < MAX_NR_ZONES; z++) {
		for (unsigned int n = 0; n < NR_PAGE_ORDERS * MIGRATE_PCPTYPES; n++) {
			unsigned int i =
				cache_number(z, n / MIGRATE_PCPTYPES, n % MIGRATE_PCPTYPES);

			if (!cpu->cache[i].capacity || !zone_populated(&mm.zones[z]))
				continue;
			slots = check_bounds(walk, cpu, i, z, slots);
			if (!slots)
				return 0;
			if (!first)
				first = cpu->cache[i].base;
			check_blocks(walk, cpu, i);
		}
	}
	return (uint64_t)((uintptr_t)slots - (uintptr_t)first);
}

/* ---- a CPU's area -------------------------------------------------------------------------- */

/* What a CPU frees without a look at the spans must be open. */
static void check_open_ranges(struct walk *walk, const struct mm_pcpu *cpu)
{
	uintptr_t step = SECTION_PAGES * sizeof(struct page);
	uintptr_t all = mm.nr_pages * sizeof(struct page);

	for (unsigned int i = 0; i < MM_OPEN_RANGES; i++) {
		const struct mm_open_range *open = &cpu->open[i];
		uintptr_t start = open->start - (uintptr_t)mm.memmap, end = start + open->bytes;

		if (!open->bytes)
			continue;
		if (!expect(walk,
			    start % step == 0 && open->bytes % step == 0 && start < all &&
				    open->bytes <= all - start,
			    "cpu[%u].open[%u].start: 0x%llx, .bytes: 0x%llx, which is no run of sections",
			    (unsigned int)cpu->cpu, i, (unsigned long long)open->start,
			    (unsigned long long)open->bytes))
			continue;
		for (uintptr_t at = start; at < end; at += step)
			expect(walk, section_is_open(at / sizeof(struct page) >> SECTION_SHIFT),
			       "cpu[%u].open[%u].start, .bytes: section %llu is not open",
			       (unsigned int)cpu->cpu, i, (unsigned long long)(at / step));
	}
}

/* Is it an entry of mm.banks[]? It may point anywhere. */
static bool is_bank(const struct bank *bank)
{
	uintptr_t at = (uintptr_t)bank - (uintptr_t)mm.banks;

	return at % sizeof(*bank) == 0 && at / sizeof(*bank) < mm.nr_banks;
}

/* False: it cannot be told where its caches are. */
static bool check_area(struct walk *walk, const struct mm_pcpu *cpu, unsigned int number)
{
	uint32_t newest = remote_newest();
	const int8_t *trust = pcp_trust();
	const struct per_cpu_pages *cache = cpu->pcp[0];
	const struct bank *first = FOR_SPEED ? &no_bank : NULL;

#if CONFIG_DEBUG_HOOKS
	if (cpu->hooks)
		cache = cpu->held[0];
#endif
	expect(walk, cpu->cpu == number, "cpu[%u].cpu: %u", number, (unsigned int)cpu->cpu);
	expect(walk, cpu->bank == first || is_bank(cpu->bank),
	       "cpu[%u].bank: 0x%llx, where no bank is", number, address(cpu->bank));
	expect(walk, cpu->trust == trust,
	       "cpu[%u].trust: 0x%llx, but 0x%llx by mm.trust, mm.memmap", number,
	       address(cpu->trust), address(trust));
	expect(walk, cpu->irq_depth <= IRQ_DEPTH_MAX, "cpu[%u].irq_depth: %u", number,
	       (unsigned int)cpu->irq_depth);
	expect(walk, cpu->online == 1, "cpu[%u].online: %u", number, (unsigned int)cpu->online);
	expect(walk, cpu->hooks == mm.hooks, "cpu[%u].hooks: 0x%x, but mm.hooks: 0x%x", number,
	       (unsigned int)cpu->hooks, mm.hooks);
	expect(walk, cpu->acknowledged == newest,
	       "cpu[%u].acknowledged: request %u, but the newest is %u", number,
	       (unsigned int)cpu->acknowledged, (unsigned int)newest);
	return expect(walk, cpu->cache == cache, "cpu[%u].cache: 0x%llx, but 0x%llx by .hooks",
		      number, address(cpu->cache), address(cache));
}

/* The areas, before one is looked into. */
static bool check_pointers(struct walk *walk)
{
	int before = walk->violations;
	uintptr_t all = 0;

	expect(walk, mm.end_cpu <= CONFIG_NR_CPUS, "mm.end_cpu: %u", mm.end_cpu);
	for (unsigned int c = 0; c < CONFIG_NR_CPUS; c++) {
		all ^= (uintptr_t)mm.pcpu[c];
		expect(walk,
		       (uintptr_t)mm.pcpu[c] % _Alignof(struct mm_pcpu) == 0 &&
			       (!mm.pcpu[c] || c < mm.end_cpu),
		       "mm.pcpu[%u]: 0x%llx, mm.end_cpu: %u", c, address(mm.pcpu[c]), mm.end_cpu);
	}
#if CONFIG_DEBUG_HOOKS
	expect(walk, all == mm.pcpu_xor, "mm.pcpu_xor: 0x%llx, but 0x%llx by mm.pcpu[]",
	       (unsigned long long)mm.pcpu_xor, (unsigned long long)all);
#endif
	return walk->violations == before;
}

bool check_cpus(struct walk *walk)
{
	int before = walk->violations;
	uint64_t bytes = 0;

	expect(walk, mm.nr_cpus, "mm.nr_cpus: 0");
	if (!check_pointers(walk) || !mm.nr_cpus)
		return false;
	for (unsigned int c = 0; c < mm.end_cpu; c++) {
		if (!mm.pcpu[c] || !check_area(walk, mm.pcpu[c], c))
			continue;
		check_open_ranges(walk, mm.pcpu[c]);
		bytes += check_caches(walk, mm.pcpu[c]);
	}
	/* Those of CPUs that went offline are not given back. */
	expect(walk, mm.pcp_bytes % PAGE_SIZE == 0 && mm.pcp_bytes >= bytes,
	       "mm.pcp_bytes: %llu, but the caches have %llu", (unsigned long long)mm.pcp_bytes,
	       (unsigned long long)bytes);
	for (unsigned int z = 0; walk->violations == before && z < MAX_NR_ZONES; z++)
		expect(walk,
		       walk->cached[z].pages == pcp_left_behind[z].pages &&
			       walk->cached[z].sum == pcp_left_behind[z].sum,
		       "zone[%u]: page[]._refcount is 0 for other blocks than those in caches, %lld pages more",
		       z, (long long)(walk->cached[z].pages - pcp_left_behind[z].pages));
	return true;
}
