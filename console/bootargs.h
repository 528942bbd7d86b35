/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bootargs.h: which commands a kernel command line holds. Knows no hardware.
 *
 * A line whose first word is a command is commands, all of it, separated by ';'. Any other is
 * Linux's: a loader passes what it always passes (`console=ttyS0 root=/dev/mmcblk0p2 rw`), which is
 * not for us. Of it run the values of `quarry.cmd=`, in double quotes if there are blanks in them,
 * and all that stands behind ` -- `, as Linux hands that to init.
 * Source: Linux, admin-guide/kernel-parameters.rst.
 */
#ifndef CONSOLE_BOOTARGS_H
#define CONSOLE_BOOTARGS_H

#include <stdbool.h>
#include <stddef.h>

struct bootargs {
	/* Is the word of length bytes a command? Asked for the line's first word. */
	bool (*is_command)(const char *word, size_t length);
	/*
	 * Called for each command, in order, without the blanks around it; never for an empty one.
	 */
	void (*run)(const char *command, size_t length);
};

/*
 * bootargs_run() - run a line's commands. Returns how many there were.
 * Context: thread. Bound: linear in the line.
 */
unsigned int bootargs_run(const struct bootargs *how, const char *line);

#endif
