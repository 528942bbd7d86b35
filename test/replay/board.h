/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * board.h: the machine of a recording, here: its descriptors, zones, caches. Its memory itself is not
 * needed.
 */
#ifndef REPLAY_BOARD_H
#define REPLAY_BOARD_H

#include <stdio.h>

#include "trace.h"

/* board_restore() - as it was when the recording began. False after one line: another geometry. */
bool board_restore(const struct trace *trace);
void board_print(FILE *to);
struct mm_pcpu *board_cpu(unsigned int cpu);

#endif
