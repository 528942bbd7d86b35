/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc_model.c: see alloc_model.h.
 *
 * A refusal is wrong if one of the zones that the flags allow has
 *   (a) a free block of the order or more in the buddy, in no HIGHATOMIC pageblock, and
 *   (b) so many pages free, those in caches and all pages of HIGHATOMIC pageblocks not counted, that after the
 *       request more than the min mark and what lowmem_reserve keeps from it are left; half of the mark
 *       for __GFP_HIGH, nothing for __GFP_MEMALLOC.
 * For a request that may wait and says __GFP_RETRY_MAYFAIL, all caches count: (a) may then also be an
 * aligned block of frames that nobody holds, some of which lie in caches, and the pages there count as
 * free. A zone with HIGHATOMIC pageblocks is left out there.
 */
#include "alloc_model.h"

#include <string.h>

#include "mm/alloc/alloc.h"

struct model model;
static struct block blocks[MODEL_BLOCKS];
static uint16_t unused[MODEL_BLOCKS];
static uint32_t nr_unused;

#define LOG_LINES 16

static char log_lines[LOG_LINES][200];
static unsigned int nr_logged;

void model_log(const char *line)
{
	snprintf(log_lines[nr_logged++ % LOG_LINES], sizeof(log_lines[0]), "%s", line);
}

void model_fail(void)
{
	for (unsigned int i = nr_logged > LOG_LINES ? nr_logged - LOG_LINES : 0; i < nr_logged; i++)
		fprintf(stderr, "log: %s\n", log_lines[i % LOG_LINES]);
	abort();
}

void model_start(pfn_t first, pfn_t end, pfn_t boundary)
{
	CHECK(end - first <= MODEL_FRAMES, "a board of %lu frames", (unsigned long)(end - first));
	model.first = first;
	model.end = end;
	model.boundary = boundary;
	model.nr_held = 0;
	model.busy = NULL;
	memset(model.nr_free, 0, sizeof(model.nr_free));
	memset(model.frame, 0, (size_t)(end - first) * sizeof(model.frame[0]));
	for (nr_unused = 0; nr_unused < MODEL_BLOCKS; nr_unused++)
		unused[nr_unused] = (uint16_t)(MODEL_BLOCKS - 1 - nr_unused);
}

void model_mark(phys_addr_t base, phys_addr_t size, enum frame what, bool touched)
{
	pfn_t pfn = touched ? PFN_DOWN(base) : PFN_UP(base);
	pfn_t end = touched ? PFN_UP(base + size) : PFN_DOWN(base + size);

	for (; pfn < end; pfn++)
		if (pfn >= model.first && pfn < model.end &&
		    (what <= FRAME_NOMAP || what == FRAME_FREE ||
		     model_frame(pfn) == (what == FRAME_RESERVED ? FRAME_PART : FRAME_FREE)))
			model.frame[pfn - model.first] = (uint16_t)what;
}

void model_count(void)
{
	memset(model.nr_free, 0, sizeof(model.nr_free));
	for (pfn_t pfn = model.first; pfn < model.end; pfn++)
		model.nr_free[model_zone(pfn)] += model_frame(pfn) == FRAME_FREE;
}

static uint64_t word_of(const struct block *block, unsigned long page)
{
	return block->cookie * 0x9e3779b97f4a7c15u ^ page;
}

/* Pages of a block that are written and looked at: the first, the last, and between them ever fewer. */
static unsigned long next_sample(const struct block *block, unsigned long page)
{
	unsigned long next = page < 4 ? page + 1 : page * 2;

	return next < block->pages || page + 1 >= block->pages ? next : block->pages - 1;
}

static uint64_t *words(const struct block *block, unsigned long page)
{
	return phys_to_virt(PFN_PHYS(block->pfn + page));
}

static bool is_zero(const void *memory)
{
	static const char zero[PAGE_SIZE];

	return !memcmp(memory, zero, PAGE_SIZE);
}

struct block *model_take(struct page *page, unsigned long pages, unsigned int order, gfp_t gfp)
{
	static uint64_t cookie;
	pfn_t pfn = page_to_pfn(page);
	struct block *block;

