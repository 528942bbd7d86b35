/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cmd_slab.c: caches of objects, in the columns of /proc/slabinfo.
 */
#include <inttypes.h>
#include <quarry/slab.h>
#include <stdio.h>
#include <string.h>

#include "console/command.h"

static int cmd_slabinfo(int argc, char **argv)
{
	bool all = argc == 2 && strcmp(argv[1], "-a") == 0;
	struct slab_info info;

	if (argc != 1 && !all)
		return console_usage(argv[0]);
	printf("slabinfo - version: 2.1\n");
	printf("# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab> : tunables "
	       "<limit> <batchcount> <sharedfactor> : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	for (unsigned int n = 0; slab_info(n, &info); n++)
		if (all || info.slabs)
			printf("%-17s %6" PRIu64 " %6" PRIu64
			       " %6zu %4u %4u : tunables %4u %4u %4u : slabdata %6" PRIu64
			       " %6" PRIu64 " %6u\n",
			       info.name, info.active, info.objects, info.size, info.per_slab,
			       info.pages, info.limit, info.batch, 0, info.active_slabs, info.slabs,
			       0);
	return 0;
}

CONSOLE_COMMAND(slabinfo, cmd_slabinfo, "slabinfo [-a]",
		"caches that have slabs, or all, as /proc/slabinfo\n"
		"-a: those without slabs too; sizes in bytes\n"
		"example: slabinfo");
