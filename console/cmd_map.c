/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_map.c: `map`: memory as a picture: a cell for each range of frames, a letter and a colour in it, and the exact figures of the
 * cell under the cursor. On a terminal keys move and zoom; elsewhere it is printed once.
 *
 * Cells are powers of two of pages and aligned, so that zooming in divides one exactly.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <quarry/memblock.h>
#include <quarry/mm.h>

#include "boot/boot.h"
#include "drivers/timer/timer.h"
#include "console/command.h"
#include "console/input.h"
#include "console/map_cells.h"
#include "console/output.h"
#include "console/parse.h"
#include "console/terminal.h"

#define COLUMNS	  64
#define MAX_ROWS  16
#define MAX_CELLS (COLUMNS * MAX_ROWS)
#define ZOOM	  5 /* a cell becomes 2^ZOOM cells */
#define MAX_SHIFT 32
#define ESCAPE_NS (50 * NSEC_PER_MSEC) /* between the bytes of a key */
/* The screen's lines that are no cells: title, legend, three of figures, keys. */
#define OTHER_LINES 6

struct view {
	pfn_t start;	    /* of the first cell */
	unsigned int shift; /* a cell is 2^shift pages */
	unsigned int nr;    /* cells */
	unsigned int cursor;
	enum map_mode mode;
	pfn_t first, end; /* what was asked for */
	unsigned int first_shift;
};

/* What a cell was, when it was looked at last: for its age, across maps of the same place. */
static struct {
	uint32_t hash, second; /* 0: not seen to change */
} seen[MAX_CELLS];
static pfn_t seen_start;
static unsigned int seen_shift;
static bool seen_any;

static struct map_cell cells[MAX_CELLS];

/* ---- owners ---------------------------------------------------------------------------------- */

static struct {
	uint32_t tag[MAP_OWNERS];
	uint64_t pages[MAP_OWNERS];
	unsigned int nr;
} owners;

static void count_owner(uint32_t tag, uint64_t pages)
{
	unsigned int i = 0;

	if (tag == 0)
		return;
	while (i < owners.nr && owners.tag[i] != tag)
		i++;
	if (i == MAP_OWNERS)
		return;
	if (i == owners.nr)
		owners.tag[owners.nr++] = tag;
	owners.pages[i] += pages;
	/* the one with the most pages first */
	for (; i > 0 && owners.pages[i] > owners.pages[i - 1]; i--) {
		uint32_t other = owners.tag[i - 1];
		uint64_t its = owners.pages[i - 1];

		owners.tag[i - 1] = owners.tag[i];
		owners.pages[i - 1] = owners.pages[i];
		owners.tag[i] = other;
		owners.pages[i] = its;
	}
}

/* ---- looking --------------------------------------------------------------------------------- */

static void look_at(const struct view *view, unsigned int n, struct map_range *range)
{
	pfn_t start = view->start + ((pfn_t)n << view->shift);
	pfn_t end = start + ((pfn_t)1 << view->shift);

	start = start < view->first ? view->first : start;
	end = end > view->end ? view->end : end;
	map_look(start, start < end ? end : start, range, NULL);
}

static uint32_t now_seconds(void)
{
	return (uint32_t)(timer_now() / NSEC_PER_SEC) + 1;
}

/* Seconds since it changed, UINT32_MAX if it was not seen to. */
static uint32_t age(unsigned int n, uint32_t hash)
{
	uint32_t now = now_seconds();

	if (seen_any && seen[n].hash != hash)
		seen[n].second = now;
	else if (!seen_any)
		seen[n].second = 0;
	seen[n].hash = hash;
	return seen[n].second ? now - seen[n].second : UINT32_MAX;
}

/* False if the user ended it meanwhile. */
static bool look(const struct view *view)
{
	struct map_context context = {.owners = owners.tag};
	struct map_range range;

	if (seen_start != view->start || seen_shift != view->shift)
		seen_any = false;
	seen_start = view->start;
	seen_shift = view->shift;
	memset(&owners, 0, sizeof(owners));
	if (view->mode == MAP_OWNER)
		map_look(view->first, view->end, &range, count_owner);
	context.nr_owners = owners.nr;
	for (unsigned int n = 0; n < view->nr; n++) {
		if (n % COLUMNS == 0 && console_interrupted())
			return false;
		look_at(view, n, &range);
		context.age = age(n, range.hash);
		cells[n] = map_cell(&range, view->mode, &context);
	}
	seen_any = true;
	return true;
}

