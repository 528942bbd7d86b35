/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_debug.c: questions to the allocator and trouble made on purpose: why a request would be
 * refused, fault injection.
 */
#include <assert.h>
#include <inttypes.h>
#include <quarry/mm.h>
#include <stdio.h>
#include <string.h>

#include "console/arguments.h"
#include "console/command.h"
#include "console/parse.h"

/* ---- why ------------------------------------------------------------------------------------ */

static bool refused; /* a line of the refusal was printed */

static void print_line(const char *line)
{
	if (!refused)
		printf("would be refused\n");
	refused = true;
	printf("%s\n", line);
}

static int cmd_why(int argc, char **argv)
{
	gfp_t gfp;
	unsigned int order;
	char names[GFP_NAMES_SIZE];

	if (console_parse_request(argc, argv, &order, &gfp) != 0)
		return 1;
	gfp_names(gfp, names, sizeof(names));
	printf("why: order:%u, mode:0x%" PRIx32 "(%s): ", order, gfp, names);
	refused = false;
	/* One dry run: a second might find another state, as other CPUs go on. */
	if (mm_why(gfp, order, print_line))
		printf("would succeed\n");
	return 0;
}

CONSOLE_COMMAND_COMPLETE(why, cmd_why, "why <order> [gfp]",
			 "would this request succeed, and if not, why\n"
			 "order: 0 to 10; gfp: default GFP_KERNEL; nothing is taken\n"
			 "example: why 10 GFP_ATOMIC",
			 console_complete_gfp);

/* ---- fail ----------------------------------------------------------------------------------- */

static int show_fail(void)
{
	struct mm_fail fail;

	mm_get_fail(&fail);
	if (!fail.every)
		printf("fail: off\n");
	else
		printf("fail: every=%u order>=%u times=%u: %" PRIu64 " seen, %" PRIu64 " failed\n",
		       fail.every, fail.min_order, fail.times, fail.seen, fail.failed);
	return 0;
}

/* One word, as every=7. 0, or 1 after a line of error. */
static int parse_fail(const char *word, struct mm_fail *fail)
{
	const struct {
		const char *key;
		unsigned int *value;
		uint64_t max;
	} keys[] = {
		{"every=", &fail->every, UINT32_MAX},
		{"order>=", &fail->min_order, MAX_PAGE_ORDER},
		{"times=", &fail->times, UINT32_MAX},
	};
	uint64_t number;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		size_t length = strlen(keys[i].key);

		if (strncmp(word, keys[i].key, length) == 0 &&
		    parse_u64(word + length, keys[i].max, &number) == 0) {
			*keys[i].value = (unsigned int)number;
			return 0;
		}
	}
	printf("fail: '%s' is none of every=<n>, order>=<0 to %d>, times=<n>\n", word,
	       MAX_PAGE_ORDER);
	return 1;
}

static int cmd_fail(int argc, char **argv)
{
	struct mm_fail fail = {.every = 0};

	if (argc == 1)
		return show_fail();
	if (argc == 2 && strcmp(argv[1], "off") == 0) {
		mm_set_fail(&fail);
		return show_fail();
	}
	for (int i = 1; i < argc; i++)
		if (parse_fail(argv[i], &fail) != 0)
			return 1;
	if (!fail.every) {
		printf("fail: every=<n> is missing, 1 and up\n");
		return 1;
	}
	if (mm_set_fail(&fail) != 0) {
		printf("fail: not in this build: make EXTRA_CFLAGS=-DCONFIG_DEBUG_HOOKS=1\n");
		return 1;
	}
	return show_fail();
}

CONSOLE_COMMAND(fail, cmd_fail, "fail [every=<n> [order>=<n>] [times=<n>] | off]",
		"refuse every n-th request that matches\n"
		"order>=: of this order and above, default 0; times: so often at most,\n"
		"default 0, without limit; without arguments: the setting and what it did\n"
		"example: fail every=7 order>=1 times=100");
