/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exhaust.h: every state that a small allocator can come to. The geometry is the smallest (mk/exhaust.mk): sections of 8
 * pages, orders 0 to 3. From the state after boot each call that the configuration has is made in each state, and what
 * comes of it is a state too, until there is none that was not met before.
 */
#ifndef QUARRY_EXHAUST_H
#define QUARRY_EXHAUST_H

#include <stdio.h>
#include <stdlib.h>

#include <quarry/mm.h>

#define MAX_FRAMES 64
#define MAX_CPUS   2
#define MAX_GFPS   4

struct config {
	const char *name;
	unsigned int pages;	  /* that are free after boot, in sections of their own */
	unsigned int dma32_pages; /* of them, those of DMA32; 0: all */
	unsigned int cpus;	  /* with caches; 0: one CPU without */
	unsigned int refs;	  /* most holders of a block */
	unsigned int lowest;	  /* order that is asked for; */
	unsigned int orders;	  /* all are below this */
	gfp_t gfp[MAX_GFPS];	  /* what requests say; ends with 0 */
	unsigned int kept;	  /* pages: the min mark of the only zone */
	bool wrong_frees;	  /* all of them, in each state */
	bool explain;		  /* mm_explain() before each request */
};

/* A finding: what was being done, and how it came to that; ends the program. */
#define CHECK(holds, ...)                                                           \
	do {                                                                        \
		if (!(holds)) {                                                     \
			fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #holds); \
			fprintf(stderr, __VA_ARGS__);                               \
			found();                                                    \
		}                                                                   \
	} while (0)
_Noreturn void found(void);

/* ---- the allocator (state.c) ---------------------------------------------------------------- */

extern const struct config *config;
extern struct mm_pcpu areas[MAX_CPUS];
unsigned int nr_areas(void);
void start(void); /* to a running allocator, as boot does */

/* All memory that mm/ changes, and the model's, as one array of words. */
#define MAX_WORDS 4096
extern unsigned int nr_words;
void state_save(uint64_t words[]); /* without what counts calls */
void state_load(const uint64_t words[]);
uint64_t state_hash(void); /* of all that decides what later calls return, and of the model */

/* ---- the model and the calls (calls.c) ------------------------------------------------------- */

/* What a frame is, and who holds it. */
enum {
	FRAME_RESERVED, /* or no memory */
	FRAME_SLOTS,	/* of caches: the allocator holds it */
	FRAME_FREE,
	FRAME_TAIL,
	FRAME_HEAD = 16, /* + the order */
};
struct model {
	unsigned char frame[MAX_FRAMES], refs[MAX_FRAMES];
};
extern struct model model;
extern pfn_t first_frame;
extern unsigned int nr_frames;

/* A call by its number: done, and judged. CALL_NONE: it cannot be made in this state; CALL_NO_MORE: there is none. */
enum called {
	CALL_DONE,
	CALL_NONE,
	CALL_NO_MORE
};
enum called call(unsigned int number);
void call_name(unsigned int number, char *text, size_t size);
void check_state(void);	      /* what holds in each state; leaves another */
void check_wrong_frees(void); /* changes nothing */

#endif
