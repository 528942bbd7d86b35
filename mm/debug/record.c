/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record.c: the sections that a recording makes of calls (quarry/record.h), and the rings their events
 * go to.
 *
 * A section begins before a call takes its first lock or masks interrupts, and ends after its last.
 * Sections of all CPUs exclude each other, by a lock that is taken outside all of a zone. A call that
 * waits, for another CPU or in a callback, pauses its section, so nobody waits for long while it has
 * the lock. Calls within a section are part of it: only the outermost has an event.
 *
 * A ring belongs to its CPU, which alone puts events into it and takes them out, with interrupts
 * masked. It is emptied before a section, when nothing is held.
 */
#include "../alloc/alloc.h"
#include "record_internal.h"

#if CONFIG_DEBUG_HOOKS

DEFINE_STATE(call_recorder);

struct spinlock *hook_record_lock(void)
{
	return &call_recorder.lock;
}

struct record_cpu *record_cpu(void)
{
	unsigned int cpu = port_pcpu()->cpu;

	return cpu < call_recorder.cpus ? &call_recorder.cpu[cpu] : NULL;
}

/* Is this CPU in a section? If so it is masked, and stays. */
static bool record_inside(void)
{
	unsigned long flags = port_irq_save();
	const struct record_cpu *cpu = record_cpu();
	bool inside = cpu && cpu->call;

	port_irq_restore(flags);
	return inside;
}

/* The lock is held. */
static void push(struct record_cpu *cpu, const struct mm_record_event *event)
{
	unsigned int number = port_pcpu()->cpu;
	struct mm_record_event *at =
		call_recorder.ring + (size_t)number * call_recorder.stride + cpu->used;
	uint32_t sequence = call_recorder.next++;

	if (cpu->used + (cpu->lost ? 2 : 1) > call_recorder.size) {
		cpu->lost++;
		return;
	}
	*at = *event;
	at->time = call_recorder.now ? call_recorder.now() : 0;
	at->sequence = sequence;
	at->cpu = (uint8_t)number;
	cpu->used++;
	if (!cpu->lost)
		return;
	/* before it, those that found no room */
	at[1] = *at;
	at[1].sequence = call_recorder.next++;
	at->type = MM_RECORD_LOST;
	at->value = cpu->lost;
	cpu->used++;
	cpu->lost = 0;
}

void record_flush(unsigned int number)
{
	const size_t at_once = MM_RECORD_MAX / sizeof(struct mm_record_event);
	const struct mm_record_event *ring =
		call_recorder.ring + (size_t)number * call_recorder.stride;
	struct record_cpu *cpu = &call_recorder.cpu[number];

	for (size_t i = 0; i < cpu->used; i += at_once) {
		size_t n = cpu->used - i < at_once ? cpu->used - i : at_once;

		call_recorder.emit(MM_RECORD_EVENTS, 0, &ring[i], n * sizeof(*ring));
	}
	cpu->used = 0;
}

static uint8_t context(void)
{
	return (uint8_t)((port_pcpu()->irq_depth ? MM_RECORD_IRQ : 0) |
			 (in_callback() ? MM_RECORD_CALLBACK : 0));
}

void record_check(void)
{
	struct mm_record_event event = {.type = MM_RECORD_CHECK,
					.value = call_recorder.hash(),
					.gfp = (uint32_t)zone_free_pages(&mm.zones[0]),
					.more = (uint32_t)zone_free_pages(&mm.zones[1])};

	push(record_cpu(), &event);
	call_recorder.checked = call_recorder.next;
}

struct record_call *record_enter(enum mm_record_type type, unsigned int order, uint32_t gfp,
				 uint64_t value)
{
	unsigned long flags = port_irq_save();
	struct record_cpu *cpu = record_cpu();
	struct record_call *call;

	if (!READ_ONCE(call_recorder.on) || !cpu || cpu->call) {
		port_irq_restore(flags);
		return NULL;
	}
	if (cpu->used > call_recorder.size / 2)
		record_flush(port_pcpu()->cpu);
	spin_lock(&call_recorder.lock);
	if (!call_recorder.on) { /* it has ended meanwhile */
		spin_unlock(&call_recorder.lock);
		port_irq_restore(flags);
		return NULL;
	}
	if (call_recorder.interval &&
	    call_recorder.next - call_recorder.checked >= call_recorder.interval)
		record_check();
	call = &cpu->calls[cpu->depth++];
	VM_BUG_ON(cpu->depth > RECORD_DEPTH);
	call->flags = flags;
	call->event = (struct mm_record_event){.time = call_recorder.now ? call_recorder.now() : 0,
					       .value = value,
					       .gfp = gfp,
					       .type = (uint8_t)type,
					       .order = (uint8_t)order,
					       .flags = context()};
	cpu->call = call;
	return call;
}

