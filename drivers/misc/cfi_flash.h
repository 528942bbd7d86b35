/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cfi_flash.h: what a NOR flash holds, read through the buffer cache.
 */
#ifndef DRIVERS_CFI_FLASH_H
#define DRIVERS_CFI_FLASH_H

#include "drivers/misc/bufcache.h"

/*
 * The first flash bound, NULL if the board has none; *blocks is what can be read of it, in
 * BUF_SIZE.
 */
struct buf_source *cfi_flash(uint64_t *blocks);

#endif
