/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * record.h: every call that changes the allocator's state, recorded with what is needed to repeat it
 * elsewhere: first the state itself, then the calls in the order in which they changed it.
 *
 * While a recording runs, what a call changes is changed by one CPU at a time, with interrupts masked
 * (docs/replay.md has the price). Calls are numbered there, so that the numbers are the order, on
 * however many CPUs. Where a call waits for others it lets them in: it has an event where it begins
 * (MM_RECORD_BEGINS), one where it goes on (MM_RECORD_RESUME), and its own at its end.
 */
#ifndef QUARRY_RECORD_H
#define QUARRY_RECORD_H

#include <quarry/cdefs.h>
#include <quarry/types.h>

MM_BEGIN_DECLS

#define MM_HOOK_RECORD 64U /* mm_hooks(): a recording runs */

enum mm_record_type {
	MM_RECORD_ALLOC, /* order, gfp; value: the frame, MM_RECORD_NONE if refused; more: how long it took, in units of now() */
	MM_RECORD_FREE, /* order; value: the frame; gfp: its descriptor's first word; more: what became of it, and above 2 bits how long it took */
	MM_RECORD_CUT,	/* order; value: the frame; more: of these pages so many are kept */
	MM_RECORD_SERVE, /* the CPU gives back cached blocks that another asked for */
	MM_RECORD_DRAIN, /* drain_all_pages(); order: 1 drain_some_pages(); value: pages */
	MM_RECORD_GIVE_BACK, /* all CPUs give back cached blocks; value: from an index << 32 to another */
	MM_RECORD_IDLE,	     /* mm_cpu_idle() */
	MM_RECORD_PCP_HIGH,  /* mm_set_pcp_high(value) */
	MM_RECORD_SYSCTL,    /* value; order: enum mm_record_sysctl, and the zone above it */
	MM_RECORD_CALLBACKS, /* more: MM_RECORD_HAS_*, what there is of them from now on */
	MM_RECORD_RESUME, /* the CPU's last call that waited goes on; more: what callbacks freed */
	/* Steps of what moves blocks, and of ranges, each under the zone's lock. */
	MM_RECORD_TAKE_AT, /* of one pageblock; order; value: its number << 32 | a block, or so many pages; gfp: its descriptor's first word; more: these are pages */
	MM_RECORD_MOVED, /* order; value: the frame; gfp: its descriptor's first word; more: where it is now, by index */
	MM_RECORD_LEFT, /* single pages that have moved become free; value: how many */
	MM_RECORD_GIVE, /* a block that nobody knows of becomes free; order; value: the frame */
	MM_RECORD_DROP, /* the CPU gives back its cached blocks; value: from an index << 32 to another */
	MM_RECORD_ISOLATE, /* value: a pageblock; order: 0 it is not any more; more: it was possible */
	MM_RECORD_OPEN,	   /* the next untouched section; value: the zone; more: there was one */
	MM_RECORD_TAKE_RANGE, /* value: from an index << 32 to another; a part of a range in each section */
	MM_RECORD_RETURN_RANGE,
	MM_RECORD_TAKE_BETWEEN, /* site: from an index << 32 to another; order; value: pageblock << 32 | block; gfp: its word; more: pages | type << 24 | HIGHATOMIC << 31; type ISOLATE: outside of these */
	MM_RECORD_CHECK,	/* value: mm_record_hash(); gfp, more: the zones' free pages */
	MM_RECORD_INJECTED, /* a request that fault injection refuses: order, gfp. Nothing changes */
	MM_RECORD_REFUSE, /* a free that is refused: order; gfp: the frame; more: enum mm_misuse. Nothing changes */
	MM_RECORD_LOST, /* value: events of this CPU that found no room, before this one */
	MM_RECORD_OTHER, /* what cannot be repeated has changed the state; more: enum mm_record_other */
	MM_RECORD_BAD, /* mm_page_set_bad(); value: the frame; gfp: its descriptor's first word before; more: it was possible */
	NR_MM_RECORDS,
};

enum mm_record_sysctl {
	MM_RECORD_MIN_FREE_KBYTES,
	MM_RECORD_WATERMARK_SCALE_FACTOR,
	MM_RECORD_LOWMEM_RESERVE_RATIO, /* + the zone */
};

