/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worst.c: the hunt for the most expensive single call, by kind and order.
 *
 * An episode is a start of the pool (worst_pool.c) and a row of strokes with their parameters
 * (worst_strokes.c); each call it makes is measured. Some episodes are new; the others are those
 * that hold a record, changed in one to three places: a parameter, a stroke more or less, two
 * changed about, the start, or the strokes of another record before it. What breaks a record is
 * kept, so the search climbs from the worst states known. Everything follows from one seed.
 */
#include <stdio.h>
#include <string.h>

#include "test/bench/worst.h"

/* By the counter: under -icount some 15 s for 10^10 on an idle machine. */
#ifndef BENCH_WORST_BUDGET
#define BENCH_WORST_BUDGET 24000000000U
#endif
#define BENCH_WORST_QUICK 8000000000U

#define FRESH_SHARE	  4 /* 1/n of the work goes to memory never opened, */
#define VIRGIN_SHARE	  4 /* and at the end to memory that was opened, but never cut, */
#define FRESH_KEEP	  2 /* for which 1/n of the sections is kept */
#define NEW_EPISODES	  4 /* 1/n of the episodes is drawn anew */

/* ---- drawing episodes ---------------------------------------------------------------------- */

static unsigned long pcp_max;

static void draw_start(struct worst_episode *episode)
{
	episode->pcp_high = (uint32_t)pcp_max;
	if (worst_draw(2))
		episode->pcp_high = worst_draw(worst_draw(2) ? 64 : (unsigned int)pcp_max + 1);
	episode->edge = WORST_NO_EDGE;
	if (worst_draw(2))
		episode->edge = (uint16_t)worst_draw(worst_draw(2) ? 64 : 4096);
	episode->edge_zone = (uint8_t)worst_draw(MAX_NR_ZONES);
	episode->unguarded = (uint8_t)!worst_draw(4);
	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		episode->arena[zone] = (uint8_t)worst_draw(WORST_MAX_ARENA + 1);
}

static void insert_gene(struct worst_episode *episode, unsigned int at)
{
	if (episode->nr_genes == WORST_GENES)
		return;
	memmove(&episode->gene[at + 1], &episode->gene[at],
		(episode->nr_genes - at) * sizeof(episode->gene[0]));
	worst_draw_gene(&episode->gene[at]);
	episode->nr_genes++;
}

static void remove_gene(struct worst_episode *episode, unsigned int at)
{
	if (episode->nr_genes < 2)
		return;
	episode->nr_genes--;
	memmove(&episode->gene[at], &episode->gene[at + 1],
		(episode->nr_genes - at) * sizeof(episode->gene[0]));
}

static void change_gene(struct worst_gene *gene)
{
	struct worst_gene other;

	worst_draw_gene(&other);
	switch (worst_draw(6)) {
	case 0:
		gene->order = other.order;
		break;
	case 1:
		gene->count = other.count;
		break;
	case 2: /* a little more or less */
		gene->count = (uint16_t)(gene->count + worst_draw(9) - 4);
		break;
	case 3:
		gene->gfp = other.gfp;
		break;
	case 4:
		gene->gfp ^= 0x20U << worst_draw(13); /* one flag, from __GFP_MOVABLE up */
		if ((gene->gfp & GFP_MOVABLE_MASK) == GFP_MOVABLE_MASK || gene->gfp & __GFP_ZERO)
			gene->gfp = other.gfp;
		gene->gfp |= __GFP_NOWARN;
		break;
	default:
		gene->seed = other.seed;
	}
	if (gene->count > WORST_MAX_LIVE)
		gene->count = WORST_MAX_LIVE;
}

/* Another record's strokes, or some of them, before these. */
static void join(struct worst_episode *episode, const struct worst_episode *first)
{
	unsigned int take = first->nr_genes, room = WORST_GENES - episode->nr_genes;

	if (take > room)
		take = room;
	if (!take)
		return;
	memmove(&episode->gene[take], episode->gene, episode->nr_genes * sizeof(episode->gene[0]));
	memcpy(episode->gene, first->gene, take * sizeof(episode->gene[0]));
	episode->nr_genes = (uint8_t)(episode->nr_genes + take);
}

static const struct worst_record *draw_record(void)
{
	return &worst_records[worst_draw(NR_WORST_KINDS)][worst_draw(NR_PAGE_ORDERS)];
}

static void change(struct worst_episode *episode)
{
	for (unsigned int changes = 1 + worst_draw(3); changes > 0; changes--) {
		unsigned int at = worst_draw(episode->nr_genes), other;
		struct worst_gene gene = episode->gene[at];

		switch (worst_draw(12)) {
		case 0:
		case 1:
			insert_gene(episode, worst_draw(episode->nr_genes + 1U));
			break;
		case 2:
			remove_gene(episode, at);
			break;
		case 3:
			other = worst_draw(episode->nr_genes);
			episode->gene[at] = episode->gene[other];
			episode->gene[other] = gene;
			break;
		case 4:
			join(episode, &draw_record()->episode);
			break;
		case 5:
		case 6: {
			struct worst_episode start = *episode;

			draw_start(&start);
			if (worst_draw(2)) {
				episode->edge = start.edge;
				episode->edge_zone = start.edge_zone;
				episode->unguarded = start.unguarded;
			} else if (worst_draw(2)) {
				episode->pcp_high = start.pcp_high;
			} else {
				memcpy(episode->arena, start.arena, sizeof(start.arena));
			}
			break;
		}
		case 7: /* repeat what is there */
			insert_gene(episode, at);
			episode->gene[at] = gene;
			break;
		default:
			change_gene(&episode->gene[at]);
		}
	}
}

