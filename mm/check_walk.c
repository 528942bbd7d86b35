/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * check_walk.c: how the parts of mm_check() report.
 */
#include <stdarg.h>
#include <stdio.h>
#include "check_walk.h"

#define MAX_REPORTS 10

bool expect(struct walk *walk, bool holds, const char *fmt, ...)
{
	char text[200];
	va_list args;

	if (holds || walk->violations++ >= MAX_REPORTS)
		return holds;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	port_log("mm_check: %s", text);
	return false;
}
