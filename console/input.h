/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * input.h: the bytes that the user sends. What is typed ahead of a command's end is kept; Ctrl-C is
 * seen while the command runs, and a terminal's answer to terminal.h's question is taken out.
 */
#ifndef CONSOLE_INPUT_H
#define CONSOLE_INPUT_H

#include <stdbool.h>

#define CTRL_C 3

/* console_poll() - the next byte the user sent, 0..255, or -1. Context: thread, the boot CPU. */
int console_poll(void);

/*
 * console_interrupted() - has Ctrl-C been typed since the command line began? What was typed before it is
 * dropped. To be asked by whatever runs longer than a second. Context: thread, the boot CPU.
 */
bool console_interrupted(void);

/* console_interrupt() - as if Ctrl-C had been typed. */
void console_interrupt(void);

/*
 * input_raw() - from now on until the next command line every byte is the command's, also one that begins as a terminal's
 * answer does. To be called before the sender is told to begin. Context: thread, the boot CPU.
 */
void input_raw(void);

/* input_restart() - a new command line begins. input_pull() - take what has arrived, a byte at least if there is one. */
void input_restart(void);
void input_pull(void);

#endif
