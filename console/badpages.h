/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * badpages.h: pages that were found bad: they are taken from the allocator for good, and remembered.
 */
#ifndef CONSOLE_BADPAGES_H
#define CONSOLE_BADPAGES_H

#include <quarry/types.h>

/*
 * badpages_add() - take the page at pfn from the allocator, if it is free, and never give it back. Context: thread.
 * Return: 0; -EALREADY it is one; -EBUSY somebody has it; -EPERM it is reserved, -EFAULT there is no such memory.
 */
int badpages_add(pfn_t pfn);

/* badpages_print_node() - what keeps them out from the first instruction on: a node for the board's device tree. */
void badpages_print_node(void);

#endif
