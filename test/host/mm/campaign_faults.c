/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * campaign_faults.c: which place of a request fails, and what a campaign has come to.
 */
#include "campaign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct campaign_fault campaign_fault;
struct campaign_total campaign_total;

bool fail_here(const char *function, int line)
{
	struct campaign_total *total = &campaign_total;
	unsigned int i = 0;

	while (i < total->nr_places &&
	       (total->place[i].line != line || strcmp(total->place[i].function, function)))
		i++;
	if (i == total->nr_places && i < CAMPAIGN_PLACES) {
		total->place[i].function = function;
		total->place[i].line = line;
		total->nr_places++;
	}
	campaign_fault.seen++;
	return campaign_fault.at &&
	       (campaign_fault.seen == campaign_fault.at ||
		(campaign_fault.and_all_after && campaign_fault.seen > campaign_fault.at));
}

void campaign_finish(const char *what)
{
	print_message("# %s: %lu tries at %u places, up to %u in one request; %lu refused, %lu "
		      "differences\n",
		      what, campaign_total.tries, campaign_total.nr_places, campaign_total.most,
		      campaign_total.refused, campaign_total.differences);
	assert_true(campaign_total.refused > 0);
	assert_int_equal(0, campaign_total.differences);
	memset(&campaign_total, 0, sizeof(campaign_total));
}
