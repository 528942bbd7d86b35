/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls.c: the calls that are made in each state, and the model that judges them: a map that says of each frame whether
 * it is free, or in a block that somebody holds. It knows no lists and no caches.
 */
#include <string.h>

#include "exhaust.h"
#include "mm/pcp/pcp.h"
#include "test/host/port_host.h"

struct model model;
pfn_t first_frame;
unsigned int nr_frames;

static enum zone_type zone_of_frame(unsigned int frame)
{
	return config->dma32_pages && frame >= config->dma32_pages ? ZONE_NORMAL : ZONE_DMA32;
}

static bool may_lie_at(unsigned int frame, gfp_t gfp)
{
	return !(gfp & __GFP_DMA32) || zone_of_frame(frame) == ZONE_DMA32;
}

/* An aligned block of free frames, in one zone. */
static bool block_is_free(unsigned int frame, unsigned int order)
{
	if (frame + (1U << order) > nr_frames ||
	    zone_of_frame(frame) != zone_of_frame(frame + (1U << order) - 1))
		return false;
	for (unsigned int i = frame; i < frame + (1U << order); i++)
		if (model.frame[i] != FRAME_FREE)
			return false;
	return true;
}

static bool has_block(gfp_t gfp, unsigned int order)
{
	for (unsigned int frame = 0; frame < nr_frames; frame += 1U << order)
		if (may_lie_at(frame, gfp) && block_is_free(frame, order))
			return true;
	return false;
}

/*
 * Must the request be served? There is a block, and the mark is left with what caches hold counted as free. If there are
 * caches, a request that is not thorough looks at some of what lies in them only.
 */
static bool must_serve(gfp_t gfp, unsigned int order)
{
	unsigned int kept = gfp & __GFP_HIGH ? config->kept - config->kept / 2 : config->kept;
	unsigned int free = 0;

	for (unsigned int frame = 0; frame < nr_frames; frame++)
		free += model.frame[frame] == FRAME_FREE;
	return (!config->cpus || gfp & __GFP_RETRY_MAYFAIL) && free >= kept + (1U << order) &&
	       has_block(gfp, order);
}

/* ---- calls ---------------------------------------------------------------------------------- */

static void request(gfp_t gfp, unsigned int order)
{
	bool foretold = config->explain && mm_explain(gfp, order, NULL, 0);
	uint64_t hash = mm_state_hash();
	struct page *page = !order && gfp == (GFP_KERNEL | __GFP_NOWARN)
				    ? alloc_page(GFP_KERNEL | __GFP_NOWARN)
				    : alloc_pages(gfp, order);
	unsigned int frame;

	CHECK(!config->explain || foretold == (page != NULL),
	      "mm_explain() says %d, the request %d\n", foretold, page != NULL);
	if (!page) {
		CHECK(hash == mm_state_hash(), "a refused request has changed the state\n");
		CHECK(!must_serve(gfp, order), "refused, and there is a block\n");
		return;
	}
	CHECK(config->cpus || must_serve(gfp, order), "served below the mark\n");
	frame = (unsigned int)(page_to_pfn(page) - first_frame);
	CHECK(frame % (1U << order) == 0 && block_is_free(frame, order),
	      "frame %u was handed out, and is not free\n", frame);
	CHECK(may_lie_at(frame, gfp), "frame %u is not of the zone asked for\n", frame);
	memset(&model.frame[frame], FRAME_TAIL, 1U << order);
	model.frame[frame] = (unsigned char)(FRAME_HEAD + order);
	model.refs[frame] = 1;
}

static void set_free(unsigned int frame, unsigned int count)
{
	memset(&model.frame[frame], FRAME_FREE, count);
	memset(&model.refs[frame], 0, count);
}

static void release(unsigned int frame)
{
	unsigned int order = model.frame[frame] - FRAME_HEAD;
	struct page *page = pfn_to_page(first_frame + frame);
	int error = order ? __free_pages(page, order) : __free_page(page);

	CHECK(!error, "a block held is not taken back: %d\n", error);
	if (!--model.refs[frame]) {
		set_free(frame, 1U << order);
	} else { /* as in Linux, what others hold is the first page from now on */
		set_free(frame + 1, (1U << order) - 1);
		model.frame[frame] = FRAME_HEAD;
	}
}

/* Numbers: the CPU, then what it does: requests, frees, references, drains. */
#define NR_REQUESTS (config->orders * MAX_GFPS)
#define NR_PER_CPU  (NR_REQUESTS + 2 * nr_frames + 2)

enum called call(unsigned int number)
{
	unsigned int what = number % NR_PER_CPU, frame;

