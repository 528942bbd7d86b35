/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * power.c: tries the ways to reboot or switch off, best first.
 */
#include "drivers/power/power.h"

#include <errno.h>
#include <quarry/port.h>
#include <stdio.h>

#include "drivers/serial/uart.h"

static struct {
	const char *name;
	enum power_action action;
	int rank;
	power_fn fn; /* NULL: a free entry */
	void *arg;
} means[POWER_MAX_MEANS];

static const char *const names[NR_POWER_ACTIONS] = {
	[POWER_OFF] = "poweroff",
	[POWER_REBOOT] = "reboot",
};

int power_register(const char *name, enum power_action action, int rank, power_fn fn, void *arg)
{
	for (unsigned int i = 0; i < POWER_MAX_MEANS; i++) {
		if (means[i].fn)
			continue;
		means[i].name = name;
		means[i].action = action;
		means[i].rank = rank;
		means[i].fn = fn;
		means[i].arg = arg;
		return 0;
	}
	return -ENOSPC;
}

void power_unregister(void *arg)
{
	for (unsigned int i = 0; i < POWER_MAX_MEANS; i++)
		if (means[i].fn && means[i].arg == arg)
			means[i].fn = NULL;
}

int power_do(enum power_action action)
{
	char tried[96] = "";
	size_t length = 0;

	for (int rank = POWER_RANK_FIRMWARE; rank <= POWER_RANK_LAST; rank++) {
		for (unsigned int i = 0; i < POWER_MAX_MEANS; i++) {
			if (!means[i].fn || means[i].action != action || means[i].rank != rank)
				continue;
			if (rank == POWER_RANK_LAST)
				port_log("%s: the last means is %s, which may just stop the CPU",
					 names[action], means[i].name);
			uart_flush();
			means[i].fn(means[i].arg, action);
			if (length < sizeof(tried))
				length +=
					(size_t)snprintf(tried + length, sizeof(tried) - length,
							 "%s%s", length ? ", " : "", means[i].name);
		}
	}
	port_log("%s: this machine cannot do it (tried: %s)", names[action],
		 length ? tried : "nothing, there is no means");
	return -ENODEV;
}