/* ---- the view -------------------------------------------------------------------------------- */

static unsigned int max_cells(void)
{
	unsigned int rows = terminal().rows;

	if (rows <= OTHER_LINES)
		return MAX_CELLS;
	rows -= OTHER_LINES;
	return COLUMNS * (rows < MAX_ROWS ? rows : MAX_ROWS);
}

static void set_view(struct view *view, pfn_t at, unsigned int shift)
{
	pfn_t span = (pfn_t)max_cells() << shift, last;

	view->shift = shift;
	/* begin with the range asked for if it fits, else so that the place is in sight */
	view->start = ALIGN_DOWN(view->first, (pfn_t)1 << shift);
	if (shift < view->first_shift)
		view->start += ALIGN_DOWN(at - view->start, span);
	last = view->start + span < view->end ? view->start + span : view->end;
	view->nr = (unsigned int)((last - view->start + ((pfn_t)1 << shift) - 1) >> shift);
	view->cursor = at < view->start ? 0 : (unsigned int)((at - view->start) >> shift);
	if (view->cursor >= view->nr)
		view->cursor = view->nr - 1;
}

static pfn_t cursor_pfn(const struct view *view)
{
	pfn_t at = view->start + ((pfn_t)view->cursor << view->shift);

	return at < view->first ? view->first : at;
}

static void zoom(struct view *view, bool in)
{
	unsigned int shift = view->shift;

	if (in)
		shift = shift > ZOOM ? shift - ZOOM : 0;
	else
		shift = shift + ZOOM < view->first_shift ? shift + ZOOM : view->first_shift;
	set_view(view, cursor_pfn(view), shift);
}

/* ---- text ------------------------------------------------------------------------------------ */

/* Bytes as a person says them: 4 KiB, 2 MiB. */
static const char *size_text(pfn_t pages, char text[24])
{
	uint64_t kib = pages << (PAGE_SHIFT - 10);

	if (kib >> 20 && !(kib & ((1U << 20) - 1)))
		snprintf(text, 24, "%" PRIu64 " GiB", kib >> 20);
	else if (kib >> 10 && !(kib & 1023))
		snprintf(text, 24, "%" PRIu64 " MiB", kib >> 10);
	else
		snprintf(text, 24, "%" PRIu64 " KiB", kib);
	return text;
}

static char screen[256];
static size_t screen_used;

static bool direct; /* to the terminal: what is drawn is no text to be broken into lines */

static void flush(void)
{
	if (direct)
		console_write(screen, screen_used);
	else
		fwrite(screen, 1, screen_used, stdout);
	screen_used = 0;
}

__attribute__((format(printf, 1, 2))) static void out(const char *fmt, ...)
{
	va_list args;

	if (sizeof(screen) - screen_used < 128)
		flush();
	va_start(args, fmt);
	screen_used += (size_t)vsnprintf(screen + screen_used, 128, fmt, args);
	va_end(args);
}

static void end_line(bool interactive)
{
	out(interactive ? "\033[K\n" : "\n");
}

static void show_cells(const struct view *view, bool interactive)
{
	for (unsigned int n = 0; n < view->nr; n++) {
		uint8_t colour = interactive ? cells[n].colour : COLOUR_NONE;

		if (n % COLUMNS == 0)
			out("0x%010" PRIx64 " ", PFN_PHYS(view->start + ((pfn_t)n << view->shift)));
		if (interactive && n == view->cursor)
			out("\033[7m%c\033[0m", cells[n].letter);
		else if (colour == COLOUR_NONE)
			out("%c", cells[n].letter);
		else
			out("\033[%um%c\033[0m", colour, cells[n].letter);
		if (n % COLUMNS == COLUMNS - 1 || n == view->nr - 1)
			end_line(interactive);
	}
}

