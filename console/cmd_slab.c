/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_slab.c: caches of objects, in the columns of /proc/slabinfo; what is in one cache's slabs, and who has
 * its objects.
 */
#include <inttypes.h>
#include <quarry/mm.h>
#include <quarry/slab_debug.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "console/command.h"
#include "console/owner.h"
#include "console/parse.h"
#include "console/terminal.h"

/* ---- slabinfo ---------------------------------------------------------------------------------- */

/* What slabtop sorts by (slabtop(1), -s): larger ones come first, names in the order of the alphabet. */
static uint64_t key_of(const struct slab_info *info, char key)
{
	switch (key) {
	case 'a':
		return info->active;
	case 'b':
		return info->per_slab;
	case 'c':
		return info->total_pages;
	case 'l':
		return info->slabs;
	case 'o':
		return info->objects;
	case 'p':
		return info->pages;
	case 's':
		return info->size;
	case 'u':
		return info->objects ? info->active * 10000 / info->objects : 0;
	default:
		return 0;
	}
}

static bool before(const struct slab_info *a, const struct slab_info *b, char key)
{
	if (key == 'n')
		return strcmp(a->name, b->name) < 0;
	return key_of(a, key) > key_of(b, key);
}

/* A terminal of 80 columns: without what is the same for all, or a sysctl's in Linux. */
#define FULL_WIDTH 118

static void print_info(const struct slab_info *info)
{
	if (terminal_is_narrow(FULL_WIDTH)) {
		printf("%-18s %8" PRIu64 " %8" PRIu64 " %8zu %7u %7u %7" PRIu64 " %7" PRIu64 "\n",
		       info->name, info->active, info->objects, info->size, info->per_slab,
		       info->pages, info->active_slabs, info->slabs);
		return;
	}
	printf("%-17s %6" PRIu64 " %6" PRIu64
	       " %6zu %4u %4u : tunables %4u %4u %4u : slabdata %6" PRIu64 " %6" PRIu64 " %6u\n",
	       info->name, info->active, info->objects, info->size, info->per_slab, info->pages,
	       info->limit, info->batch, 0, info->active_slabs, info->slabs, 0);
}

/* The caches by a key, each once; equal ones as they are in the table. */
static void print_sorted(bool all, char key)
{
	static struct slab_info info[CONFIG_KMEM_CACHES];
	unsigned int count = 0, at;
	struct slab_info next;

	for (unsigned int n = 0; count < CONFIG_KMEM_CACHES && slab_info(n, &next); n++) {
		if (!all && !next.slabs)
			continue;
		for (at = count++; at && key && before(&next, &info[at - 1], key); at--)
			info[at] = info[at - 1];
		info[at] = next;
	}
	for (at = 0; at < count; at++)
		print_info(&info[at]);
}

static int cmd_slabinfo(int argc, char **argv)
{
	bool all = false;
	char key = 0;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-a") == 0) {
			all = true;
		} else if (strcmp(argv[i], "-s") == 0) {
			const char *word = i + 1 < argc ? argv[++i] : "o";

			if (strlen(word) != 1 || !strchr("abclnopsu", *word)) {
				printf("slabinfo: -s %s: no such key; a b c l n o p s u\n", word);
				return 1;
			}
			key = *word;
		} else {
			return console_usage(argv[0]);
		}
	}
	if (terminal_is_narrow(FULL_WIDTH)) {
		printf("name                 active  objects     size  a slab   pages  active   slabs\n");
		print_sorted(all, key);
		return 0;
	}
	printf("slabinfo - version: 2.1\n");
	printf("# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables "
	       "<limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	print_sorted(all, key);
	return 0;
}

CONSOLE_COMMAND(slabinfo, cmd_slabinfo, "slabinfo [-a] [-s <key>]",
		"caches that have slabs, or all, as /proc/slabinfo\n"
		"-a: those without slabs too; sizes in bytes\n"
		"-s: sorted by a key of slabtop's: o objects, a active ones, u the part of\n"
		"them, s size, c pages of the cache, l slabs, b objects and p pages of a\n"
		"slab, n name\n"
		"example: slabinfo -s c");

/* ---- slab -------------------------------------------------------------------------------------- */

static const char flag_letters[] = "FZPUQR";

