/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_rng.c: `rng`: random bytes from the host.
 */
#include <errno.h>
#include <inttypes.h>
#include <quarry/mm.h>
#include <stdio.h>
#include <string.h>

#include "drivers/virtio/virtio_rng.h"
#include "console/command.h"
#include "console/hexdump.h"
#include "console/parse.h"

static int cmd_rng(int argc, char **argv)
{
	uint64_t size = 16;
	void *buffer;
	int error;

	if (argc > 2)
		return console_usage(argv[0]);
	if (argc == 2 && (parse_u64(argv[1], PAGE_SIZE, &size) != 0 || size == 0)) {
		printf("rng: '%s' is not a number of bytes, 1 to %lu\n", argv[1], PAGE_SIZE);
		return 1;
	}
	buffer = (void *)__get_free_page(GFP_KERNEL);
	if (!buffer) {
		printf("rng: no page for a buffer\n");
		return 1;
	}
	error = virtio_rng_read(buffer, (size_t)size);
	if (error == -ENODEV)
		printf("rng: no entropy device, or it is out of use (make run RNG=1)\n");
	else if (error)
		printf("rng: no random bytes: %s\n", strerror(-error));
	else
		hexdump(0, buffer, (size_t)size);
	free_page((unsigned long)buffer);
	return error != 0;
}

CONSOLE_COMMAND(rng, cmd_rng, "rng [bytes]",
		"random bytes from the virtio entropy device\n"
		"bytes: 1 to 4096, default 16\n"
		"example: rng 64");