enum mm_record_other {
	MM_RECORD_FREE_LATE, /* memblock_free_late() */
	MM_RECORD_HOTPLUG,   /* online_pages(), offline_pages() */
	MM_RECORD_CPU,	     /* a CPU comes or goes */
};

#define MM_RECORD_HAS_SHRINKERS 1U
#define MM_RECORD_HAS_MOVABLE	2U

#define MM_RECORD_NONE		((uint64_t)-1)

/* Bits of an event's flags. */
#define MM_RECORD_BEGINS   1U /* a call that will wait: this is its beginning */
#define MM_RECORD_ENDS	   2U /* the same call, at its end */
#define MM_RECORD_IRQ	   4U /* in an interrupt */
#define MM_RECORD_CALLBACK 8U /* in a shrinker or a notifier */

struct mm_record_event {
	uint64_t time;	   /* of mm_recording.now(), in its units: .hz of them are a second */
	uint64_t site;	   /* the caller's address, 0 where it is not known */
	uint64_t value;	   /* mostly a frame */
	uint32_t sequence; /* from 0, of all CPUs; gaps are lost events */
	uint32_t gfp, more;
	uint8_t type, order, cpu, flags;
};
QUARRY_STATIC_ASSERT(sizeof(struct mm_record_event) == 40, "as a file has it");

/* What emit() is given. */
enum mm_record_part {
	MM_RECORD_BOARD = 1, /* struct mm_record_board, the first */
	MM_RECORD_STATE, /* part of the state; arg: enum mm_record_state << 56 | CPU << 48 | offset */
	MM_RECORD_EVENTS, /* struct mm_record_event, one or more of one CPU */
	MM_RECORD_END,	  /* the last; arg: events in all, lost ones too */
};

enum mm_record_state {
	MM_RECORD_MM, /* struct mm */
	MM_RECORD_BANKS,
	MM_RECORD_SPANS,
	MM_RECORD_TRUST,
	MM_RECORD_PAGEBLOCKS,
	MM_RECORD_MAP,
	MM_RECORD_MAP_ORDER,
	MM_RECORD_MEMMAP,
	MM_RECORD_CACHES, /* a CPU's struct per_cpu_pages[] */
	MM_RECORD_SLOTS,  /* and what lies in them, by index: offset: cache << 16 | slot */
};

struct mm_record_board {
	uint32_t version, pointer, page_shift, max_page_order, group_shift, nr_cpus;
	uint32_t mm_size, page_size, pageblock_size, span_size, bank_size, cache_size, for_speed;
	uint32_t boot_cpu;
	uint64_t mm_address, memmap_address;
	uint64_t image, hz; /* of struct mm_recording */
	uint64_t callbacks; /* MM_RECORD_HAS_* */
};
#define MM_RECORD_VERSION 3

struct mm_recording {
	struct mm_record_event *ring; /* one for each of `cpus` CPUs, `size` events each */
	unsigned int cpus, size;
	unsigned int
		interval; /* events from one check to the next; 0: none but the first and last */
	/* Up to MM_RECORD_MAX bytes. Context: any; interrupts masked; several CPUs at once. */
	void (*emit)(enum mm_record_part part, uint64_t arg, const void *data, size_t size);
	uint64_t (*now)(void); /* NULL: 0 */
	uint64_t hz;	       /* of now() */
	const void *image;     /* call sites are shown relative to this; NULL: as they are */
};
#define MM_RECORD_MAX 240

/*
 * mm_record_start(), mm_record_stop() - emit the state and record what changes it from now on; emit
 * what is left of the rings, and end. The recording is the caller's until it has ended.
 *
 * Context: thread, other CPUs idle.
 * Bound:   linear in the memory ever cut, and what emit() takes.
 * Return:  0; -EBUSY one runs; -EINVAL its figures; -ENOSYS CONFIG_DEBUG_HOOKS is 0.
 */
int mm_record_start(const struct mm_recording *recording);
int mm_record_stop(void);

/*
 * mm_record_hash() - as mm_state_hash(), without the slab caches' objects, and without what holders
 * do with the descriptors of blocks that they have: references, owners, states.
 *
 * Context: thread, nothing else running.
 * Bound:   linear in the memory ever cut.
 * Return:  the hash.
 */
uint64_t mm_record_hash(void);

MM_END_DECLS

#endif