	if (number >= nr_areas() * NR_PER_CPU)
		return CALL_NO_MORE;
	port_set_pcpu(&areas[number / NR_PER_CPU]);
	if (what < NR_REQUESTS) {
		if (!config->gfp[what % MAX_GFPS] || what / MAX_GFPS < config->lowest)
			return CALL_NONE;
		request(config->gfp[what % MAX_GFPS], what / MAX_GFPS);
		return CALL_DONE;
	}
	what -= NR_REQUESTS;
	frame = what % nr_frames;
	if (what < 2 * nr_frames) {
		if (model.frame[frame] < FRAME_HEAD)
			return CALL_NONE;
		if (what < nr_frames) {
			release(frame);
		} else {
			if (model.refs[frame] >= config->refs)
				return CALL_NONE;
			get_page(pfn_to_page(first_frame + frame));
			model.refs[frame]++;
		}
		return CALL_DONE;
	}
	if (!config->cpus)
		return CALL_NONE;
	if (what == 2 * nr_frames)
		drain_all_pages();
	else
		drain_some_pages();
	return CALL_DONE;
}

void call_name(unsigned int number, char *text, size_t size)
{
	unsigned int what = number % NR_PER_CPU;
	int used = snprintf(text, size, "cpu %u: ", number / NR_PER_CPU);

	text += used;
	size -= (size_t)used;
	if (what < NR_REQUESTS)
		snprintf(text, size, "alloc_pages(0x%x, %u)",
			 (unsigned int)config->gfp[what % MAX_GFPS], what / MAX_GFPS);
	else if (what - NR_REQUESTS < nr_frames)
		snprintf(text, size, "__free_pages() of frame %u", what - NR_REQUESTS);
	else if (what - NR_REQUESTS < 2 * nr_frames)
		snprintf(text, size, "get_page() of frame %u", what - NR_REQUESTS - nr_frames);
	else
		snprintf(text, size,
			 what - NR_REQUESTS == 2 * nr_frames ? "drain_all_pages()"
							     : "drain_some_pages()");
}

/* ---- in each state -------------------------------------------------------------------------- */

/* With the caches drained, the free blocks are those of a perfect buddy. */
static void check_picture(void)
{
	uint64_t mine[MAX_NR_ZONES][NR_PAGE_ORDERS] = {{0}}, theirs[NR_PAGE_ORDERS];

	for (unsigned int frame = 0; frame < nr_frames;) {
		unsigned int order = MAX_PAGE_ORDER;

		while (order && (frame % (1U << order) || !block_is_free(frame, order)))
			order--;
		if (model.frame[frame] == FRAME_FREE)
			mine[zone_of_frame(frame)][order]++;
		frame += 1U << order;
	}
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		mm_buddyinfo((enum zone_type)zone, theirs);
		CHECK(!memcmp(mine[zone], theirs, sizeof(theirs)),
		      "zone %d: not the free blocks of a perfect buddy\n", zone);
	}
}

void check_state(void)
{
	uint64_t free[MAX_NR_ZONES] = {0};

	for (unsigned int frame = 0; frame < nr_frames; frame++) {
		free[zone_of_frame(frame)] += model.frame[frame] == FRAME_FREE;
		if (model.refs[frame])
			CHECK(page_count(pfn_to_page(first_frame + frame)) == model.refs[frame],
			      "frame %u: not %u holders\n", frame, model.refs[frame]);
	}
	CHECK(mm_check() == 0, "mm_check()\n");
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		struct zone_info info;

		mm_zone_info((enum zone_type)zone, &info);
		if (!info.present)
			continue; /* its caches are the other's */
		CHECK(info.free + pcp_count_zone(&mm.zones[zone]) == free[zone],
		      "zone %d: not %u pages free and cached\n", zone, (unsigned int)free[zone]);
	}
	if (config->cpus)
		drain_all_pages();
	check_picture();
}

/* Each free that nobody may make is refused, and together they change nothing. */
void check_wrong_frees(void)
{
	uint64_t hash = mm_state_hash();

	for (unsigned int frame = 0; frame < nr_frames; frame++) {
		struct page *page = pfn_to_page(first_frame + frame);

		if (!page || model.frame[frame] == FRAME_SLOTS)
			continue;
		for (unsigned int order = 0; order <= NR_PAGE_ORDERS; order++)
			CHECK(model.frame[frame] == FRAME_HEAD + order || __free_pages(page, order),
			      "a free of frame %u with order %u is taken\n", frame, order);
		CHECK(model.frame[frame] >= FRAME_HEAD || put_page(page),
		      "put_page() of frame %u, which nobody holds, is taken\n", frame);
	}
	CHECK(hash == mm_state_hash(),
	      "a free or put_page() that was refused has changed the state\n");
}
