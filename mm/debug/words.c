/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * words.c: the report of a refused request, in the words of its record. In libquarry-debug: without
 * it report.c prints one line of numbers.
 */
#include "debug_internal.h"

static void log_line(const char *line)
{
	port_log("%s", line);
}

/* The first line, or the only one. `why` may be empty: lines follow that say it. */
static void log_refusal(gfp_t gfp, unsigned int order, const char *why)
{
	char names[GFP_NAMES_SIZE];

	/* Unknown flags alone: the names of the others would push the reason off the line. */
	gfp_names(gfp & ~__GFP_BITS_MASK ? gfp & ~__GFP_BITS_MASK : gfp, names, sizeof(names));
	port_log("page allocation failure: order:%u, mode:0x%x(%s)%s%s", order, (unsigned int)gfp,
		 names, *why ? ": " : "", why);
}

/* One line in an interrupt; else the record at length. */
static void log_record(const struct alloc_context *ac)
{
	char text[320];

	*text = '\0'; /* and no more: the call is bounded */
	if (in_interrupt())
		record_text(ac, text, sizeof(text));
	log_refusal(ac->gfp, ac->order, text);
	if (!*text)
		emit_record(ac, log_line);
}

void say_refusal(gfp_t gfp, unsigned int order, const struct alloc_context *ac)
{
	char wrong[GFP_NAMES_SIZE];

	if (ac)
		log_record(ac);
	else
		log_refusal(gfp, order,
			    gfp_check(gfp, order, wrong, sizeof(wrong)) ? "fault injection"
									: wrong);
}
