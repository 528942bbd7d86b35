/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.h: why a request is refused, and what a refused free does.
 */
#ifndef QUARRY_REPORT_H
#define QUARRY_REPORT_H

#include <quarry/cdefs.h>
#include <quarry/gfp.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

/*
 * mm_set_misuse_panic() - what a refused free does beyond counting: false (default) log and go on,
 * true panic.
 *
 * Context: any.
 * Bound:   5.
 */
void mm_set_misuse_panic(bool on);

/*
 * mm_explain() - why a request for 2^order pages would be refused now: the rule of each zone that
 * refuses, in one line of text into buf. It is a dry run of the request in this context (thread,
 * interrupt, callback): it allocates nothing and changes nothing. Shrinkers are not asked what they
 * could free, and fault injection (mm_set_fail()) is not foretold.
 *
 * Context: any.
 * Bound:   as a refused request, and the text.
 * Return:  true: it would succeed, and buf is empty; false: buf has the reason, cut at size bytes
 *          and terminated.
 */
bool mm_explain(gfp_t gfp, unsigned int order, char *buf, size_t size);

/*
 * mm_why() - the same at length, line by line to emit: rule and figures per zone, pages in
 * caches, largest free order, the holders of the block that is nearest to being free, and one
 * change that would help: a drain, a flag, a sysctl or a lower order. Where there are shrinkers
 * that the request would ask, a line says that they were not asked.
 *
 * Context: thread; emit is called without a lock of mm/.
 * Bound:   linear in the memory ever cut, and emit's own.
 * Return:  true: the request would succeed, and nothing was emitted.
 */
bool mm_why(gfp_t gfp, unsigned int order, void (*emit)(const char *line));

MM_END_DECLS

#endif
