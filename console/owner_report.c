/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * owner_report.c: see owner.h. Pages are counted by their owners, and objects by the call sites that the debug
 * options of their caches have noted; the pages of their slabs are among the pages, and objects are counted in
 * bytes, so that nothing is counted twice.
 */
#include "console/owner.h"

#include <inttypes.h>
#include <quarry/memblock.h>
#include <stdio.h>
#include <stdlib.h>

#include "boot/boot.h"

/* ---- sums ----------------------------------------------------------------------------------- */

struct sum {
	struct page_owner owner; /* without its mark */
	uint32_t count;		 /* blocks, objects */
	uint64_t amount;	 /* pages, bytes */
	phys_addr_t first;	 /* one of the oldest */
	int32_t oldest;		 /* mark; -1: it is older than all */
};
#define MAX_SUMS (PAGE_SIZE / sizeof(struct sum))

struct answer {
	struct sum *sum;
	size_t nr;
	uint64_t count, amount;
	uint64_t more; /* of owners that found no room */
};

static bool asked_for(const struct owner_question *question, struct page_owner owner)
{
	return !question->sites_only ||
	       (owner.kind == PAGE_OWNER_SITE && owner.mark >= question->from &&
		owner.mark <= question->to);
}

static void add(struct answer *answer, struct page_owner owner, uint64_t amount, phys_addr_t at)
{
	struct sum *sum = answer->sum;

	answer->count++;
	answer->amount += amount;
	while (sum < answer->sum + answer->nr &&
	       (sum->owner.kind != owner.kind || sum->owner.value != owner.value))
		sum++;
	if (sum == answer->sum + answer->nr) {
		if (answer->nr == MAX_SUMS) {
			answer->more += amount;
			return;
		}
		answer->nr++;
		*sum = (struct sum){.owner = owner, .oldest = INT32_MAX};
	}
	sum->count++;
	sum->amount += amount;
	if ((int32_t)owner.mark < sum->oldest) {
		sum->oldest = (int32_t)owner.mark;
		sum->first = at;
	}
}

/* The answer's own page has an owner too: it is left out. */
static void count_pages(pfn_t pfn, pfn_t end, const struct owner_question *question,
			struct answer *answer)
{
	struct page_info info;

	for (pfn_t next; pfn < end; pfn = next) {
		struct page_owner owner;

		next = pfn + 1;
		if (mm_page_info(pfn, &info) != 0)
			continue;
		if (info.state != PAGE_RESERVED && info.state != PAGE_BAD)
			next = info.head_pfn + (1UL << info.order);
		owner = mm_page_owner(&info);
		if (owner.kind == PAGE_OWNER_NONE || info.head_pfn != pfn ||
		    pfn == page_to_pfn(virt_to_page(answer->sum)))
			continue;
		if (asked_for(question, owner))
			add(answer, owner, 1ULL << info.order, PFN_PHYS(pfn));
	}
}

/* As the word of a page has it (quarry/page_owner.h). */
static uint32_t offset_of(const void *site)
{
	uintptr_t offset = (uintptr_t)site - (uintptr_t)boot_info.image_base;

	return offset < MM_PAGE_OWNER_BYTES ? (uint32_t)offset & ~1U : 0;
}

/* Those of one slab. What was allocated while it was off has no mark, and is asked for where all is. */
static void count_objects(const struct slab_view *view, size_t apart,
			  const struct owner_question *question, struct answer *answer)
{
	struct slab_object object;

	for (unsigned int n = 0; n < view->objects; n++) {
		struct page_owner owner = {.kind = PAGE_OWNER_SITE};

		if (!slab_object((const char *)view->base + n * apart, &object) || !object.in_use ||
		    !object.alloc_site || (question->sites_only && object.mark < 0))
			continue;
		owner.value = offset_of(object.alloc_site);
		owner.mark = (uint32_t)object.mark;
		if (asked_for(question, owner))
			add(answer, owner, object.size, virt_to_phys((const void *)object.start));
	}
}

