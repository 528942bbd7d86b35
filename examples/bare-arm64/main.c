/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c: one CPU at EL1, no firmware below and no C library: 128 MiB of RAM, and pages out of it. */
#include <quarry/memblock.h>
#include <quarry/mm.h>

struct mm_pcpu cpu0;

int start_allocator(void)
{
	struct mm_config config = {.boot_pcpu = &cpu0};
	int error;

	port_set_pcpu(&cpu0);		       /* what port_pcpu() returns on this CPU */
	memblock_add(0x40000000, 128 << 20);   /* what memory there is */
	memblock_reserve(0x40000000, 4 << 20); /* what of it is taken */
	error = mm_init(&config);
	if (error)
		return error;
	memblock_free_all();
	return setup_per_cpu_pageset(&cpu0, 0);
}

#include "../common/print.h"

void port_log(const char *fmt, ...) /* without a formatter: the format says what it is about */
{
	put_text(fmt);
	put_char('\n');
}

void port_panic(const char *fmt, ...)
{
	port_log(fmt);
	leave(1);
	__builtin_unreachable();
}

void port_kick(unsigned int cpu) /* there is no other */
{
	(void)cpu;
}

void main(void)
{
	struct page *page;

	if (start_allocator())
		port_panic("no allocator");
	page = alloc_pages(GFP_KERNEL | __GFP_ZERO, 3);
	put_text("bare-arm64: order 3 at ");
	put_hex(page_to_phys(page));
	put_text(__free_pages(page, 3) ? " not freed\n" : " freed\n");
	put_text(__free_pages(page, 3) ? "bare-arm64: a second free is refused\n"
				       : "freed twice\n");
	leave(0);
}
