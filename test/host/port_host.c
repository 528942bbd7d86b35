/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_host.c: what include/quarry/port.h asks of a machine, on the host: the log goes to stderr or
 * to a hook, a panic aborts or jumps into the test, physical memory is a mapping.
 */
#define _DEFAULT_SOURCE
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "port_host.h"

phys_addr_t port_host_offset;
_Thread_local struct mm_pcpu *port_host_pcpu;
#if CONFIG_DEBUG_VM
_Thread_local unsigned long port_host_masked;
#endif

void (*port_host_log_hook)(const char *line);
char port_host_log_text[65536];
jmp_buf *port_host_panic_jump;
char port_host_panic_text[512];

static void *ram;
static size_t ram_size;

void port_host_quiet(const char *line)
{
	(void)line;
}

void port_host_capture(const char *line)
{
	size_t used = strlen(port_host_log_text), len = strlen(line);

	if (used + len + 2 > sizeof(port_host_log_text))
		return;
	memcpy(port_host_log_text + used, line, len);
	memcpy(port_host_log_text + used + len, "\n", 2);
}

void port_host_log_clear(void)
{
	port_host_log_text[0] = '\0';
}

void port_log(const char *fmt, ...)
{
	char line[512];
	size_t len;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	len = strlen(line);
	if (len && line[len - 1] == '\n')
		line[len - 1] = '\0';
	if (port_host_log_hook)
		port_host_log_hook(line);
	else
		fprintf(stderr, "%s\n", line);
}

_Noreturn void port_panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(port_host_panic_text, sizeof(port_host_panic_text), fmt, ap);
	va_end(ap);
	if (port_host_panic_jump)
		longjmp(*port_host_panic_jump, 1);
	fprintf(stderr, "panic: %s\n", port_host_panic_text);
	abort();
}

void host_ram_unmap(void)
{
	if (ram)
		munmap(ram, ram_size);
	ram = NULL;
}

void *host_ram_map(phys_addr_t base, size_t size)
{
	/* The machine's pages may be larger than the host's, and are aligned all the same. */
	size_t more = PAGE_SIZE > 4096 ? PAGE_SIZE : 0;
	char *map = mmap(NULL, size + more, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (map == MAP_FAILED)
		return NULL;
	host_ram_unmap();
	ram = map;
	ram_size = size + more;
	if (more)
		map += (base - (uintptr_t)map) % PAGE_SIZE;
	port_host_offset = (uintptr_t)map - base;
	return map;
}

uint64_t host_random(uint64_t *state)
{
	/* splitmix64 (Steele, Lea, Flood 2014): any seed will do, 0 included */
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void host_ram_randomize(phys_addr_t base, size_t size, uint64_t seed)
{
	unsigned char *p = phys_to_virt(base);

	while (size) {
		uint64_t r = host_random(&seed);
		size_t n = size < sizeof(r) ? size : sizeof(r);

		memcpy(p, &r, n);
		p += n;
		size -= n;
	}
}

void (*port_host_yield_hook)(void);

void port_yield(void)
{
	if (port_host_yield_hook)
		port_host_yield_hook();
	sched_yield();
}

void (*port_host_kick)(unsigned int cpu);

void port_kick(unsigned int cpu)
{
	if (port_host_kick)
		port_host_kick(cpu);
}
