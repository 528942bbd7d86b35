/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memblock_check.h: is what a call of memblock did what it must do? For fuzz_memblock.c: the model of
 * memblock.h, kept in step, and the rules by which memblock's arrays move.
 */
#ifndef QUARRY_MEMBLOCK_CHECK_H
#define QUARRY_MEMBLOCK_CHECK_H

#include "test/fuzz/memblock_model.h"

/* Ends the run with a line if what must hold does not. */
#define MUST(what)                                        \
	do {                                              \
		if (!(what))                              \
			wrong(__FILE__, __LINE__, #what); \
	} while (0)
_Noreturn void wrong(const char *file, int line, const char *what);

enum what {
	ADD, /* of memory, with flags; or a reservation */
	REMOVE,
	SET,
	CLEAR,
};

/* A change of one array. */
struct call {
	struct memblock_type *type;
	enum what what;
	struct cells range;
	int flags;	      /* HOTPLUG, NOMAP */
	struct bounds bounds; /* of the arrays' places */
	bool leave;	      /* arrays that lie outside the bounds must move */
};

extern struct model model; /* memblock as it must be now */

void check_begin(void); /* a new, empty memblock over random bytes */
void check_snapshot(void);
void check_unchanged(void); /* since the snapshot, bit for bit, memory's contents too */

/* A call as it follows from its kind. */
struct call call_memory(enum what what, struct cells range, int flags);
struct call call_reserved(enum what what, struct cells range);

/* Will it be refused? 0 or -ENOMEM, by the model and by the arrays as they are. */
int check_foresee(const struct call *call);
/*
 * The call was made after check_foresee() said what to expect and check_snapshot(): compare all. zeroed: bytes
 * that the call set to 0.
 */
void check_done(const struct call *call, int error, struct cells zeroed);

/*
 * The same for the calls that cut memory down: what of memory, and of reservations, goes. Where arrays have
 * no place within the bounds little is said of the outcome, and the model follows memblock.
 */
struct cut {
	struct bounds bounds;
	bool nomap_stays;
	bool reservations; /* those outside the bounds go too */
};
void check_cut(const struct cut *cut, void (*call)(phys_addr_t, phys_addr_t), phys_addr_t a,
	       phys_addr_t b);

/* Everything that can be asked, against the model. */
void check_questions(phys_addr_t base, phys_addr_t size);

#endif
