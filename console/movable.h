/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * movable.h: blocks that the console owns and lets others move: `alloc ORDER movable`. They are full of a
 * pattern of their own, which is looked at after each move and before they are freed.
 */
#ifndef CONSOLE_MOVABLE_H
#define CONSOLE_MOVABLE_H

#include <quarry/mm.h>

/*
 * movable_alloc() - a block of 2^order pages; NULL: refused, *why says so. movable_free() - the block at
 * this page, if it is one: 1, after one line where its contents have changed; 0: it is none of them;
 * -EINVAL: its order is another one, and -1 is any. movable_list() - a line for each, where it is now. Context: thread, CPU 0.
 */
struct page *movable_alloc(unsigned int order, const char **why);
int movable_free(struct page *page, int order);
int movable_list(void);

#endif
