/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * string.h inside Linux.
 */
#include <linux/string.h>
