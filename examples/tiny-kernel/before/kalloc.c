/* SPDX-License-Identifier: BSD-2-Clause */
/* kalloc.c, before: free pages in a list, under one lock. */
#include "../kalloc.h"

struct free_page {
	struct free_page *next;
};

static struct free_page *list;
static unsigned int locked;

static unsigned long lock(void)
{
	unsigned long flags = irq_save();

	while (__atomic_exchange_n(&locked, 1, __ATOMIC_ACQUIRE))
		;
	return flags;
}

static void unlock(unsigned long flags)
{
	__atomic_store_n(&locked, 0, __ATOMIC_RELEASE);
	irq_restore(flags);
}

void kinit(void)
{
	for (uintptr_t page = ((uintptr_t)end + PAGE - 1) & ~(PAGE - 1); page < RAM_END;
	     page += PAGE)
		kfree((void *)page);
}

void kinit_hart(unsigned int hart)
{
	(void)hart;
}

void *kalloc(void)
{
	unsigned long flags = lock();
	struct free_page *page = list;

	if (page)
		list = page->next;
	unlock(flags);
	return page;
}

void kfree(void *at)
{
	struct free_page *page = at;
	unsigned long flags = lock();

	page->next = list;
	list = page;
	unlock(flags);
}

void kick_received(void)
{
}
