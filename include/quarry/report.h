/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.h: why a request is refused, and what a refused free does.
 */
#ifndef QUARRY_REPORT_H
#define QUARRY_REPORT_H

#include <quarry/gfp.h>
#include <quarry/types.h>

/*
 * mm_set_misuse_panic() - what a refused free does beyond counting: false (default) log and go on, true panic.
 *
 * Context: any.
 * Bound:   5.
 */
void mm_set_misuse_panic(bool on);

/*
 * mm_explain() - why a request for 2^order pages would be refused now: the first rule that
 * refuses, per zone, in one line of text into buf. Returns true if it would succeed (buf is then
 * empty). Allocates nothing and changes nothing. Shrinkers are not asked what they could free.
 *
 * Context: any.
 * Bound:   as a refused request, and the text.
 * Return:  true: it would succeed; false: buf has the reason, cut at size bytes and terminated.
 */
bool mm_explain(gfp_t gfp, unsigned int order, char *buf, size_t size);

/*
 * mm_why() - the same at length, line by line to emit: rule and figures per zone, pages in
 * caches, largest free order, who pins the block that is nearest to being free, and the one knob
 * that would help.
 *
 * Context: thread.
 * Bound:   linear in the memory ever cut, and emit's own.
 * Return:  true: the request would succeed, and nothing was emitted.
 */
bool mm_why(gfp_t gfp, unsigned int order, void (*emit)(const char *line));

#endif
