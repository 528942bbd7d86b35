/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.c: see report.h. Pictures are taken between events; all else is added up on the way.
 */
#include "report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "holders.h"
#include "mm/alloc/alloc.h"
#include "mm/buddy/buddy.h"
#include "mm/pcp/pcp.h"
#include "run.h"

#define REFUSALS  200  /* shown at most, the first ones */
#define MAX_CELLS 4096 /* of a picture: pageblocks, or so many together */

/* The page, cut where the figures go. */
extern const char report_page[], report_page_end[];
__asm__(".section .rodata\n"
	".global report_page, report_page_end\n"
	"report_page:\n.incbin \"test/replay/report.html\"\n"
	"report_page_end:\n.byte 0\n.previous\n");

/* Text that grows. */
struct text {
	char *at;
	size_t used, room;
};

static struct text shots, refusals;
static const struct trace *source;
static size_t interval, seen, nr_refused, cell_blocks, nr_cells;
static uint64_t nr_moved;
static struct times {
	uint32_t *ticks;
	size_t n, room;
	uint32_t longest;     /* the event */
} latency[2][NR_PAGE_ORDERS]; /* of requests and frees */

static void __attribute__((format(printf, 2, 3))) add(struct text *text, const char *fmt, ...)
{
	va_list ap;
	int length;

	if (text->room - text->used < 1024) {
		text->room = 2 * text->room + 4096;
		text->at = realloc(text->at, text->room);
	}
	va_start(ap, fmt);
	length = vsnprintf(text->at + text->used, text->room - text->used, fmt, ap);
	va_end(ap);
	text->used += (size_t)length;
}

/* As JSON has it, and without an end of the element that it stands in. */
static void add_string(struct text *text, const char *string)
{
	add(text, "\"");
	for (; *string; string++)
		if ((unsigned char)*string < ' ' || strchr("\"\\<", *string))
			add(text, "\\u%04x", (unsigned char)*string);
		else
			add(text, "%c", *string);
	add(text, "\"");
}

/* ---- pictures -------------------------------------------------------------------------------- */

/* A letter for what a pageblock is, and its free pages. */
static char pageblock_look(unsigned long n, unsigned long *nr_free)
{
	const struct pageblock *pb = &mm.pageblocks[n];

	switch (section_state(n >> (SECTION_SHIFT - pageblock_order))) {
	case SECTION_UNTOUCHED:
		*nr_free = pageblock_nr_pages;
		return '.';
	case SECTION_OPEN:
		*nr_free = pb->nr_free;
		return *nr_free == pageblock_nr_pages
			       ? '.'
			       : mm_migratetype_name((enum migratetype)pb->type)[0];
	default:
		*nr_free = 0;
		return '-';
	}
}

/* Each cell: the letter of most of its pageblocks that are not free, and tenths that are free. */
static void add_map(struct text *text)
{
	add(text, "\"");
	for (size_t cell = 0; cell < nr_cells; cell++) {
		unsigned long total = 0, count = 0, looks[128] = {0};
		char look = '.';

		for (unsigned long n = cell * cell_blocks;
		     n < (cell + 1) * cell_blocks && n < mm.nr_pages >> pageblock_order; n++) {
			unsigned long nr_free;
			char is = pageblock_look(n, &nr_free);

			total += nr_free;
			count += pageblock_nr_pages;
			looks[(unsigned char)is & 127] += is != '.';
			if (looks[(unsigned char)is & 127] > looks[(unsigned char)look & 127])
				look = is;
		}
		add(text, "%c%c", look, total == count ? 'A' : (char)('0' + total * 10 / count));
	}
	add(text, "\"");
}

