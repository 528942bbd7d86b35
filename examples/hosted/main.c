/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c: the allocator in a process: 64 MiB of "RAM" from mmap(), and pages out of it. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include <quarry/memblock.h>
#include <quarry/mm.h>

#define RAM_SIZE ((phys_addr_t)64 << 20)

struct mm_pcpu cpu0;
char *ram;

void port_log(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

void port_panic(const char *fmt, ...)
{
	(void)fmt;
	abort();
}

void port_kick(unsigned int cpu) /* there is no other */
{
	(void)cpu;
}

int start_allocator(phys_addr_t base, phys_addr_t size, phys_addr_t taken)
{
	struct mm_config config = {.boot_pcpu = &cpu0};
	int error;

	port_set_pcpu(&cpu0);	       /* what port_pcpu() returns on this CPU */
	memblock_add(base, size);      /* what memory there is */
	memblock_reserve(base, taken); /* what of it is taken: the program itself */
	error = mm_init(&config);
	if (error)
		return error;
	memblock_free_all();
	return setup_per_cpu_pageset(&cpu0, 0);
}

int main(void)
{
	struct page *page;

	ram = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ram == MAP_FAILED || start_allocator(0, RAM_SIZE, PAGE_SIZE))
		return 1;
	page = alloc_pages(GFP_KERNEL | __GFP_ZERO, 3);
	printf("hosted: order 3 at 0x%llx, freed: %d\n", (unsigned long long)page_to_phys(page),
	       __free_pages(page, 3));
	printf("hosted: freed again: %d\n", __free_pages(page, 3));
	return 0;
}
