/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object_free.c: kfree() and kmem_cache_free(): any address is judged, and an object in use goes to this
 * CPU's stack.
 */
#include <quarry/errno.h>
#include "../alloc/alloc.h"
#include "slab_internal.h"

/* Objects that do not go, for each slab that goes to another list: two at least go. */
#define FEWER(give) ((give) > 2 ? 2U : 0U)

/* Apart, so that the object need not lie in memory where there is a stack. */
MM_APART void give_alone(struct kmem_cache *cache, void *object, uint8_t *state)
{
	const struct object_slot slot = {.object = object, .state = state};

	slab_give_objects(cache, &slot, 1, 0);
}

/*
 * An object in use is free. Where the stack is just full, and a slab is due to go back, the object lies in the
 * slot past the limit: the caller calls slab_give_back(), and objects go to their slabs at the next free, so no
 * call does all of both. Interrupts masked. False: nothing was done.
 */
static inline bool put_past_limit(struct kmem_cache *cache, void *object, uint8_t *state)
{
	struct object_stack *stack = stack_at(port_pcpu()->kmem, cache->hot.stack);
	struct object_slot *top = stack->top;

	if (top != stack->limit || !slab_due(cache) || top == kmem_state.no_object)
		return false;
	top[1].object = object;
	top[1].state = state;
	stack->top = top + 1;
	*state = MM_OBJECT_FREE;
	return true;
}

/*
 * The same where no slab is due: a full stack gives objects to their slabs. Where there is no stack this one
 * goes there. Interrupts masked. False: nothing was done, as the cache has debug options.
 */
static inline bool put_object(struct kmem_cache *cache, void *object, uint8_t *state)
{
	struct object_stack *stack = stack_here(cache);

	if (!stack && SLAB_DEBUG(cache))
		return false;
	*state = MM_OBJECT_FREE;
	if (!stack) {
		give_alone(cache, object, state);
		return true;
	}
	if (stack->top >= stack->limit) {
		unsigned int give = READ_ONCE(cache->give);

		stack->top -= slab_give_objects(cache, stack->top + 1 - give, give, FEWER(give));
	}
	*++stack->top = (struct object_slot){.object = object, .state = state};
	return true;
}

static int refuse_object(enum mm_misuse kind, const void *object, const void *caller)
{
	return refuse(kind, (uintptr_t)object, REFUSED_OBJECT, caller);
}

#if FOR_SPEED
/* Tail-called from the hot paths, so that the return address names the caller of the free. */
static __attribute__((noinline)) int kfree_slow(const void *object)
{
	return slab_free(object, NULL, __builtin_return_address(0));
}

static __attribute__((noinline)) int cache_free_slow(const struct kmem_cache *cache,
						     const void *object)
{
	return slab_free(object, cache, __builtin_return_address(0));
}

#if CONFIG_DEBUG_HOOKS
static __attribute__((noinline)) int free_debugged(const struct slab *slab, uint8_t *state,
						   void *object, unsigned long flags)
{
	const struct object_slot slot = {.object = object, .state = state};
	const void *caller = __builtin_return_address(0);
	int error = debug_free(slab->cache, &slot, caller);

	port_irq_restore(flags);
	return error ? refuse_object(MISUSE_DOUBLE_FREE, object, caller) : 0;
}
#endif

static __attribute__((noinline)) int free_to_slabs(const struct slab *slab, uint8_t *state,
						   void *object, unsigned long flags)
{
#if CONFIG_DEBUG_HOOKS
	if (!mm_likely(put_object(slab->cache, object, state)))
		return free_debugged(slab, state, object, flags);
#else
	put_object(slab->cache, object, state);
#endif
	port_irq_restore(flags);
	return 0;
}

/* The stack is full, or there is none. Interrupts are masked; they are as `flags` says on return. */
static __attribute__((noinline)) int free_overflow(const struct slab *slab, uint8_t *state,
						   void *object, unsigned long flags)
{
	if (!put_past_limit(slab->cache, object, state))
		return free_to_slabs(slab, state, object, flags);
	port_irq_restore(flags);
	return slab_give_back(slab->cache);
}

