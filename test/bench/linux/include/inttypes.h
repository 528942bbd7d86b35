/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inttypes.h inside Linux: there uint64_t is unsigned long long.
 */
#include <linux/types.h>

#undef PRIu64
#define PRIu64 "llu"