static void shoot(uint32_t event, uint64_t time)
{
	uint64_t nr_free[NR_PAGE_ORDERS], sum[NR_PAGE_ORDERS] = {0}, pages = 0;
	unsigned long cached = 0;

	for (unsigned int zone = 0; zone < MAX_NR_ZONES; zone++) {
		if (!mm.zones[zone].managed)
			continue;
		mm_buddyinfo((enum zone_type)zone, nr_free);
		for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
			sum[order] += nr_free[order];
		pages += zone_free_pages(&mm.zones[zone]);
		cached += pcp_count_zone(&mm.zones[zone]);
	}
	add(&shots,
	    "%s{\"event\":%u,\"time\":%llu,\"pages\":%llu,\"cached\":%lu,\"moved\":%llu,\"free\":[",
	    shots.used ? ",\n" : "", event, (unsigned long long)time, (unsigned long long)pages,
	    cached, (unsigned long long)nr_moved);
	for (unsigned int order = 0; order < NR_PAGE_ORDERS; order++)
		add(&shots, "%s%llu", order ? "," : "", (unsigned long long)sum[order]);
	add(&shots, "],\"map\":");
	add_map(&shots);
	add(&shots, "}");
}

void report_start(const struct trace *trace, size_t events)
{
	unsigned long pageblocks = mm.nr_pages >> pageblock_order;

	source = trace;
	add(&refusals, "%s", "");
	interval = events > REPORT_SHOTS ? events / REPORT_SHOTS : 1;
	cell_blocks = (pageblocks + MAX_CELLS - 1) / MAX_CELLS;
	nr_cells = (pageblocks + cell_blocks - 1) / cell_blocks;
}

/* ---- refusals -------------------------------------------------------------------------------- */

static void add_reason(const char *line)
{
	add(&refusals, "%s", refusals.at[refusals.used - 1] == '[' ? "" : ",");
	add_string(&refusals, line);
}

static void refused(const struct mm_record_event *event, const char *what)
{
	if (nr_refused++ >= REFUSALS)
		return;
	add(&refusals,
	    "%s{\"event\":%u,\"what\":\"%s\",\"cpu\":%u,\"order\":%u,\"gfp\":%u,\"site\":\"%s\",\"why\":[",
	    refusals.used ? ",\n" : "", event->sequence, what, event->cpu, event->order, event->gfp,
	    event->site ? holders_name(event->site) : "");
	if (event->type == MM_RECORD_ALLOC)
		mm_why(event->gfp, event->order, add_reason);
	else if (event->type == MM_RECORD_INJECTED)
		add_reason("fault injection (fail) said so");
	else
		add_reason(mm_misuse_name((enum mm_misuse)event->more));
	add(&refusals, "]}");
}

/* ---- latency --------------------------------------------------------------------------------- */

static void timed(struct times *times, const struct mm_record_event *event, uint32_t ticks)
{
	if (times->n == times->room) {
		times->room = 2 * times->room + 64;
		times->ticks = realloc(times->ticks, times->room * sizeof(*times->ticks));
	}
	if (!times->n || ticks > times->ticks[0]) { /* the longest is the first */
		if (times->n)
			times->ticks[times->n] = times->ticks[0];
		times->ticks[0] = ticks;
		times->longest = event->sequence;
	} else {
		times->ticks[times->n] = ticks;
	}
	times->n++;
}

void report_note(const struct mm_record_event *event)
{
	bool whole = !(event->flags & MM_RECORD_BEGINS);

	if (event->type == MM_RECORD_ALLOC && whole) {
		timed(&latency[0][event->order], event, event->more);
		if (event->value == MM_RECORD_NONE)
			refused(event, "request");
	} else if (event->type == MM_RECORD_FREE && whole) {
		timed(&latency[1][event->order], event, event->more >> 2);
	} else if (event->type == MM_RECORD_INJECTED) {
		refused(event, "injected");
	} else if (event->type == MM_RECORD_REFUSE) {
		refused(event, "free");
	} else if (event->type == MM_RECORD_MOVED) {
		nr_moved += 1ULL << event->order;
	}
	if (seen++ % interval == 0)
		shoot(event->sequence, event->time);
}

static int by_size(const void *one, const void *other)
{
	uint32_t a = *(const uint32_t *)one, b = *(const uint32_t *)other;

	return a < b ? -1 : a > b;
}