/* The letters of slab_debug=, "-" for none. */
static const char *flags_text(slab_flags_t flags, char *text)
{
	static const slab_flags_t bits[] = {
		SLAB_CONSISTENCY_CHECKS, SLAB_RED_ZONE,	     SLAB_POISON,
		SLAB_STORE_USER,	 MM_SLAB_QUARANTINE, MM_SLAB_RANDOM};
	unsigned int n = 0;

	for (unsigned int i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (flags & bits[i])
			text[n++] = flag_letters[i];
	if (!n)
		text[n++] = '-';
	text[n] = '\0';
	return text;
}

/* Objects in use by the call site of their allocation. */
#define SITES 64

struct site {
	const void *site;
	uint64_t objects, bytes;
};

static struct site sites[SITES];
static unsigned int nr_sites;
static uint64_t other_objects; /* of sites that have no place there */

static void count_site(const struct slab_object *object)
{
	unsigned int n = 0;

	while (n < nr_sites && sites[n].site != object->alloc_site)
		n++;
	if (n == SITES) {
		other_objects++;
		return;
	}
	if (n == nr_sites)
		sites[nr_sites++] = (struct site){.site = object->alloc_site};
	sites[n].objects++;
	sites[n].bytes += object->size;
}

/* Counts the slab's objects in use, by their sites. */
static unsigned int count_slab(const struct slab_view *view, size_t size)
{
	struct slab_object object;
	unsigned int in_use = 0;

	for (unsigned int n = 0; n < view->objects; n++) {
		const char *at = (const char *)view->base + n * size;

		if (!slab_object(at, &object) || !object.in_use)
			continue;
		in_use++;
		count_site(&object);
	}
	return in_use;
}

#define TENTHS	12 /* the empty ones, ten of the others, the full ones */
#define COLUMNS 80

static void print_tenths(const uint64_t *tenths)
{
	size_t column = (size_t)printf("fill:");
	char text[40];

	for (unsigned int i = 0; i < TENTHS; i++) {
		if (!tenths[i])
			continue;
		if (i % (TENTHS - 1) == 0)
			snprintf(text, sizeof(text), " %s %" PRIu64, i ? "full" : "empty",
				 tenths[i]);
		else
			snprintf(text, sizeof(text), " %u-%u%% %" PRIu64, (i - 1) * 10, i * 10,
				 tenths[i]);
		if (column + strlen(text) >= COLUMNS)
			column = (size_t)printf("\n     ") - 1;
		column += (size_t)printf("%s", text);
	}
	printf("\n");
}

/* Slabs by the tenth to which they are filled, the empty and the full ones apart. */
static void print_fill(const struct kmem_cache *cache, size_t size)
{
	uint64_t tenths[TENTHS] = {0};
	struct slab_view view;
	uint32_t cursor = 0;

	nr_sites = 0;
	other_objects = 0;
	while (slab_next(cache, &cursor, &view)) {
		unsigned int in_use = count_slab(&view, size);

		tenths[in_use == 0		? 0
		       : in_use == view.objects ? 11
						: 1 + in_use * 10 / view.objects]++;
	}
	print_tenths(tenths);
}

static void print_sites(void)
{
	for (unsigned int left = nr_sites; left; left--) {
		unsigned int most = 0;

		for (unsigned int n = 1; n < left; n++)
			if (sites[n].objects > sites[most].objects)
				most = n;
		printf("%8" PRIu64 " objects %10" PRIu64 " bytes from ", sites[most].objects,
		       sites[most].bytes);
		print_call_site(sites[most].site);
		printf("\n");
		sites[most] = sites[left - 1];
	}
	if (other_objects)
		printf("%8" PRIu64 " objects from other sites\n", other_objects);
}

/* By its name; info: its figures. */
static struct kmem_cache *find_cache(const char *name, struct slab_info *info)
{
	for (unsigned int n = 0; slab_info(n, info); n++)
		if (strcmp(info->name, name) == 0)
			return slab_cache(info->place);
	return NULL;
}

static int show_object(phys_addr_t address)
{
	struct slab_object object;

	if (!slab_object(phys_to_virt(address), &object)) {
		printf("slab: 0x%" PRIx64 " lies in no object\n", address);
		return 1;
	}
	printf("0x%llx of %s: %zu bytes, %s\n", (unsigned long long)object.start, object.cache,
	       object.size, object.in_use ? "in use" : "free");
	print_object_sites(&object);
	return 0;
}

static int cmd_slab(int argc, char **argv)
{
	struct kmem_cache *cache;
	struct slab_info info;
	phys_addr_t address;
	char text[8];

	if (argc < 2 || argc > 3 || (argc == 3 && strcmp(argv[2], "check") != 0))
		return console_usage(argv[0]);
	if (argc == 2 && parse_u64(argv[1], PHYS_ADDR_MAX, &address) == 0)
		return show_object(address);
	cache = find_cache(argv[1], &info);
	if (!cache) {
		printf("slab: '%s' is no cache; 'slabinfo -a' lists all\n", argv[1]);
		return 1;
	}
	if (argc == 3) {
		unsigned int faults = kmem_cache_validate(cache);

		printf("slab: %s: %u faults\n", info.name, faults);
		return faults != 0;
	}
	printf("%s: %zu bytes, %zu apart; debug %s, %" PRIu64 " faults\n", info.name,
	       info.object_size, info.size, flags_text(kmem_cache_debug(cache), text),
	       kmem_cache_faults(cache));
	printf("%" PRIu64 " of %" PRIu64 " objects in use, %" PRIu64 " slabs, %" PRIu64 " pages\n",
	       info.active, info.objects, info.slabs, info.total_pages);
	print_fill(cache, info.size);
	if (kmem_cache_debug(cache) & SLAB_STORE_USER)
		print_sites();
	return 0;
}

static const char *complete_cache(const char *prefix, unsigned int n)
{
	static struct slab_info info;

	(void)prefix;
	return slab_info(n, &info) ? info.name : NULL;
}

CONSOLE_COMMAND_COMPLETE(
	slab, cmd_slab, "slab <cache> [check] | slab <address>",
	"how full a cache's slabs are, and who has its objects\n"
	"who: call sites, if it has U of slab_debug=; check: look at all red zones\n"
	"and at the poison of what is free; an address: its object\n"
	"example: slab kmalloc-64",
	complete_cache);
