/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdt_early_note.h: what is odd about a device tree, one line each, and not more lines of a kind
 * than anyone reads: a tree may be odd in thousands of places.
 */
#ifndef QUARRY_FDT_EARLY_NOTE_H
#define QUARRY_FDT_EARLY_NOTE_H

/* Lines of one kind that are logged; the others are counted. */
#define FDT_NOTES_LOGGED 20

enum fdt_note {
	FDT_NOTE_EMPTY,	     /* a region of size 0 */
	FDT_NOTE_BEYOND,     /* one beyond the physical address width, or cut there */
	FDT_NOTE_UNREADABLE, /* a property or node that is left out */
	FDT_NOTE_OUTSIDE,    /* memory that is not to be used */
	FDT_NOTE_MEMORY,     /* memory that is listed twice */
	FDT_NOTE_RESERVED,   /* reservations that overlap */
	FDT_NOTE_ROUNDED,    /* memory that is rounded to pages */
	FDT_NOTE_PLACED,     /* where a dynamic reservation went */
	FDT_NOTE_NOT_PLACED, /* one that went nowhere */
	NR_FDT_NOTES,
};

/* fdt_notes_begin() - a tree is looked at: nothing has been said about it. */
void fdt_notes_begin(void);

/* fdt_note() - log one line, or count it. Bound: that of a log line. Context: boot. */
void fdt_note(enum fdt_note kind, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* fdt_notes_end() - one line for each kind of which some were only counted. */
void fdt_notes_end(void);

#endif
