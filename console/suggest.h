/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * suggest.h: which name did the user mean? Knows no hardware.
 */
#ifndef CONSOLE_SUGGEST_H
#define CONSOLE_SUGGEST_H

/*
 * suggest() - the first of the names that the word becomes with the fewest letters changed, added, left out or exchanged with
 * their neighbour: one, or two in a word of more than four letters; or that begins as the word does, from three letters on.
 * NULL: none is so near. name_at(n) is the n-th name, NULL past the last.
 */
const char *suggest(const char *word, const char *(*name_at)(unsigned int n));

#endif