static void draw_episode(struct worst_episode *episode)
{
	const struct worst_record *record = draw_record();

	if (record->cost && worst_draw(NEW_EPISODES)) {
		*episode = record->episode;
		if (record->gene < episode->nr_genes) /* what comes after does not matter */
			episode->nr_genes = (uint8_t)(record->gene + 1);
		change(episode);
	} else {
		memset(episode, 0, sizeof(*episode));
		draw_start(episode);
		episode->nr_genes = (uint8_t)(2 + worst_draw(WORST_GENES - 1));
		for (unsigned int i = 0; i < episode->nr_genes; i++)
			worst_draw_gene(&episode->gene[i]);
	}
}

/* ---- figures ------------------------------------------------------------------------------- */

static void print_records(void)
{
	uint64_t most[NR_WORST_KINDS] = {0};

	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
		char name[32];

		snprintf(name, sizeof(name), "order%u", order);
		bench_line(name);
		for (int kind = 0; kind < NR_WORST_KINDS; kind++) {
			const struct worst_record *record = &worst_records[kind][order];

			if (!record->cost)
				continue;
			bench_number(worst_kind_names[kind], record->cost);
			printf(" %s_by=%s/%d", worst_kind_names[kind], record->by,
			       record->episode.mode);
			if (record->cost > most[kind])
				most[kind] = record->cost;
		}
		bench_end();
	}
	bench_line("any");
	for (int kind = 0; kind < NR_WORST_KINDS; kind++)
		bench_number(worst_kind_names[kind], most[kind]);
}

/* ---- the hunt ------------------------------------------------------------------------------ */

static uint64_t hunt_seed;
static unsigned long episodes[NR_WORST_MODES];
static const struct worst_episode none = {
	.gene = {{.gfp = __GFP_NOWARN}}, .nr_genes = 1, .edge = WORST_NO_EDGE};

static void play(struct worst_episode *episode, enum worst_mode mode)
{
	episode->mode = (uint8_t)mode;
	worst_pool_enter(episode);
	worst_run(episode);
	worst_calls_for(&none, 0, "pool");
	worst_pool_leave(episode);
	episodes[mode]++;
}

static void play_drawn(enum worst_mode mode)
{
	struct worst_episode episode;

	bench_seed(hunt_seed);
	draw_episode(&episode);
	hunt_seed = bench_random();
	play(&episode, mode);
}

static unsigned long sections_left(enum worst_mode mode)
{
	unsigned long sections = 0;

	for (int zone = 0; zone < MAX_NR_ZONES; zone++)
		sections += worst_pool_left(mode, (enum zone_type)zone);
	return sections;
}

/* What costs most where all was cut before may cost more where a cut is the first. */
static void play_records_again(void)
{
	for (int kind = 0; kind < NR_WORST_KINDS; kind++)
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++) {
			struct worst_record *record = &worst_records[kind][order];
			struct worst_episode episode = record->episode;

			if (record->cost && episode.mode == WORST_WORN &&
			    sections_left(WORST_VIRGIN))
				play(&episode, WORST_VIRGIN);
		}
}

static bool goes_on(uint64_t start, uint64_t budget)
{
	return bench_count() - start < budget && !bench_hunt_stopped();
}

static const char *hunt(uint64_t budget)
{
	uint64_t start = bench_count();
	unsigned long keep;
	const char *error;

	memset(episodes, 0, sizeof(episodes));
	memset(worst_records, 0, sizeof(worst_records));
	worst_nr_records = 0;
	hunt_seed = BENCH_SEED;
	pcp_max = mm_pcp_high();
	if (!worst_calls_open())
		return "no room for its table";
	worst_calls_for(&none, 0, "pool");
	error = worst_pool_open();
	if (error) {
		worst_calls_close();
		return error;
	}
	keep = sections_left(WORST_FRESH) / FRESH_KEEP + 8;
	while (sections_left(WORST_FRESH) > keep && goes_on(start, budget / FRESH_SHARE))
		play_drawn(WORST_FRESH);
	worst_pool_take_all();
	while (goes_on(start, budget - budget / VIRGIN_SHARE))
		play_drawn(WORST_WORN);
	play_records_again();
	while (goes_on(start, budget))
		play_drawn(sections_left(WORST_VIRGIN) ? WORST_VIRGIN : WORST_WORN);
	worst_pool_close();
	worst_calls_close();
	print_records();
	bench_plain("fresh", episodes[WORST_FRESH]);
	bench_plain("virgin", episodes[WORST_VIRGIN]);
	bench_plain("worn", episodes[WORST_WORN]);
	bench_plain("records", worst_nr_records);
	bench_end();
	return NULL;
}

const char *bench_worst(void)
{
	return hunt(BENCH_WORST_BUDGET);
}

const char *bench_worst_quick(void)
{
	return hunt(BENCH_WORST_QUICK);
}
