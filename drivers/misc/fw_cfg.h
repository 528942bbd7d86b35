/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fw_cfg.h: files that the emulator hands to the firmware.
 */
#ifndef DRIVERS_FW_CFG_H
#define DRIVERS_FW_CFG_H

#include <stddef.h>
#include <stdint.h>

#define FW_CFG_NAME_SIZE 56

struct fw_cfg_file {
	uint32_t size; /* bytes */
	uint16_t key;
	char name[FW_CFG_NAME_SIZE]; /* ends with '\0' */
};

/*
 * fw_cfg_file_at() - the n-th file of the directory. 0; -ENOENT past the last; -ENODEV: this
 * machine has none of this; or as fw_cfg_read(). Context: thread.
 */
int fw_cfg_file_at(uint32_t n, struct fw_cfg_file *file);

/*
 * fw_cfg_read() - size bytes of a file, from offset on, by DMA through a page of the driver's. 0;
 * -EINVAL: past its end; -EIO: it reports an error; -ETIMEDOUT: no answer within a second, and none
 * will be asked for again. data is the caller's alone all the time. Context: thread.
 */
int fw_cfg_read(const struct fw_cfg_file *file, uint32_t offset, void *data, uint32_t size);

#endif