/*
 * The object at an address is one of this slab, whose head ends here; *state is its state. It may be any head,
 * or one of no slab: then the address is not that of one of its objects.
 */
static inline __attribute__((always_inline)) bool is_object_of(const uint8_t *states,
							       uintptr_t address, uint8_t **state)
{
	const struct slab *slab = head_before(states);
	unsigned long n;

	if (!object_number(slab, address - slab->base, &n))
		return false;
	*state = (uint8_t *)(uintptr_t)&states[n];
	return true;
}

/* Objects whose addresses differ in no more bits than these may be of one slab. */
#define NEAR_SHIFT (PAGE_SHIFT + 2)

/*
 * To this CPU's stack, if it surely is an object in use and there is room. Where the cache is known, and the
 * newest object there is near to this one, that one's slab is looked at first: it lives as long as its object
 * is there.
 */
static inline __attribute__((always_inline)) int free_hot(const void *object,
							  const struct kmem_cache *cache, bool any)
{
	unsigned long flags = port_irq_save();
	struct kmem_cpu *cpu = port_pcpu()->kmem;
	uintptr_t address = (uintptr_t)object;
	struct object_stack *stack = any ? NULL : stack_at(cpu, cache->hot.stack);
	struct object_slot *top = any ? NULL : stack->top;
	const uint8_t *states;
	uint8_t *state;

	if (!any && mm_likely((address ^ (uintptr_t)top->object) >> NEAR_SHIFT == 0)) {
		states = head_of(cache, top->state)->state;
		__asm__("" : "+r"(states)); /* the end of the head, as below: one address */
		if (mm_likely(is_object_of(states, address, &state)))
			goto found;
	}
	if (!states_near(cpu, address, &states) || !is_object_of(states, address, &state))
		goto slow;
	if (!any && !mm_likely(head_before(states)->stack == cache->hot.stack))
		goto slow;
found:
	if (!mm_likely(*state == MM_OBJECT_IN_USE))
		goto slow;
	if (any) {
		stack = stack_at(cpu, head_before(states)->stack);
		top = stack->top;
	}
	if (!mm_likely(top < stack->limit))
		return free_overflow(head_before(states), state, (void *)address, flags);
	top[1].object = (void *)address;
	top[1].state = state;
	stack->top = top + 1;
	*state = MM_OBJECT_FREE;
	port_irq_restore(flags);
	return 0;
slow:
	port_irq_restore(flags);
	return any ? kfree_slow(object) : cache_free_slow(cache, object);
}

#endif

/* ---- with every check -------------------------------------------------------------------------- */

static __attribute__((noinline)) struct slab *find_slab(const void *object, struct page **page)
{
	return slab_of(&kmem_state.heads, object, page);
}

/* Is it a block that kmalloc() has taken for itself? NR_MISUSES: it is, and *word is its descriptor's. */
MM_OUTLINE enum mm_misuse judge_large(const void *object, const struct page *page, uint32_t *word)
{
	if (!page || page != page_head(page))
		return MISUSE_FOREIGN;
	*word = READ_ONCE(page->word);
	if ((*word & PAGE_STATE_MASK) != PAGE_INFO(PAGE_SLAB, 0) ||
	    READ_ONCE(page->owner) != HANDLE_LARGE)
		return MISUSE_FOREIGN;
	return (uintptr_t)object % PAGE_SIZE ? MISUSE_MISALIGNED : NR_MISUSES;
}

static enum mm_misuse free_large(const void *object, struct page *page)
{
	uint32_t word;
	enum mm_misuse kind = judge_large(object, page, &word);
	unsigned int order;