/* What the event's `more` says, with the time since record_enter(). */
static uint32_t took(const struct record_call *call, uint32_t more)
{
	uint64_t time = call_recorder.now() - call->event.time;
	unsigned int shift = call->event.type == MM_RECORD_FREE ? 2 : 0;

	if (call->event.type != MM_RECORD_ALLOC && call->event.type != MM_RECORD_FREE)
		return more;
	return more | (uint32_t)(time < UINT32_MAX >> shift ? time : UINT32_MAX >> shift) << shift;
}

void record_leave(struct record_call *call, uint64_t value, uint32_t more)
{
	struct record_cpu *cpu = record_cpu();
	unsigned long flags;

	if (call_recorder.now)
		more = took(call, more);
	if (call->event.flags & MM_RECORD_BEGINS)
		call->event.flags ^= MM_RECORD_BEGINS | MM_RECORD_ENDS;
	call->event.value = value;
	call->event.more = more;
	cpu->call = NULL;
	cpu->depth--;
	flags = call->flags; /* its place is another's from here on */
	if (call_recorder.on)
		push(cpu, &call->event);
	spin_unlock(&call_recorder.lock);
	port_irq_restore(flags);
}

/* The section that this CPU is in, if it is one of this type. */
static struct record_call *record_own(enum mm_record_type type)
{
	unsigned long flags = port_irq_save();
	struct record_cpu *cpu = record_cpu();
	struct record_call *call = cpu ? cpu->call : NULL;

	port_irq_restore(flags); /* in a section it is masked still */
	return call && call->event.type == type ? call : NULL;
}

void record_done(enum mm_record_type type, uint32_t more)
{
	struct record_call *call = record_own(type);

	if (call)
		record_leave(call, call->event.value, more);
}

void record_done_as(enum mm_record_type type, uint64_t value, uint32_t more)
{
	record_end(record_own(type), value, more);
}

void record_request(gfp_t gfp, unsigned int order, const void *site)
{
	struct record_call *call = record_enter(MM_RECORD_ALLOC, order, gfp, MM_RECORD_NONE);

	if (call)
		call->event.site = (uintptr_t)site;
}

void record_request_end(const struct page *page)
{
	record_done_as(MM_RECORD_ALLOC, page ? page_to_pfn(page) : MM_RECORD_NONE, 0);
}

bool record_pause(void)
{
	struct record_cpu *cpu;
	struct record_call *call;

	if (!record_inside())
		return false;
	cpu = record_cpu();
	call = cpu->call;
	if (call_recorder.on && !(call->event.flags & MM_RECORD_BEGINS)) {
		call->event.flags |= MM_RECORD_BEGINS;
		push(cpu, &call->event);
	}
	cpu->call = NULL;
	spin_unlock(&call_recorder.lock);
	port_irq_restore(call->flags);
	return false;
}

uint32_t record_resume(uint32_t more)
{
	struct mm_record_event event = {.type = MM_RECORD_RESUME, .more = more};
	unsigned long flags = port_irq_save();
	struct record_cpu *cpu = record_cpu();

	if (!cpu || !cpu->depth) { /* a recording that just begins or ends: it was in no section */
		port_irq_restore(flags);
		return more;
	}
	spin_lock(&call_recorder.lock);
	/* those that came meanwhile are over: the last one is its own */
	cpu->call = &cpu->calls[cpu->depth - 1];
	cpu->call->flags = flags;
	event.flags = context();
	if (call_recorder.on)
		push(cpu, &event);
	return more;
}

void record_note(enum mm_record_type type, unsigned int order, uint32_t gfp, uint32_t more)
{
	record_end(record_enter(type, order, gfp, 0), 0, more);
}

#endif
