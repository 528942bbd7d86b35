/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc_calls.h: what fuzz_alloc's parts share: the input, the board made from it, and calls of mm/ whose outcome
 * is judged by the model.
 */
#ifndef QUARRY_FUZZ_ALLOC_CALLS_H
#define QUARRY_FUZZ_ALLOC_CALLS_H

#include "alloc_model.h"

/* The input, a byte at a time; zeros after its end. */
unsigned int in(void);
unsigned int in16(void);
bool in_more(void);
void in_open(const uint8_t *data, size_t size);

extern unsigned long nr_calls; /* of mm/'s interface, by all inputs */
#define CALL(expression) (nr_calls++, SAY("%s\n", #expression), (expression))
/* FUZZ_VERBOSE=1 in the environment: what is done, as it is done. */
extern bool verbose;
#define SAY(...) (verbose ? (void)fprintf(stderr, __VA_ARGS__) : (void)0)

/* ---- board (alloc_board.c) ------------------------------------------------------------------ */

#define MAX_CPUS   4
#define MAX_RANGES 4

struct range {
	phys_addr_t base, size;
};

struct board {
	struct range bank[MAX_RANGES], reserved[MAX_RANGES], nomap[MAX_RANGES];
	unsigned int nr_banks, nr_reserved, nr_nomap, nr_cpus;
	phys_addr_t dma32_limit; /* 0: 4 GiB */
	bool marks;		 /* as they are after boot; else nothing is kept */
};
extern struct board board;
extern struct mm_pcpu cpus[MAX_CPUS];

/* From the input to a running allocator and a model of it; false if the board has no room for it. */
bool board_start(void);
void board_stop(void);

/* ---- calls (alloc_calls.c) ------------------------------------------------------------------ */

/* What walks all memory may walk so many pages an input: pages() says whether it still may. */
extern long walk_budget;
bool may_walk(void);

gfp_t in_gfp(void);
unsigned int in_order(void);

/* State that must be the same after a call that is refused, unless an interrupt or a callback ran. */
struct before {
	uint64_t hash, misuses;
	bool hashed;
	unsigned long since;
};
struct before before_refusal(void);
void unchanged(const struct before *before, const char *call);

extern bool failing;		/* fault injection is on */
extern unsigned int fail_place; /* the place of the next request to fail, from 1; 0: none */
extern unsigned long nr_interrupts, nr_callbacks; /* that have run */
static inline unsigned long nr_disturbances(void)
{
	return nr_interrupts + nr_callbacks;
}
extern unsigned int interrupt_period; /* they are let in that often before one runs; 0: never */
extern bool migrating;		      /* an interrupt may end on another CPU */
extern uint64_t interrupt_random;
void interrupts_start(unsigned int period, uint64_t random);
void interrupt(void);

/* Pages that are filled or compared byte by byte. */
void charge(unsigned long pages);
uint64_t misuses(void); /* counted so far */

/* One request, in one of several ways; true if it was served. */
bool request(gfp_t gfp, unsigned int order, unsigned int how);
bool request_exact(unsigned long pages, gfp_t gfp);
void request_bulk(gfp_t gfp, unsigned long n);
void request_wrong(unsigned int kind);

/* ---- frees (alloc_frees.c) ------------------------------------------------------------------ */

/* Drop a reference to a block, or free it, in one of several ways. */
void release(struct block *block, unsigned int how);
void release_bulk(unsigned int n, unsigned int from, unsigned int step, bool wrong);
void take_reference(struct block *block, unsigned int how);
/* A free of something that is not to be freed, or not this way. */
void wrong_free(pfn_t pfn, unsigned int order, unsigned int how);

/* ---- what moves (alloc_moves.c) ------------------------------------------------------------- */

void moves_register(void); /* once */
void moves_start(void);	   /* an input begins */
void moves(unsigned int what);

/* ---- the machine (alloc_machine.c) ---------------------------------------------------------- */

void machine_start(void);
void machine_stop(void);
void stop_failing(void);
void cpu_change(unsigned int what);
void cpu_migrate(unsigned int cpu); /* the thread is there from now on, if it is online */
void change_callbacks(unsigned int what);
void set_something(void);
void set_hooks(void);
void free_late(void);

#endif
