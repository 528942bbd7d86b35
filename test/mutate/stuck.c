/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stuck.c: in a program of one thread nobody else can let go of a lock: who waits long for one waits for ever. It would do so in
 * little processor time on a machine with other work, as each wait gives the processor away; so it ends here.
 */
#include <sched.h>
#include <unistd.h>

int sched_yield(void)
{
	static unsigned int waits;

	if (++waits > 100000)
		_exit(3);
	return 0;
}