	CHECK(pfn % (1UL << order) == 0, "pfn 0x%lx order %u", (unsigned long)pfn, order);
	CHECK(model_zone(pfn) == model_zone(pfn + pages - 1), "pfn 0x%lx: in two zones",
	      (unsigned long)pfn);
	CHECK(!(gfp & __GFP_DMA32) || model_zone(pfn) == ZONE_DMA32, "pfn 0x%lx for DMA32",
	      (unsigned long)pfn);
	for (pfn_t i = pfn; i < pfn + pages; i++)
		CHECK(model_frame(i) == FRAME_FREE, "pfn 0x%lx was handed out, but is %u",
		      (unsigned long)i, model_frame(i));
	if (!nr_unused)
		return NULL;
	block = &blocks[unused[--nr_unused]];
	*block = (struct block){.pfn = pfn,
				.pages = (uint32_t)pages,
				.order = order,
				.refs = 1,
				.place = model.nr_held,
				.cookie = ++cookie};
	block->compound = gfp & __GFP_COMP && order;
	model.held[model.nr_held++] = (uint16_t)(block - blocks);
	for (pfn_t i = pfn; i < pfn + pages; i++)
		model.frame[i - model.first] = (uint16_t)(FRAME_BLOCK + (block - blocks));
	model.nr_free[model_zone(pfn)] -= pages;
	for (unsigned long i = 0; i < pages; i = next_sample(block, i)) {
		uint64_t *at = words(block, i);

		if (gfp & __GFP_ZERO || mm_hooks() & MM_HOOK_INIT_ON_ALLOC)
			CHECK(is_zero(at), "page 0x%lx was to be zero", (unsigned long)(pfn + i));
		at[0] = at[PAGE_SIZE / sizeof(*at) - 1] = word_of(block, i);
	}
	return block;
}

void model_verify(const struct block *block)
{
	for (unsigned long i = 0; i < block->pages; i = next_sample(block, i)) {
		const uint64_t *at = words(block, i);

		CHECK(at[0] == word_of(block, i) && at[PAGE_SIZE / sizeof(*at) - 1] == at[0],
		      "page 0x%lx of a block of %u pages was written to",
		      (unsigned long)(block->pfn + i), block->pages);
	}
}

static void set_free(pfn_t pfn, pfn_t end)
{
	for (; pfn < end; pfn++) {
		model.frame[pfn - model.first] = FRAME_FREE;
		model.nr_free[model_zone(pfn)]++;
	}
}

void model_release(struct block *block)
{
	uint16_t last = model.held[--model.nr_held];

	model_verify(block);
	set_free(block->pfn, block->pfn + block->pages);
	model.held[block->place] = last;
	blocks[last].place = block->place;
	unused[nr_unused++] = (uint16_t)(block - blocks);
}

void model_keep_first(struct block *block)
{
	model_verify(block);
	set_free(block->pfn + 1, block->pfn + block->pages);
	block->pages = 1;
	block->order = 0;
}

void model_move(struct block *block, pfn_t pfn)
{
	pfn_t from = block->pfn;

	for (pfn_t i = pfn; i < pfn + block->pages; i++) {
		CHECK(model_frame(i) == FRAME_FREE, "pfn 0x%lx is moved to, but is %u",
		      (unsigned long)i, model_frame(i));
		model.frame[i - model.first] = (uint16_t)(FRAME_BLOCK + (block - blocks));
		model.nr_free[model_zone(i)]--;
	}
	set_free(from, from + block->pages);
	block->pfn = pfn;
	model_verify(block);
}

bool model_reserved(pfn_t pfn, pfn_t end)
{
	for (; pfn < end; pfn++)
		if (model_frame(pfn) != FRAME_RESERVED)
			return false;
	return true;
}

bool model_release_reserved(pfn_t pfn, pfn_t end)
{
	if (!model_reserved(pfn, end))
		return false;
	set_free(pfn, end);
	return true;
}

struct block *model_pick(unsigned long n)
{
	struct block *block = model.nr_held ? &blocks[model.held[n % model.nr_held]] : NULL;

	return block == model.busy || (block && block->in_flight) ? NULL : block;
}

struct block *model_block_at(pfn_t pfn)
{
	unsigned int frame = model_frame(pfn);

	return frame >= FRAME_BLOCK ? &blocks[frame - FRAME_BLOCK] : NULL;
}

/* ---- refusals ------------------------------------------------------------------------------- */

static unsigned long cached_pages(enum zone_type zone)
{
	struct pcp_info info = {.cpu = CONFIG_NR_CPUS};
	unsigned long pages = 0;

	for (unsigned int n = 0; mm_pcp_info(n, &info); n++) {
		CHECK(info.cpu < CONFIG_NR_CPUS, "cache %u is of cpu %u", n, info.cpu);
		if (info.zone == (uint32_t)zone)
			pages += (unsigned long)info.count << info.order;
	}
	return pages;
}