	if (kind != NR_MISUSES)
		return kind;
	/* Of two that free it at the same time one has it; the other must not write to what is free. */
	if (!__atomic_compare_exchange_n(&page->word, &word,
					 (word & ~PAGE_STATE_MASK) | PAGE_INFO(PAGE_FROZEN, 0),
					 false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return MISUSE_DOUBLE_FREE;
	order = page_order(page);
	page->raw = PAGE_INFO(PAGE_ALLOC, order) | PAGE_ONE_REF | (page->word & PAGE_CLASS_MASK);
	__free_pages(page, order);
	return NR_MISUSES;
}

#if FOR_SPEED
/* The bank that the address is in is where this CPU looks first from now on. Interrupts masked. */
static void note_bank(struct kmem_cpu *cpu, const void *object)
{
	const struct bank *bank = bank_of_pfn(PFN_DOWN(virt_to_phys(object)));

	if (cpu == &kmem_state.none)
		return;
	kmem_cpu_sync(cpu);
	cpu->start = (uintptr_t)phys_to_virt(PFN_PHYS(bank->start));
	cpu->bytes = (uintptr_t)bank->pages << PAGE_SHIFT;
	cpu->pages = (const struct page *)((uintptr_t)bank->page -
					   (cpu->start >> PAGE_SHIFT) * sizeof(struct page));
}

#endif

static int free_object(struct slab *slab, unsigned long n, const void *object, const void *caller)
{
	unsigned long flags = port_irq_save();
	int error = -EALREADY; /* an interrupt has freed it meanwhile */
	struct kmem_cache *cache = slab->cache;
	bool due = false;

	if (slab->state[n] == MM_OBJECT_IN_USE) {
		const struct object_slot slot = {(void *)(uintptr_t)object, &slab->state[n]};

		due = FOR_SPEED && put_past_limit(cache, slot.object, slot.state);
		error = due || put_object(cache, slot.object, slot.state)
				? 0
				: debug_free(cache, &slot, caller);
#if FOR_SPEED
		note_bank(port_pcpu()->kmem, object);
#endif
	}
	port_irq_restore(flags);
	if (!FOR_SPEED || due)
		slab_give_back(cache);
	return error;
}

int slab_free(const void *object, const struct kmem_cache *cache, const void *caller)
{
	enum mm_misuse kind = MISUSE_MISALIGNED;
	struct page *page;
	struct slab *slab;
	unsigned long n = 0;
	int error;

	if (ZERO_OR_NULL_PTR(object))
		return 0;
	slab = find_slab(object, &page);
	if (!slab) {
		kind = cache ? MISUSE_FOREIGN : free_large(object, page);
	} else if (object_number(slab, (uintptr_t)object - slab->base, &n)) {
		if (cache && slab->cache != cache)
			kind = MISUSE_CACHE;
		else if (slab->state[n] != MM_OBJECT_IN_USE || free_object(slab, n, object, caller))
			kind = MISUSE_DOUBLE_FREE;
		else
			return 0;
	}
	if (kind == NR_MISUSES)
		return 0;
	error = refuse_object(kind, object, caller);
	if (slab && SLAB_DEBUG(slab->cache))
		debug_refused(slab, (uintptr_t)object);
	return error;
}

#if FOR_SPEED
int kfree(const void *object)
{
	return free_hot(object, NULL, true);
}

int kmem_cache_free(struct kmem_cache *cache, void *object)
{
	return free_hot(object, cache, false);
}
#else
int kfree(const void *object)
{
	return slab_free(object, NULL, __builtin_return_address(0));
}

int kmem_cache_free(struct kmem_cache *cache, void *object)
{
	return slab_free(object, cache, __builtin_return_address(0));
}
#endif

size_t ksize(const void *object)
{
	struct page *page;
	struct slab *slab;
	unsigned long n;
	uint32_t word;

	if (ZERO_OR_NULL_PTR(object))
		return 0;
	slab = find_slab(object, &page);
	if (slab)
		return object_number(slab, (uintptr_t)object - slab->base, &n) &&
				       slab->state[n] == MM_OBJECT_IN_USE
			       ? (SLAB_DEBUG(slab->cache) ? debug_size(slab, n)
							  : slab->cache->hot.object_size)
			       : 0;
	return judge_large(object, page, &word) == NR_MISUSES ? PAGE_SIZE << page_order(page) : 0;
}
