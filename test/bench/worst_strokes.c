/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worst_strokes.c: the steps of an episode of the hunt. A stroke is a burst of calls of one
 * character, with parameters (struct worst_gene) that the search in worst.c varies.
 */
#include "test/bench/worst.h"

#define MAX_CALLS 400

/* ---- parameters ---------------------------------------------------------------------------- */

static gfp_t draw_gfp(void)
{
	static const gfp_t mobility[] = {0, __GFP_MOVABLE, __GFP_RECLAIMABLE, 0, __GFP_MOVABLE};
	gfp_t gfp = mobility[worst_draw(5)] | __GFP_NOWARN;

	gfp |= worst_draw(3) ? GFP_KERNEL : GFP_NOWAIT;
	gfp |= worst_draw(4) ? 0 : __GFP_DMA32;
	gfp |= worst_draw(8) ? 0 : __GFP_COMP;
	gfp |= worst_draw(3) ? 0 : __GFP_HIGH;
	gfp |= worst_draw(4) ? 0 : __GFP_MEMALLOC;
	gfp |= worst_draw(16) ? 0 : __GFP_NOMEMALLOC;
	gfp |= worst_draw(8) ? 0 : __GFP_NORETRY;
	gfp |= worst_draw(8) ? 0 : __GFP_RETRY_MAYFAIL;
	return gfp | (worst_draw(16) ? 0 : __GFP_THISNODE);
}

/* As the gene says, most of the time. */
static gfp_t some_gfp(const struct worst_gene *gene)
{
	return worst_draw(4) ? (gfp_t)gene->gfp : draw_gfp();
}

static enum worst_release some_release(void)
{
	return worst_draw(4) ? WORST_BY_PAGE : (enum worst_release)worst_draw(NR_WORST_RELEASES);
}

static void free_some(enum worst_release how)
{
	worst_call_free(worst_draw((unsigned int)worst_nr_live()), how);
}

/* ---- strokes ------------------------------------------------------------------------------- */

static void stroke_mix(const struct worst_gene *gene)
{
	unsigned int bias = 20 + worst_draw(61);

	for (unsigned int calls = gene->count % MAX_CALLS + 1; calls > 0; calls--) {
		unsigned int order = worst_draw(2) ? 0 : worst_draw(gene->order + 1U);

		if (!worst_nr_live() || worst_draw(100) < bias)
			worst_call_alloc(some_gfp(gene), order);
		else
			free_some(some_release());
	}
}

/* One order and one kind of request, until it is refused or enough. */
static void stroke_fill(const struct worst_gene *gene)
{
	for (unsigned int calls = gene->count; calls > 0; calls--)
		if (!worst_call_alloc((gfp_t)gene->gfp, gene->order))
			break;
}

/* Everything down to the last page, largest blocks first. */
static void stroke_exhaust(const struct worst_gene *gene)
{
	gfp_t gfp = gene->gfp & ~(__GFP_DMA32 | __GFP_THISNODE);

	for (unsigned int order = gene->order + 1U; order-- > 0;)
		while (worst_call_alloc(gfp, order))
			;
}

/* Frees the blocks whose frame number has a certain bit, so that no two merge; or has not. */
static void stroke_comb(const struct worst_gene *gene)
{
	pfn_t bit = (pfn_t)1 << gene->order;
	enum worst_release how = some_release();

	for (unsigned long n = worst_nr_live(); n-- > 0;)
		if (!!(worst_live_pfn(n) & bit) == (gene->count & 1))
			worst_call_free(n, how);
}

static void stroke_newest(const struct worst_gene *gene)
{
	enum worst_release how = some_release();

	for (unsigned int calls = gene->count; calls > 0 && worst_nr_live() > 0; calls--)
		worst_call_free(worst_nr_live() - 1, how);
}

static void stroke_random(const struct worst_gene *gene)
{
	for (unsigned int calls = gene->count; calls > 0 && worst_nr_live() > 0; calls--)
		free_some(some_release());
}

/* All but a few, spread: what remains keeps blocks from merging. */
static void stroke_thin(const struct worst_gene *gene)
{
	for (unsigned long n = worst_nr_live(); n-- > 0;)
		if (worst_draw(64) >= gene->count % 64)
			worst_call_free(n, WORST_BY_PAGE);
}

/* The blocks around one: what completes a large block comes last. */
static void stroke_complete(const struct worst_gene *gene)
{
	pfn_t mask = ~(((pfn_t)1 << gene->order) - 1), block;

	if (!worst_nr_live())
		return;
	block = worst_live_pfn(worst_draw((unsigned int)worst_nr_live())) & mask;
	for (unsigned long n = worst_nr_live(); n-- > 0;)
		if ((worst_live_pfn(n) & mask) == block)
			worst_call_free(n, WORST_BY_PAGE);
}

static void stroke_drain(const struct worst_gene *gene)
{
	unsigned int steps = gene->count & 1 ? ~0U : gene->count % 16;

	while (steps-- > 0 && mm_pcp_high()) {
		struct pcp_info info;
		bool some = false;

		for (unsigned int n = 0; !some && mm_pcp_info(n, &info); n++)
			some = info.count > 0;
		if (!some)
			break;
		worst_call_drain();
	}
}