static void show_owner(uint32_t owner)
{
	if (owner == MAP_OBJECTS)
		out("objects (slabinfo)");
	else if (owner & MAP_SITE)
		out("of quarry.elf+0x%" PRIx32, (owner & ~MAP_SITE) * 2);
	else
		out("owner 0x%" PRIx32 "'s", owner);
}

/* Who the letters are, where no cursor tells. */
static void list_owners(void)
{
	for (unsigned int i = 0; i < owners.nr; i++) {
		out("%c %10" PRIu64 " pages, ", 'a' + (int)i, owners.pages[i]);
		show_owner(owners.tag[i]);
		end_line(false);
	}
}

static void show_figures(const struct map_range *range, bool interactive)
{
	out("0x%" PRIx64 "-0x%" PRIx64 ": %" PRIu64 " pages: free %" PRIu64 " cached %" PRIu64
	    " used %" PRIu64 " reserved %" PRIu64,
	    PFN_PHYS(range->start), PFN_PHYS(range->end), range->present, range->free,
	    range->cached, range->used, range->reserved);
	end_line(interactive);
	for (int type = 0; type < MIGRATE_TYPES; type++)
		out("%s%s %" PRIu64, type ? " " : "", mm_migratetype_name((enum migratetype)type),
		    range->type[type]);
	end_line(interactive);
	out("blocks in use %" PRIu64 ", largest free order ", range->blocks);
	if (range->largest_free < 0)
		out("none");
	else
		out("%d", range->largest_free);
	if (range->used && range->owner) {
		out(", most are ");
		show_owner(range->owner);
	} else if (range->end == range->start + 1) {
		out("; page 0x%" PRIx64 " has more", PFN_PHYS(range->start));
	}
	end_line(interactive);
}

static void show(const struct view *view, bool interactive)
{
	struct map_range range;
	char cell_size[24];

	if (interactive)
		out("\033[H");
	out("map %s: a cell is %s, 0x%" PRIx64 "-0x%" PRIx64, map_mode_name(view->mode),
	    size_text((pfn_t)1 << view->shift, cell_size), PFN_PHYS(view->first),
	    PFN_PHYS(view->end));
	end_line(interactive);
	show_cells(view, interactive);
	out("%s", map_legend(view->mode));
	end_line(interactive);
	if (interactive)
		look_at(view, view->cursor, &range);
	else
		map_look(view->first, view->end, &range, NULL);
	show_figures(&range, interactive);
	if (!interactive && view->mode == MAP_OWNER)
		list_owners();
	if (interactive)
		out("arrows  + - zoom  f free t type o order w owner a age  r again  q quit\033[K\033[J\r");
	flush();
}

/* ---- keys ------------------------------------------------------------------------------------ */

/* An arrow as h, j, k, l; -1: nothing was pressed for so long. */
static int read_key(uint64_t ns)
{
	uint64_t start = timer_now();
	unsigned int escape = 0;

	for (;;) {
		int key = ns ? console_poll() : console_getchar();

		if (key < 0) {
			if (timer_since(start) >= ns + (escape ? ESCAPE_NS : 0))
				return -1;
			timer_sleep(NSEC_PER_MSEC);
		} else if (escape == 2 && key >= 'A' && key <= 'D') {
			return "kjlh"[key - 'A'];
		} else {
			escape = key == '\033'				     ? 1
				 : escape == 1 && (key == '[' || key == 'O') ? 2
									     : 0;
			if (!escape)
				return key;
		}
	}
}

static void move(struct view *view, int by)
{
	int to = (int)view->cursor + by;

	if (to >= 0 && to < (int)view->nr)
		view->cursor = (unsigned int)to;
}

/* False: the map is left. */
static bool press(struct view *view, int key)
{
	static const char modes[NR_MAP_MODES + 1] = "ftowa";
	const char *mode = key > 0 ? strchr(modes, key) : NULL;

	if (mode)
		view->mode = (enum map_mode)(mode - modes);
	else if (key == 'h')
		move(view, -1);
	else if (key == 'l')
		move(view, 1);
	else if (key == 'k')
		move(view, -COLUMNS);
	else if (key == 'j')
		move(view, COLUMNS);
	else if (key == '+' || key == '=' || key == '\r' || key == '\n')
		zoom(view, true);
	else if (key == '-' || key == 0x7f || key == '\b')
		zoom(view, false);
	return key != 'q' && key != 'Q' && key != CTRL_C;
}

