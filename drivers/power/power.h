/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * power.h: rebooting and switching off, by whichever means the board has.
 *
 * Drivers register a means each; the machine tries them in order of rank, lowest first, and what
 * returns has not worked.
 */
#ifndef DRIVERS_POWER_H
#define DRIVERS_POWER_H

#include <quarry/types.h>

enum power_action {
	POWER_OFF,
	POWER_REBOOT,
	NR_POWER_ACTIONS,
};

#define POWER_RANK_FIRMWARE 0 /* SBI SRST, PSCI */
#define POWER_RANK_DEVICE   1 /* syscon-poweroff, a test finisher */
#define POWER_RANK_LAST	    2 /* may hang instead of failing */

#define POWER_MAX_MEANS	    8

/* Tries it; returns only if that did not work, with a negative errno. */
typedef int (*power_fn)(void *arg, enum power_action action);

/* name: a string that stays. 0, or -ENOSPC past POWER_MAX_MEANS. Context: thread. */
int power_register(const char *name, enum power_action action, int rank, power_fn fn, void *arg);
/* Forget everything registered with this arg. */
void power_unregister(void *arg);

/*
 * power_do() - reboot or switch off. Returns only if nothing worked: -ENODEV, after one line of log
 * that names the means tried. Context: any.
 */
int power_do(enum power_action action);

#endif