static void count_caches(const struct owner_question *question, struct answer *answer)
{
	struct slab_view view;
	struct slab_info info;

	for (unsigned int n = 0; slab_info(n, &info); n++) {
		const struct kmem_cache *cache = slab_cache(info.place);
		uint32_t cursor = 0;

		if (!cache || !(kmem_cache_debug(cache) & SLAB_STORE_USER))
			continue;
		while (slab_next(cache, &cursor, &view))
			count_objects(&view, info.size, question, answer);
	}
}

/* ---- what is printed ------------------------------------------------------------------------ */

static void print_offset(uint32_t offset)
{
	if (offset)
		printf("quarry.elf+0x%" PRIx32, offset);
	else
		printf("a call site outside of the image");
}

void print_call_site(const void *site)
{
	print_offset(offset_of(site));
}

void print_object_sites(const struct slab_object *object)
{
	if (object->alloc_site) {
		printf("allocated from ");
		print_call_site(object->alloc_site);
		if (owner_is_on() && object->mark >= 0)
			printf(", mark %d, %" PRIu32 " s ago", object->mark,
			       owner_age((uint32_t)object->mark));
		printf("\n");
	}
	if (object->free_site) {
		printf("last freed from ");
		print_call_site(object->free_site);
		printf("\n");
	}
}

void print_owner(struct page_owner owner)
{
	switch (owner.kind) {
	case PAGE_OWNER_SITE:
		print_offset(owner.value);
		break;
	case PAGE_OWNER_TAG:
		printf("tag 0x%" PRIx32, owner.value);
		break;
	case PAGE_OWNER_MOVABLE:
		printf("movable, operations %" PRIu32, owner.value);
		break;
	case PAGE_OWNER_SLAB:
		printf("objects (slabinfo)");
		break;
	case PAGE_OWNER_RANGE:
		printf("range");
		break;
	case PAGE_OWNER_NONE:
		printf("nobody");
		break;
	case PAGE_OWNER_UNKNOWN:
	default:
		printf("unknown");
	}
}

static int larger_first(const void *a, const void *b)
{
	const struct sum *x = a, *y = b;

	return (x->amount < y->amount) - (x->amount > y->amount);
}

static void print_answer(const struct owner_question *question, struct answer *answer,
			 const char *head)
{
	qsort(answer->sum, answer->nr, sizeof(*answer->sum), larger_first);
	while (question->most && answer->nr > question->most)
		answer->more += answer->sum[--answer->nr].amount;
	if (answer->nr)
		printf("%s  age/s  oldest            owner\n", head);
	for (const struct sum *sum = answer->sum; sum < answer->sum + answer->nr; sum++) {
		printf("%8" PRIu64 " %8" PRIu32, sum->amount, sum->count);
		if (sum->owner.kind == PAGE_OWNER_SITE && owner_is_on() && sum->oldest >= 0)
			printf(" %6" PRIu32, owner_age((uint32_t)sum->oldest));
		else
			printf("      -");
		printf("  0x%-14" PRIx64 "  ", sum->first);
		print_owner(sum->owner);
		printf("\n");
	}
	if (answer->more)
		printf("%8" PRIu64 " of others\n", answer->more);
}

int owner_report(const struct owner_question *question)
{
	struct answer answer = {.sum = (struct sum *)__get_free_page(GFP_KERNEL)};

	if (!answer.sum) {
		printf("owner: no page to count in\n");
		return 1;
	}
	for (unsigned long i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *region = &memblock.memory.regions[i];

		count_pages(PFN_UP(region->base), PFN_DOWN(region->base + region->size), question,
			    &answer);
	}
	print_answer(question, &answer, "   pages   blocks");
	printf("%" PRIu64 " pages in %" PRIu64 " blocks\n", answer.amount, answer.count);
	answer = (struct answer){.sum = answer.sum};
	count_caches(question, &answer);
	print_answer(question, &answer, "   bytes  objects");
	if (answer.count)
		printf("%" PRIu64 " bytes in %" PRIu64 " objects\n", answer.amount, answer.count);
	free_page((unsigned long)answer.sum);
	return 0;
}
