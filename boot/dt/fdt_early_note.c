/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early_note.c: see fdt_early_note.h.
 */
#include "fdt_early_note.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <quarry/port.h>

static unsigned long notes[NR_FDT_NOTES];

void fdt_notes_begin(void)
{
	memset(notes, 0, sizeof(notes));
}

void fdt_note(enum fdt_note kind, const char *fmt, ...)
{
	char text[192];
	va_list args;

	if (notes[kind]++ >= FDT_NOTES_LOGGED)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	port_log("fdt: %s", text);
}

void fdt_notes_end(void)
{
	static const char *const what[NR_FDT_NOTES] = {
		[FDT_NOTE_EMPTY] = "regions that are empty",
		[FDT_NOTE_BEYOND] = "regions beyond the physical address space",
		[FDT_NOTE_UNREADABLE] = "nodes or properties that are left out",
		[FDT_NOTE_OUTSIDE] = "memory regions outside linux,usable-memory-range",
		[FDT_NOTE_MEMORY] = "memory ranges that overlap others",
		[FDT_NOTE_RESERVED] = "reservations that overlap others",
		[FDT_NOTE_ROUNDED] = "memory regions that are rounded to pages",
		[FDT_NOTE_PLACED] = "dynamic reservations",
		[FDT_NOTE_NOT_PLACED] = "dynamic reservations without room",
	};

	for (unsigned int kind = 0; kind < NR_FDT_NOTES; kind++)
		if (notes[kind] > FDT_NOTES_LOGGED)
			port_log("fdt: %lu more %s", notes[kind] - FDT_NOTES_LOGGED, what[kind]);
	fdt_notes_begin();
}
