/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hexdump.h: bytes as people read them, 16 a line: offset, hexadecimal, text.
 */
#ifndef CONSOLE_HEXDUMP_H
#define CONSOLE_HEXDUMP_H

#include <stddef.h>
#include <stdint.h>

/* hexdump() - print size bytes; the first line is called offset. Context: thread. */
void hexdump(uint64_t offset, const void *bytes, size_t size);

#endif
