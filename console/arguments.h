/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * arguments.h: arguments that several commands take: orders and allocation flags.
 */
#ifndef CONSOLE_ARGUMENTS_H
#define CONSOLE_ARGUMENTS_H

#include <quarry/gfp.h>

/* Return 0, or 1 after one line of error that names the command. */
int console_parse_order(const char *command, const char *text, unsigned int *order);
int console_parse_gfp(const char *command, const char *text, gfp_t *gfp);

/* `command <order> [gfp]`: the same for all its arguments; without flags GFP_KERNEL. */
int console_parse_request(int argc, char **argv, unsigned int *order, gfp_t *gfp);

/*
 * console_gfp() - flags from text: names and numbers joined by '|'. 0 and *gfp; or 1, *gfp as it
 * was and what is wrong with the text in why.
 */
int console_gfp(const char *text, gfp_t *gfp, char *why, size_t size);

/* TAB in a list of flags (struct console_command.complete). */
const char *console_complete_gfp(const char *prefix, unsigned int n);

#endif