/* Is the block in the buddy, by what its first descriptor says, or else a cache has part of it? */
static bool can_be_had(pfn_t pfn, unsigned int order, bool caches)
{
	struct page_info info;

	CHECK(!mm_page_info(pfn, &info), "pfn 0x%lx has no descriptor", (unsigned long)pfn);
	if (!caches)
		return info.untouched || (info.state == PAGE_FREE && info.order >= order &&
					  info.migratetype != MIGRATE_HIGHATOMIC);
	for (pfn_t i = pfn; i < pfn + (1UL << order); i++)
		if (!mm_page_info(i, &info) && info.in_pcp)
			return true;
	return false;
}

/* An aligned block of frames that nobody holds, and that can be had. */
static bool has_block(enum zone_type zone, unsigned int order, bool caches)
{
	pfn_t pages = 1UL << order, pfn = ALIGN_UP(model.first, pages), end = model.end;

	if (zone == ZONE_DMA32 && model.boundary < end)
		end = model.boundary;
	if (zone == ZONE_NORMAL && model.boundary > pfn)
		pfn = ALIGN_UP(model.boundary, pages);
	for (; pfn + pages <= end; pfn += pages) {
		pfn_t i = pfn;

		while (i < pfn + pages && model_frame(i) == FRAME_FREE)
			i++;
		if (i == pfn + pages && can_be_had(pfn, order, caches))
			return true;
	}
	return false;
}

bool model_must_serve(gfp_t gfp, unsigned int order)
{
	bool caches = gfp & __GFP_RETRY_MAYFAIL && gfp & __GFP_DIRECT_RECLAIM && !in_interrupt() &&
		      !in_callback();
	enum zone_type highest = gfp & __GFP_DMA32 ? ZONE_DMA32 : ZONE_NORMAL;

	for (int zone = (int)highest; zone >= 0; zone--) {
		unsigned long cached = cached_pages((enum zone_type)zone),
			      free = model.nr_free[zone], keep;
		struct zone_info info;

		mm_zone_info((enum zone_type)zone, &info);
		if (!info.present)
			continue;
		keep = info.mark.min + info.protection[highest];
		if (gfp & __GFP_HIGH && !(gfp & __GFP_NOMEMALLOC))
			keep = info.mark.min - info.mark.min / 2 + info.protection[highest];
		if (gfp & __GFP_MEMALLOC && !(gfp & __GFP_NOMEMALLOC))
			keep = 0;
		keep += info.nr_highatomic + (1UL << order);
		if (free >= cached + keep && has_block((enum zone_type)zone, order, false))
			return true;
		if (caches && !info.nr_highatomic && free >= keep &&
		    (has_block((enum zone_type)zone, order, true) ||
		     has_block((enum zone_type)zone, order, false)))
			return true;
		if (gfp & __GFP_THISNODE)
			return false;
	}
	return false;
}

/* ---- figures -------------------------------------------------------------------------------- */

void model_check_figures(void)
{
	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		struct zone_info info;

		mm_zone_info((enum zone_type)zone, &info);
		CHECK(info.free + cached_pages((enum zone_type)zone) == model.nr_free[zone],
		      "zone %s: %lu free, %lu cached; the model has %lu", info.name,
		      (unsigned long)info.free, cached_pages((enum zone_type)zone),
		      model.nr_free[zone]);
		CHECK(info.free <= info.managed && info.managed <= info.present &&
			      info.present <= info.spanned,
		      "zone %s", info.name);
	}
}

/* The blocks of a perfect buddy: the largest aligned ones within the zone. */
static void picture(enum zone_type zone, uint64_t nr_free[NR_PAGE_ORDERS])
{
	memset(nr_free, 0, NR_PAGE_ORDERS * sizeof(nr_free[0]));
	for (pfn_t pfn = model.first; pfn < model.end;) {
		unsigned int order = 0;

		if (model_frame(pfn) != FRAME_FREE || model_zone(pfn) != zone) {
			pfn++;
			continue;
		}
		for (pfn_t known = pfn + 1; order < MAX_PAGE_ORDER && !(pfn >> order & 1);
		     order++) {
			pfn_t end = pfn + (2UL << order);

			while (known < end && model_frame(known) == FRAME_FREE)
				known++;
			if (known < end)
				break;
		}
		nr_free[order]++;
		pfn += 1UL << order;
	}
}

void model_check_picture(void)
{
	uint64_t mine[NR_PAGE_ORDERS], theirs[NR_PAGE_ORDERS];

	for (int zone = 0; zone < MAX_NR_ZONES; zone++) {
		picture((enum zone_type)zone, mine);
		mm_buddyinfo((enum zone_type)zone, theirs);
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			CHECK(mine[order] == theirs[order],
			      "zone %d order %u: %lu free blocks, must be %lu", zone, order,
			      (unsigned long)theirs[order], (unsigned long)mine[order]);
	}
}
