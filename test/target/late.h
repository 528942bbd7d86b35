/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * late.h: memory that is freed late, piece by piece, while CPUs are at work: the initrd, which the boot loader left
 * and nobody reads here.
 *
 * memblock_free_late() wants no other CPU on the allocator, so all workers stand still meanwhile, and no interrupt
 * allocates. A worker counts from late_enter() to late_leave(); before each of its steps it calls late_stand().
 */
#ifndef QUARRY_TEST_LATE_H
#define QUARRY_TEST_LATE_H

#include <stdbool.h>
#include <stdint.h>

/* Find what there is; nothing the second time. Context: thread, before any worker. */
void late_begin(void);

void late_enter(void);
void late_leave(void);
void late_stand(void);

/* Does everybody stand still? Then interrupts leave the allocator alone. Context: any. */
bool late_halted(void);

/*
 * late_release() - the next piece, if there is one and *stop is not set: who sees it set frees what he holds and
 * leaves. Context: thread, one worker, between two of its steps. Return: 0, or the errno of memblock_free_late().
 */
int late_release(const bool *stop);

uint64_t late_pages(void); /* released since late_begin() */
bool late_done(void);	   /* nothing is left to release */

#endif
