/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c: the firmware as a test bench: drivers, the commands the loader passed, the console.
 */
#include "boot/main.h"

#include <quarry/gfp.h>
#include <quarry/port.h>
#include <stdio.h>
#include <string.h>

#include "boot/boot.h"
#include "boot/cpu/smp.h"
#include "drivers/base/driver.h"
#include "console/bootargs.h"
#include "console/command.h"
#include "console/shutdown.h"

static bool is_command(const char *word, size_t length)
{
	char name[CONSOLE_LINE_MAX + 1];

	if (length >= sizeof(name))
		return false;
	memcpy(name, word, length);
	name[length] = '\0';
	return console_command_find(name) != NULL;
}

/* Each command is shown at the prompt as if it had been typed. */
static void run(const char *command, size_t length)
{
	char line[CONSOLE_LINE_MAX + 1];

	if (length > CONSOLE_LINE_MAX) {
		printf("bootargs: a command of %lu characters, %d at most: left out\n",
		       (unsigned long)length, CONSOLE_LINE_MAX);
		return;
	}
	memcpy(line, command, length);
	line[length] = '\0';
	printf("%s%s\n", CONSOLE_PROMPT, line);
	console_run(line);
}

static void run_bootargs(const char *text)
{
	static const struct bootargs how = {.is_command = is_command, .run = run};

	if (bootargs_run(&how, text) == 0 && text[strspn(text, " \t\r\n;")] != '\0')
		port_log("bootargs: passed over: the first word is no command; commands may stand "
			 "behind ' -- ' or in quarry.cmd=\"..\"");
}

int main(void)
{
	mm_set_gfp_allowed_mask(GFP_BOOT_MASK); /* until interrupts are there, nothing waits */
	picture_boot();
	drivers_start();
	smp_start();
	machine_irq_enable();
	mm_set_gfp_allowed_mask(__GFP_BITS_MASK);
	run_bootargs(boot_info.bootargs);
	console_shell();
}
