/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_md.c: memory by hand, as U-Boot's commands of these names take and print it: numbers are hexadecimal with or without 0x, .b .w
 * .l .q say how wide an access is. An access that traps is said and ends the command.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <quarry/mm.h>

#include "boot/cpu/trap_expect.h"
#include "console/command.h"
#include "console/crc32.h"
#include "console/input.h"

#define LINE_BYTES 16

/* ---- arguments -------------------------------------------------------------------------------- */

/* Hexadecimal, 0x or not. 0, or 1 after one line of error. */
static int parse_hex(const char *command, const char *text, uint64_t *value)
{
	const char *digit =
		strncmp(text, "0x", 2) == 0 || strncmp(text, "0X", 2) == 0 ? text + 2 : text;

	*value = 0;
	if (*digit == '\0' || strlen(digit) > 16)
		goto bad;
	for (; *digit; digit++) {
		int c = tolower((unsigned char)*digit);

		if (!isxdigit(c))
			goto bad;
		*value = *value << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	return 0;
bad:
	printf("%s: '%s' is not a hexadecimal number of 64 bits\n", command, text);
	return 1;
}

/* Bytes an access has, by the command's suffix; 4 without. 0: it is none. */
static unsigned int width_of(const char *command)
{
	const char *suffix = strchr(command, '.');

	if (!suffix)
		return 4;
	if (suffix[1] && !suffix[2])
		switch (suffix[1]) {
		case 'b':
			return 1;
		case 'w':
			return 2;
		case 'l':
			return 4;
		case 'q':
			return 8;
		default:
			break;
		}
	printf("%s: widths are .b .w .l .q\n", command);
	return 0;
}

static bool aligned(const char *command, uint64_t addr, unsigned int width)
{
	if (addr % width == 0)
		return true;
	printf("%s: 0x%" PRIx64 " is not a multiple of %u\n", command, addr, width);
	return false;
}

/* ---- accesses --------------------------------------------------------------------------------- */

struct access {
	uintptr_t addr;
	unsigned int width;
	bool write;
	uint64_t value;
};

static void do_access(uintptr_t arg)
{
	struct access *access = (struct access *)arg;
	volatile void *at = (volatile void *)access->addr;

	switch (access->width | (access->write ? 16U : 0)) {
	case 1:
		access->value = *(volatile uint8_t *)at;
		break;
	case 2:
		access->value = *(volatile uint16_t *)at;
		break;
	case 4:
		access->value = *(volatile uint32_t *)at;
		break;
	case 8:
		access->value = *(volatile uint64_t *)at;
		break;
	case 16 | 1:
		*(volatile uint8_t *)at = (uint8_t)access->value;
		break;
	case 16 | 2:
		*(volatile uint16_t *)at = (uint16_t)access->value;
		break;
	case 16 | 4:
		*(volatile uint32_t *)at = (uint32_t)access->value;
		break;
	default:
		*(volatile uint64_t *)at = access->value;
		break;
	}
}

/* False after one line of error: the access trapped. */
static bool try_access(const char *command, struct access *access)
{
	struct trap_record record;

	if (!trap_expect(do_access, (uintptr_t)access, &record))
		return true;
	printf("%s: 0x%" PRIx64 ": cannot be %s (cause 0x%" PRIx64 "%s)\n", command,
	       (uint64_t)access->addr, access->write ? "written" : "read", record.cause,
	       record.by_tables ? ", not mapped so" : "");
	return false;
}

static bool read_value(const char *command, uint64_t addr, unsigned int width, uint64_t *value)
{
	struct access access = {.addr = (uintptr_t)addr, .width = width};

	if (!try_access(command, &access))
		return false;
	*value = access.value;
	return true;
}

/* ---- md, mw ----------------------------------------------------------------------------------- */

/* One line: up to 16 bytes, read before anything is printed. */
static bool show_line(const char *command, uint64_t addr, unsigned int width, uint64_t count)
{
	uint64_t value[LINE_BYTES];

	for (uint64_t i = 0; i < count; i++)
		if (!read_value(command, addr + i * width, width, &value[i]))
			return false;
	printf("%08" PRIx64 ":", addr);
	for (unsigned int i = 0; i < LINE_BYTES / width; i++) {
		if (i < count)
			printf(" %0*" PRIx64, (int)(2 * width), value[i]);
		else
			printf(" %*s", (int)(2 * width), "");
	}
	printf("    ");
	for (unsigned int i = 0; i < count * width; i++) {
		int c = (int)(value[i / width] >> (8 * (i % width)) & 0xff);

		putchar(isprint(c) ? c : '.');
	}
	printf("\n");
	return true;
}

static int cmd_md(int argc, char **argv)
{
	static uint64_t next, last_count = 0x40; /* without an address it goes on */
	unsigned int width = width_of(argv[0]);
	uint64_t addr = next, count = last_count;

	if (argc > 3)
		return console_usage("md");
	if (!width || (argc > 1 && parse_hex(argv[0], argv[1], &addr) != 0) ||
	    (argc > 2 && parse_hex(argv[0], argv[2], &count) != 0) ||
	    !aligned(argv[0], addr, width))
		return 1;
	last_count = count;
	while (count > 0 && !console_interrupted()) {
		uint64_t now = count < LINE_BYTES / width ? count : LINE_BYTES / width;

		if (!show_line(argv[0], addr, width, now))
			return 1;
		addr += now * width;
		count -= now;
		next = addr;
	}
	return 0;
}

CONSOLE_COMMAND_ENTRY(md, cmd_md, "md[.b|.w|.l|.q] [address [count]]",
		      "show memory, as U-Boot does\n"
		      "numbers are hexadecimal; count: of bytes, 2, 4 or 8 of them, default 40 of\n"
		      "32 bits; without an address: from where the last one ended. What cannot be\n"
		      "read is said\n"
		      "example: md.b 80200000 20",
		      .sized = true);

static int cmd_mw(int argc, char **argv)
{
	unsigned int width = width_of(argv[0]);
	uint64_t addr, value, count = 1;

	if (argc < 3 || argc > 4)
		return console_usage("mw");
	if (!width || parse_hex(argv[0], argv[1], &addr) != 0 ||
	    parse_hex(argv[0], argv[2], &value) != 0 ||
	    (argc > 3 && parse_hex(argv[0], argv[3], &count) != 0) ||
	    !aligned(argv[0], addr, width))
		return 1;
	if (width < 8 && value >> (8 * width)) {
		printf("%s: 0x%" PRIx64 " does not fit %u bytes\n", argv[0], value, width);
		return 1;
	}
	for (; count > 0 && !console_interrupted(); count--, addr += width) {
		struct access access = {
			.addr = (uintptr_t)addr, .width = width, .write = true, .value = value};

		if (!try_access(argv[0], &access))
			return 1;
	}
	return 0;
}

CONSOLE_COMMAND_ENTRY(mw, cmd_mw, "mw[.b|.w|.l|.q] <address> <value> [count]",
		      "write memory, as U-Boot does\n"
		      "numbers are hexadecimal; count: default 1. Whose memory it is nobody asks:\n"
		      "alloc has some to try it on\n"
		      "example: mw.l 87000000 deadbeef 10",
		      .sized = true);

/* ---- cmp, crc32 ------------------------------------------------------------------------------- */

static const char *unit_name(unsigned int width)
{
	return width == 1 ? "byte" : width == 2 ? "halfword" : width == 4 ? "word" : "double word";
}

static int cmd_cmp(int argc, char **argv)
{
	unsigned int width = width_of(argv[0]);
	uint64_t one, other, count, same = 0, a, b;

	if (argc != 4)
		return console_usage("cmp");
	if (!width || parse_hex(argv[0], argv[1], &one) != 0 ||
	    parse_hex(argv[0], argv[2], &other) != 0 || parse_hex(argv[0], argv[3], &count) != 0 ||
	    !aligned(argv[0], one, width) || !aligned(argv[0], other, width))
		return 1;
	for (; same < count && !console_interrupted(); same++, one += width, other += width) {
		if (!read_value(argv[0], one, width, &a) || !read_value(argv[0], other, width, &b))
			return 1;
		if (a == b)
			continue;
		printf("%s at 0x%" PRIx64 " (0x%" PRIx64 ") != %s at 0x%" PRIx64 " (0x%" PRIx64
		       ")\n",
		       unit_name(width), one, a, unit_name(width), other, b);
		break;
	}
	printf("Total of %" PRIu64 " %s(s) were the same\n", same, unit_name(width));
	return same != count;
}

CONSOLE_COMMAND_ENTRY(cmp, cmd_cmp, "cmp[.b|.w|.l|.q] <address> <address> <count>",
		      "compare memory, as U-Boot does\n"
		      "numbers are hexadecimal; ends with the first difference\n"
		      "example: cmp.l 80200000 80200000 400",
		      .sized = true);

struct crc_job {
	uintptr_t addr;
	uint64_t size;
	uint32_t crc;
};

static void do_crc(uintptr_t arg)
{
	struct crc_job *job = (struct crc_job *)arg;

	job->crc = crc32_update(job->crc, (const void *)job->addr, job->size);
}

static int cmd_crc32(int argc, char **argv)
{
	struct crc_job job = {.crc = 0};
	struct trap_record record;
	uint64_t addr, count, to = 0;

	if (argc < 3 || argc > 4)
		return console_usage(argv[0]);
	if (parse_hex(argv[0], argv[1], &addr) != 0 || parse_hex(argv[0], argv[2], &count) != 0 ||
	    (argc > 3 && parse_hex(argv[0], argv[3], &to) != 0))
		return 1;
	for (uint64_t done = 0; done < count; done += job.size) {
		job.addr = (uintptr_t)(addr + done);
		job.size = PAGE_SIZE - job.addr % PAGE_SIZE;
		if (job.size > count - done)
			job.size = count - done;
		if (console_interrupted())
			return 1;
		if (trap_expect(do_crc, (uintptr_t)&job, &record)) {
			printf("%s: 0x%" PRIx64 ": cannot be read (cause 0x%" PRIx64 ")\n", argv[0],
			       (uint64_t)record.addr, record.cause);
			return 1;
		}
	}
	printf("crc32 for %08" PRIx64 " ... %08" PRIx64 " ==> %08" PRIx32 "\n", addr,
	       addr + count - (count != 0), job.crc);
	if (argc > 3) {
		struct access access = {
			.addr = (uintptr_t)to, .width = 4, .write = true, .value = job.crc};

		return !aligned(argv[0], to, 4) || !try_access(argv[0], &access);
	}
	return 0;
}

CONSOLE_COMMAND(crc32, cmd_crc32, "crc32 <address> <count> [address]",
		"CRC-32 of memory, as U-Boot does\n"
		"numbers are hexadecimal; count: of bytes; address: where the sum is put\n"
		"example: crc32 80200000 1000");
