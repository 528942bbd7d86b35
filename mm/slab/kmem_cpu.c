/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kmem_cpu.c: one CPU's stacks of objects: room for them, and their end.
 *
 * A CPU gets its area with the first object it needs, and each cache's stack with the cache's first
 * object there. Where there is no room, a CPU does without, and each call takes the cache's lock.
 */
#include "slab_internal.h"

#define STACK_SLOTS (MAX_LIMIT + 2) /* of one stack: the one with NULL, the one past the limit */
#define STACK_BYTES (STACK_SLOTS * sizeof(struct object_slot))

/* A stack that no cache has, or the first bytes of a page of stacks. */
struct spare_stack {
	struct spare_stack *next;
};

/* One CPU's page: what the hot path sees, the stacks that no cache has yet, the pages they lie in. */
struct kmem_area {
	struct kmem_cpu cpu;
	struct spare_stack *spare, *pages;
};
static_assert(sizeof(struct kmem_area) <= PAGE_SIZE, "a CPU's area is a page");

/* The end of a cache on any CPU adds to them. Interrupts masked. */
static void spare_add(struct kmem_area *area, uintptr_t start, uintptr_t end)
{
	spin_lock(&kmem_state.spare_lock);
	for (start = ALIGN_UP(start, sizeof(struct object_slot)); end - start >= STACK_BYTES;
	     start += STACK_BYTES) {
		struct spare_stack *spare = (struct spare_stack *)start;

		spare->next = area->spare;
		area->spare = spare;
	}
	spin_unlock(&kmem_state.spare_lock);
}

/* A page for objects of this CPU; 0: refused. In the caller takes less stack, a call less text. */
static inline unsigned long area_page(void)
{
	return FOR_SPEED ? __get_free_page(__GFP_NOWARN) : chunk_page(0);
}

/* This CPU's area; NULL: there is no room for one. Interrupts masked. */
static struct kmem_area *kmem_area(void)
{
	struct kmem_area *area = (struct kmem_area *)(void *)port_pcpu()->kmem;

	if (mm_likely(&area->cpu != &kmem_state.none))
		return area;
	area = (struct kmem_area *)(void *)kmem_state.cpu[port_pcpu()->cpu];
	if (area) { /* it has come online again since */
		port_pcpu()->kmem = &area->cpu;
		return area;
	}
	area = (struct kmem_area *)area_page();
	if (!area)
		return NULL;
	memcpy(&area->cpu, &kmem_state.none, sizeof(area->cpu));
	area->spare = NULL;
	area->pages = NULL;
	spare_add(area, (uintptr_t)(area + 1), (uintptr_t)area + PAGE_SIZE);
	/* Release: another CPU, where a cache ends, sees that its stacks are empty. */
	__atomic_store_n(&kmem_state.cpu[port_pcpu()->cpu], &area->cpu, __ATOMIC_RELEASE);
	port_pcpu()->kmem = &area->cpu;
	return area;
}

static struct object_slot *spare_take(struct kmem_area *area)
{
	struct spare_stack *spare;

	spin_lock(&kmem_state.spare_lock);
	spare = area->spare;
	if (spare)
		area->spare = spare->next;
	spin_unlock(&kmem_state.spare_lock);
	return (struct object_slot *)(void *)spare;
}

/* Room for the cache's objects on this CPU. False: there is none, and it does without. */
static bool stack_make(struct kmem_area *area, const struct kmem_cache *cache)
{
	struct object_stack *stack = stack_at(&area->cpu, cache->hot.stack);
	struct object_slot *slots;

	if (SLAB_DEBUG(cache))
		return false; /* so that each call goes the slow way */
	while (!(slots = spare_take(area))) {
		struct spare_stack *page = (struct spare_stack *)area_page();

		if (!page)
			return false;
		page->next = area->pages;
		area->pages = page;
		spare_add(area, (uintptr_t)(page + 1), (uintptr_t)page + PAGE_SIZE);
	}
	slots[0] = kmem_state.no_object[0];
	stack->top = slots;
	stack->limit = slots + cache->limit;
	return true;
}

struct object_stack *stack_of(const struct kmem_cache *cache)
{
	struct kmem_area *area = kmem_area();
	struct object_stack *stack;

	if (!area)
		return NULL;
	stack = stack_at(&area->cpu, cache->hot.stack);
	if (stack->limit == kmem_state.none.stack[0].limit && !stack_make(area, cache))
		return NULL;
	return stack;
}

/* All objects of a stack. Interrupts masked, or it is in nobody's use. */
static void stack_empty(struct kmem_cache *cache, struct object_stack *stack)
{
	while (stack->top->object) {
		unsigned int n = 1;

		while (n < cache->batch && stack->top[-(long)n].object)
			n++;
		stack->top -= n;
		slab_give_objects(cache, stack->top + 1, n, 0);
	}
}

void slab_flush(struct kmem_cache *cache)
{
	unsigned long flags = port_irq_save();

	stack_empty(cache, stack_at(port_pcpu()->kmem, cache->hot.stack));
	port_irq_restore(flags);
}

void stacks_enter(void)
{
	unsigned int spins = 0;

	while (__atomic_exchange_n(&kmem_state.emptying, 1, __ATOMIC_ACQUIRE)) {
		mm_ipi();
		spin_relax(&spins);
	}
}

void stacks_exit(void)
{
	__atomic_store_n(&kmem_state.emptying, 0, __ATOMIC_RELEASE);
}

void kmem_cpu_end(void)
{
	struct kmem_area *area;
	unsigned long flags;
	unsigned int cpu;

	stacks_enter();
	flags = port_irq_save();
	cpu = port_pcpu()->cpu;
	area = (struct kmem_area *)(void *)kmem_state.cpu[cpu];
	if (area) {
		for (unsigned int n = 0; n < CONFIG_KMEM_CACHES; n++) {
			struct kmem_cache *cache = slab_cache(n);

			if (cache)
				stack_empty(cache, &area->cpu.stack[n]);
		}
		WRITE_ONCE(kmem_state.cpu[cpu], NULL);
		port_pcpu()->kmem = &kmem_state.none;
		while (area->pages) {
			struct spare_stack *page = area->pages;

			area->pages = page->next;
			free_page((unsigned long)(uintptr_t)page);
		}
		free_page((unsigned long)(uintptr_t)area);
	}
	port_irq_restore(flags);
	stacks_exit();
}

void slab_stack_end(struct kmem_cpu *cpu, struct kmem_cache *cache)
{
	struct kmem_area *area = (struct kmem_area *)(void *)cpu;
	struct object_stack *stack = stack_at(cpu, cache->hot.stack);
	unsigned long flags;
	uintptr_t slots;

	if (stack->limit == kmem_state.none.stack[0].limit)
		return;
	stack_empty(cache, stack);
	slots = (uintptr_t)stack->top;
	*stack = kmem_state.none.stack[0];
	flags = port_irq_save();
	spare_add(area, slots, slots + STACK_BYTES);
	port_irq_restore(flags);
}
