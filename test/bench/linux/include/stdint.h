/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stdint.h inside Linux, whose own types are of the same names.
 */
#include <linux/types.h>
