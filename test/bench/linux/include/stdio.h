/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stdio.h inside Linux: printf() gathers a line and gives it to printk() when it is whole.
 */
#ifndef TEST_BENCH_LINUX_STDIO_H
#define TEST_BENCH_LINUX_STDIO_H

#include <linux/kernel.h>

__printf(1, 2) int bench_printf(const char *format, ...);
#define printf(...) bench_printf(__VA_ARGS__)

#endif
