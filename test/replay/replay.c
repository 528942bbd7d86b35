/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay.c: build/host/replay: a machine's recording (`trace stream`) made again here, with the same
 * mm/, call for call, and its state compared at each check.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <quarry/mm.h>

#include "board.h"
#include "holders.h"
#include "perfetto.h"
#include "report.h"
#include "run.h"

static const char usage[] =
	"usage: replay [--to EVENT] [--first-fail ORDER] [--html PAGE] [--perfetto FILE] TRACE\n"
	"TRACE: a log of the console with what `trace stream` .. `trace off` sent, or the image of\n"
	"       the disk that `trace disk` wrote\n"
	"--to: make the calls up to this event, and show what is free then, and who holds what\n"
	"--first-fail: stop after the call from which on a GFP_KERNEL request of this order\n"
	"              fails, and show who holds what\n"
	"--html: write a page for a browser: memory over time, latency, call sites, refusals\n"
	"--perfetto: write the events as Perfetto and chrome://tracing read them\n"
	"a FILE or PAGE of - is the standard output; mk/symbols.py puts names to call sites\n";

struct options {
	unsigned long to;
	long failed; /* an order; -1: none */
	const char *path, *html, *perfetto;
};

static bool parse(int argc, char **argv, struct options *options)
{
	char *end = "";

	*options = (struct options){.to = ~0UL, .failed = -1};
	for (int i = 1; i < argc; i++) {
		bool value = i + 1 < argc;

		if (value && !strcmp(argv[i], "--to"))
			options->to = strtoul(argv[++i], &end, 0);
		else if (value && !strcmp(argv[i], "--first-fail"))
			options->failed = strtol(argv[++i], &end, 0);
		else if (value && !strcmp(argv[i], "--html"))
			options->html = argv[++i];
		else if (value && !strcmp(argv[i], "--perfetto"))
			options->perfetto = argv[++i];
		else if (!options->path && argv[i][0] != '-')
			options->path = argv[i];
		else
			return false;
		if (*end)
			return false;
	}
	return options->path && options->failed >= -1 && options->failed <= (long)MAX_PAGE_ORDER;
}

static void drop(const char *line)
{
	(void)line;
}

/* Would a request fail now, on the CPU that made the last call? */
static bool fails(unsigned int order)
{
	return !mm_why(GFP_KERNEL | __GFP_NOWARN, order, drop);
}

/* Each event up to the last that is asked for: how many; *good: none differs. */
static size_t run(const struct trace *trace, const struct options *options, bool *good)
{
	bool could = options->failed < 0 || !fails((unsigned int)options->failed);
	size_t i;

	*good = true;
	for (i = 0; i < trace->nr_events && trace->event[i].sequence <= options->to; i++) {
		const struct mm_record_event *event = &trace->event[i];

		*good = run_event(event);
		if (!*good)
			return i;
		holders_note(event);
		if (options->html)
			report_note(event);
		if (options->perfetto)
			perfetto_note(event);
		if (options->failed < 0 || event->flags & MM_RECORD_BEGINS)
			continue;
		if (could && fails((unsigned int)options->failed)) {
			printf("event %u, %s of order %u on CPU %u at %s: a request of order %ld "
			       "fails from here on\n",
			       event->sequence, event_name(event), event->order, event->cpu,
			       holders_name(event->site), options->failed);
			holders_print(stdout);
			board_print(stdout);
			return i + 1;
		}
		could = could || !fails((unsigned int)options->failed);
	}
	return i;
}

static size_t events_until(const struct trace *trace, unsigned long to)
{
	size_t n = 0;

	while (n < trace->nr_events && trace->event[n].sequence <= to)
		n++;
	return n;
}

static bool conclude(const struct trace *trace, const struct options *options, size_t done,
		     bool good)
{
	/* the words go where the page does not */
	FILE *words = (options->html && !strcmp(options->html, "-")) ||
				      (options->perfetto && !strcmp(options->perfetto, "-"))
			      ? stderr
			      : stdout;

	if (!good || options->to != ~0UL)
		board_print(words);
	if (good && options->to != ~0UL)
		holders_print(words);
	fprintf(words, "%zu of %llu events replayed, %lu checks equal%s\n", done,
		(unsigned long long)trace->total, run_checks, good ? "" : "; the next differs");
	if (good && done == trace->nr_events && done != trace->total) {
		fprintf(words, "the last %llu events were lost on the machine\n",
			(unsigned long long)(trace->total - done));
		good = false;
	}
	return good;
}

int main(int argc, char **argv)
{
	struct options options;
	struct trace trace;
	bool good, written = true;
	size_t done;

	if (!parse(argc, argv, &options)) {
		fputs(usage, stderr);
		return 2;
	}
	if (!trace_load(&trace, options.path) || !board_restore(&trace) || !holders_start(&trace))
		return 2;
	run_callbacks((uint32_t)trace.board.callbacks);
	report_start(&trace, events_until(&trace, options.to));
	if (options.perfetto && !perfetto_start(&trace, options.perfetto))
		return 2;
	done = run(&trace, &options, &good);
	good = conclude(&trace, &options, done, good);
	if (options.perfetto)
		written = perfetto_end();
	if (options.html)
		written = report_write(options.html, done, good) && written;
	return !written ? 2 : good ? 0 : 1;
}