static int interact(struct view *view, uint64_t wait)
{
	bool stay = true, changed = true;

	output_live();
	direct = true;
	out("\033[H\033[2J");
	while (stay) {
		int key;

		/* the cells are as they were while only the cursor moves */
		if (changed && !look(view))
			break;
		show(view, true);
		changed = false;
		key = read_key(wait);
		do { /* what is held down is drawn once */
			changed |= key <= 0 || !strchr("hjkl", key);
			stay = press(view, key);
			key = stay ? read_key(1) : -1;
		} while (key >= 0);
	}
	out("\033[%u;1H\033[K", terminal().rows);
	flush();
	direct = false;
	return 0;
}

/* ---- the command ----------------------------------------------------------------------------- */

static bool zone_named(const char *name, enum zone_type *zone)
{
	struct zone_info info;

	for (int i = 0; i < MAX_NR_ZONES; i++) {
		mm_zone_info((enum zone_type)i, &info);
		*zone = (enum zone_type)i;
		if (strcmp(info.name, name) == 0)
			return true;
	}
	return false;
}

static bool mode_named(const char *name, enum map_mode *mode)
{
	for (int i = 0; i < NR_MAP_MODES; i++) {
		*mode = (enum map_mode)i;
		if (strcmp(map_mode_name((enum map_mode)i), name) == 0)
			return true;
	}
	return false;
}

/* 0, or 1 after one line of error. */
static int parse(int argc, char **argv, struct view *view, uint64_t *seconds)
{
	struct zone_info info;
	enum zone_type zone;
	enum map_mode mode;

	view->first = PFN_DOWN(memblock_start_of_DRAM());
	view->end = PFN_UP(memblock_end_of_DRAM());
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-w") == 0 && i + 1 < argc) {
			if (parse_u64(argv[++i], 3600, seconds) != 0 || *seconds == 0) {
				printf("map: '%s' is not a number of seconds, 1 to 3600\n",
				       argv[i]);
				return 1;
			}
		} else if (mode_named(argv[i], &mode)) {
			view->mode = mode;
		} else if (zone_named(argv[i], &zone)) {
			mm_zone_info(zone, &info);
			view->first = info.start_pfn;
			view->end = info.start_pfn + info.spanned;
			if (info.spanned == 0) {
				printf("map: zone %s has no memory\n", info.name);
				return 1;
			}
		} else {
			return console_usage(argv[0]);
		}
	}
	return 0;
}

static int cmd_map(int argc, char **argv)
{
	struct view view = {.mode = MAP_FREE};
	uint64_t seconds = 0;

	if (parse(argc, argv, &view, &seconds) != 0)
		return 1;
	while (view.first_shift < MAX_SHIFT &&
	       view.end - ALIGN_DOWN(view.first, (pfn_t)1 << view.first_shift) >
		       (pfn_t)max_cells() << view.first_shift)
		view.first_shift++;
	set_view(&view, view.first, view.first_shift);
	if (terminal().rows > OTHER_LINES && terminal().columns >= 80)
		return interact(&view, seconds * NSEC_PER_SEC);
	if (seconds) {
		printf("map: -w wants a terminal of 80 columns\n");
		return 1;
	}
	if (look(&view))
		show(&view, false);
	return 0;
}

CONSOLE_COMMAND_WORDS(
	map, cmd_map, "map [zone] [type|free|order|owner|age] [-w seconds]",
	"memory as a picture: a letter and a colour a range\n"
	"zone: default all memory; what is shown: default free; -w: again and again,\n"
	"as often, else when a key is pressed. Arrow keys move the cursor, + and -\n"
	"zoom to single pages and back, q quits; without a terminal it is printed once\n"
	"example: map DMA32 order",
	"free", "type", "order", "owner", "age", "DMA32", "Normal", "-w");
