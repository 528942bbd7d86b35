/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_fwcfg.c: files that the emulator hands over: which there are, and what is in them.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <quarry/mm.h>

#include "drivers/misc/fw_cfg.h"
#include "console/command.h"
#include "console/crc32.h"

#define SHOWN	    256 /* bytes of a file that are printed */
#define CHUNK_ORDER 4	/* pages read at a time: 64 KiB */
#define CHUNK	    ((uint32_t)PAGE_SIZE << CHUNK_ORDER)

static int list(void)
{
	struct fw_cfg_file file;
	int error;

	for (uint32_t n = 0; !(error = fw_cfg_file_at(n, &file)); n++) {
		if (n == 0)
			printf("key       size file\n");
		printf("%04x %10" PRIu32 " %s\n", file.key, file.size, file.name);
	}
	if (error == -ENOENT)
		return 0;
	printf("fwcfg: %s\n", error == -ENODEV ? "this machine has none" : strerror(-error));
	return 1;
}

static int find(const char *name, struct fw_cfg_file *file)
{
	int error;

	for (uint32_t n = 0; !(error = fw_cfg_file_at(n, file)); n++)
		if (strcmp(file->name, name) == 0)
			return 0;
	return error;
}

static bool is_text(const unsigned char *bytes, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		if (!isprint(bytes[i]) && bytes[i] != '\n' && bytes[i] != '\t')
			return false;
	return size > 0;
}

static void show(const unsigned char *bytes, uint32_t size)
{
	uint32_t shown = size < SHOWN ? size : SHOWN;

	if (is_text(bytes, shown)) {
		fwrite(bytes, 1, shown, stdout);
		printf("\n");
	} else {
		for (uint32_t i = 0; i < shown; i++)
			printf("%02x%s", bytes[i], i % 16 == 15 || i == shown - 1 ? "\n" : " ");
	}
}

/* Print the beginning, and the check sum of all. */
static int read_all(const struct fw_cfg_file *file)
{
	unsigned char *chunk = (unsigned char *)__get_free_pages(GFP_KERNEL, CHUNK_ORDER);
	uint32_t crc = 0, size;
	int error = chunk ? 0 : -ENOMEM;

	for (uint32_t at = 0; !error && at < file->size; at += size) {
		size = file->size - at < CHUNK ? file->size - at : CHUNK;
		error = fw_cfg_read(file, at, chunk, size);
		if (error)
			break;
		if (at == 0)
			show(chunk, size);
		crc = crc32_update(crc, chunk, size);
	}
	if (chunk)
		free_pages((unsigned long)chunk, CHUNK_ORDER);
	if (!error)
		printf("%s: %" PRIu32 " bytes, crc32 0x%08" PRIx32 "\n", file->name, file->size,
		       crc);
	return error;
}

static int cmd_fwcfg(int argc, char **argv)
{
	struct fw_cfg_file file;
	int error;

	if (argc > 2)
		return console_usage(argv[0]);
	if (argc == 1)
		return list();
	error = find(argv[1], &file);
	if (!error)
		error = read_all(&file);
	if (error == -ENOENT)
		printf("fwcfg: there is no file '%s'; 'fwcfg' lists them\n", argv[1]);
	else if (error)
		printf("fwcfg: %s\n",
		       error == -ENODEV ? "this machine has none" : strerror(-error));
	return error != 0;
}

CONSOLE_COMMAND(fwcfg, cmd_fwcfg, "fwcfg [file]",
		"files of the emulator: all, or one with its CRC-32\n"
		"file: its name; its first 256 bytes are shown\n"
		"example: fwcfg etc/boot-fail-wait");