/* One request of each order, given back at once: what the present state costs. */
static void stroke_probe(const struct worst_gene *gene)
{
	bool keep = !(gene->count & 3), up = gene->count & 4;

	for (unsigned int i = 0; i < NR_PAGE_ORDERS; i++)
		if (worst_call_alloc((gfp_t)gene->gfp, up ? i : MAX_PAGE_ORDER - i) && !keep)
			worst_call_free(worst_nr_live() - 1, some_release());
}

/* The caches of an order brought to the edge where the next call refills or gives back. */
static void stroke_edge(const struct worst_gene *gene)
{
	gfp_t gfp = gene->gfp & ~__GFP_COMP;
	unsigned int rounds = 1 + worst_draw(20), order = gene->order < 4 ? 0 : gene->order;

	for (unsigned int calls = gene->count; calls > 0; calls--)
		if (!worst_call_alloc(gfp, order))
			break;
	while (rounds-- > 0) {
		unsigned int n = worst_draw(80);

		while (n-- > 0 && worst_nr_live() > 0)
			worst_call_free(worst_draw(2) ? worst_nr_live() - 1
						      : worst_draw((unsigned int)worst_nr_live()),
					WORST_BY_PAGE);
		n = worst_draw(40);
		while (n-- > 0 && worst_call_alloc(gfp, order))
			;
	}
}

static void stroke_bulk(const struct worst_gene *gene)
{
	for (unsigned int calls = gene->count % 16 + 1; calls > 0; calls--)
		if (!worst_call_bulk((gfp_t)gene->gfp & ~__GFP_COMP, worst_draw(gene->order + 1U)))
			break;
}

static void stroke_exact(const struct worst_gene *gene)
{
	bool apart = gene->count & 1;

	for (unsigned int calls = gene->count % 32 + 1; calls > 0; calls--)
		if (!worst_call_exact((gfp_t)gene->gfp, 1 + worst_draw(MAX_PAGE_ORDER), apart))
			break;
}

/* Requests that cannot wait, of order 1 and up: they make HIGHATOMIC pageblocks. */
static void stroke_atomic(const struct worst_gene *gene)
{
	gfp_t gfp = (gene->gfp & (GFP_CLASS_MASK | __GFP_THISNODE)) | GFP_ATOMIC | __GFP_NOWARN;

	for (unsigned int calls = gene->count % MAX_CALLS + 1; calls > 0; calls--) {
		if (worst_draw(4))
			worst_call_alloc(gfp, worst_draw(gene->order + 1U));
		else if (worst_nr_live() > 0)
			free_some(WORST_BY_PAGE);
	}
}

/* vm.percpu_pagelist changes on the way; that call itself is not measured. */
static void stroke_limit(const struct worst_gene *gene)
{
	mm_set_pcp_high(gene->count & 1 ? gene->count : gene->count % 64);
}

static const struct {
	const char *name;
	void (*run)(const struct worst_gene *gene);
	unsigned int weight;
} strokes[] = {
	{"mix", stroke_mix, 4},		{"fill", stroke_fill, 6},
	{"exhaust", stroke_exhaust, 2}, {"comb", stroke_comb, 4},
	{"newest", stroke_newest, 2},	{"random", stroke_random, 2},
	{"thin", stroke_thin, 2},	{"complete", stroke_complete, 3},
	{"drain", stroke_drain, 3},	{"probe", stroke_probe, 5},
	{"edge", stroke_edge, 3},	{"bulk", stroke_bulk, 2},
	{"exact", stroke_exact, 2},	{"atomic", stroke_atomic, 3},
	{"limit", stroke_limit, 1},
};
#define NR_STROKES (sizeof(strokes) / sizeof(strokes[0]))

void worst_draw_gene(struct worst_gene *gene)
{
	unsigned int total = 0, i, n;

	for (i = 0; i < NR_STROKES; i++)
		total += strokes[i].weight;
	n = worst_draw(total);
	for (i = 0; n >= strokes[i].weight; i++)
		n -= strokes[i].weight;
	*gene = (struct worst_gene){
		.stroke = (uint8_t)i,
		.order = (uint8_t)(worst_draw(3) ? worst_draw(NR_PAGE_ORDERS) : 0),
		.count = (uint16_t)(worst_draw(3)   ? worst_draw(64)
				    : worst_draw(3) ? worst_draw(1500)
						    : WORST_MAX_LIVE - worst_draw(2)),
		.gfp = draw_gfp(),
		.seed = (uint32_t)bench_random(),
	};
}

/* ---- an episode ---------------------------------------------------------------------------- */

void worst_run(const struct worst_episode *episode)
{
	for (unsigned int i = 0; i < episode->nr_genes; i++) {
		const struct worst_gene *gene = &episode->gene[i];

		bench_seed(gene->seed + 1ULL); /* the seed may not be 0 */
		worst_calls_for(episode, i, strokes[gene->stroke].name);
		strokes[gene->stroke].run(gene);
	}
	worst_calls_for(episode, episode->nr_genes, "end");
	while (worst_nr_live() > 0)
		worst_call_free(worst_nr_live() - 1, WORST_BY_PAGE);
	drain_all_pages();
}
