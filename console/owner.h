/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * owner.h: what the shell does for `owner`: before and after each command a mark is set, so that the
 * age of a block is known.
 */
#ifndef CONSOLE_OWNER_H
#define CONSOLE_OWNER_H

void owner_tick(void);

#endif
