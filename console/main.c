/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c: the firmware as a test bench: drivers, the commands the loader passed, the console.
 */
#include "boot/main.h"

#include <quarry/port.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/cpu/smp.h"
#include "drivers/base/driver.h"
#include "console/command.h"
#include "console/shutdown.h"

/* Run /chosen/bootargs, each command shown at the prompt as if it had been typed. */
static void run_bootargs(const char *text)
{
	while (*text) {
		char line[CONSOLE_LINE_MAX + 1];
		size_t length = strcspn(text, ";");

		while (length > 0 && *text == ' ') {
			text++;
			length--;
		}
		if (length > CONSOLE_LINE_MAX) {
			printf("bootargs: a command of %lu characters, %d at most: left out\n",
			       (unsigned long)length, CONSOLE_LINE_MAX);
		} else if (length > 0) {
			memcpy(line, text, length);
			line[length] = '\0';
			printf("%s%s\n", CONSOLE_PROMPT, line);
			console_run(line);
		}
		text += length;
		if (*text == ';')
			text++;
	}
}

int main(void)
{
	picture_boot();
	drivers_start();
	smp_start();
	machine_irq_enable();
	run_bootargs(boot_info.bootargs);
	console_shell();
}