static void add_latency(struct text *text)
{
	const char *separator = "";

	for (unsigned int i = 0; i < 2 * NR_PAGE_ORDERS; i++) {
		struct times *times = &latency[i / NR_PAGE_ORDERS][i % NR_PAGE_ORDERS];

		if (!times->n)
			continue;
		qsort(times->ticks, times->n, sizeof(*times->ticks), by_size);
		add(text,
		    "%s{\"what\":\"%s\",\"order\":%u,\"calls\":%zu,\"median\":%u,\"most\":%u,\"longest\":%u,\"event\":%u}",
		    separator, i < NR_PAGE_ORDERS ? "alloc" : "free", i % NR_PAGE_ORDERS, times->n,
		    times->ticks[times->n / 2], times->ticks[times->n * 99 / 100],
		    times->ticks[times->n - 1], times->longest);
		separator = ",\n";
	}
}

/* ---- the page -------------------------------------------------------------------------------- */

static void add_sites(struct text *text)
{
	size_t n;
	struct site *site = holders_sites(&n);

	for (size_t i = 0; i < n; i++)
		add(text,
		    "%s{\"site\":\"%s\",\"calls\":%llu,\"pages\":%llu,\"held\":%llu,\"blocks\":%llu,\"oldest\":%u}",
		    i ? ",\n" : "", site[i].address ? holders_name(site[i].address) : "ranges",
		    (unsigned long long)site[i].calls, (unsigned long long)site[i].pages,
		    (unsigned long long)site[i].held, (unsigned long long)site[i].blocks,
		    site[i].oldest);
	free(site);
}

static void add_types(struct text *text)
{
	for (unsigned int type = 0; type < MIGRATE_TYPES; type++) {
		const char *name = mm_migratetype_name((enum migratetype)type);

		add(text, "\"%c\":\"%s\",", name[0], name);
	}
	add(text, "\".\":\"free\",\"-\":\"reserved\"");
}

static void add_banks(struct text *text)
{
	for (unsigned int i = 0; i < mm.nr_banks; i++)
		add(text, "%s{\"first\":%llu,\"pfn\":%llu,\"pages\":%llu}", i ? "," : "",
		    (unsigned long long)mm.banks[i].first, (unsigned long long)mm.banks[i].start,
		    (unsigned long long)mm.banks[i].pages);
}

bool report_write(const char *path, size_t done, bool good)
{
	const char *cut = strstr(report_page, "@FIGURES@");
	struct text text = {0};
	FILE *file;
	bool whole;

	add(&text, "{\"done\":%zu,\"total\":%llu,\"checks\":%lu,\"good\":%s,\"difference\":", done,
	    (unsigned long long)source->total, run_checks, good ? "true" : "false");
	add_string(&text, run_difference);
	add(&text,
	    ",\"hz\":%llu,\"pageSize\":%lu,\"blockPages\":%lu,\"cellBlocks\":%zu,\"refused\":%zu,\n\"types\":{",
	    (unsigned long long)source->board.hz, PAGE_SIZE, (unsigned long)pageblock_nr_pages,
	    cell_blocks, nr_refused);
	add_types(&text);
	add(&text, "},\n\"banks\":[");
	add_banks(&text);
	add(&text, "],\n\"latency\":[");
	add_latency(&text);
	add(&text, "],\n\"sites\":[");
	add_sites(&text);
	add(&text, "],\n\"refusals\":[");
	if (!shots.used || seen % interval != 1 % interval)
		shoot(done ? source->event[done - 1].sequence : 0,
		      done ? source->event[done - 1].time : 0);
	file = strcmp(path, "-") ? fopen(path, "w") : stdout;
	if (!file) {
		fprintf(stderr, "replay: %s: cannot be written\n", path);
		return false;
	}
	fwrite(report_page, 1, (size_t)(cut - report_page), file);
	fwrite(text.at, 1, text.used, file);
	fwrite(refusals.at, 1, refusals.used, file);
	fputs("],\n\"shots\":[", file);
	fwrite(shots.at, 1, shots.used, file);
	fputs("]}", file);
	fputs(cut + strlen("@FIGURES@"), file);
	free(text.at);
	whole = !ferror(file);
	return file == stdout ? whole : !fclose(file) && whole;
}
