/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pcp.pml: per-CPU page caches, the zone's lock (its line is in spinlock.pml) and the remote drain, as mm/mm_inline.h and
 * mm/pcp/remote.c have them, on CPUS processors that allocate, free and ask each other for what lies in their caches.
 *
 * An interrupt is a piece of the CPU's own process that may run at the points INTERRUPT() marks, when one is
 * pending and not masked. Every access to what another CPU or an interrupt may see is a step of its own. Memory is
 * sequentially consistent here: which barrier makes it so is argued beside each atomic in mm/. A request is served whole;
 * pieces.pml has its pieces.
 *
 * Checked: no page has two owners; when everybody has given all back the zone has every page; when a drain
 * returns, each page that lay in a cache when it was asked for has left it; nobody waits for ever.
 *
 * One of these takes a safeguard away, and must be found out: NO_MASK (caches are touched with interrupts enabled),
 * EARLY_ACK (a drain is acknowledged before it is done), NO_LOCK (the zone is not locked), NO_SERVE (who
 * waits for its turn to ask, interrupts masked, does not serve others meanwhile).
 */
#ifndef CPUS
#define CPUS 3
#endif
#define PAGES 2
#ifndef STEPS
#define STEPS 2 /* allocations and drains of each CPU, but the last: one */
#endif
#define MY_STEPS(me) (me == CPUS - 1 -> 1 : STEPS)
#ifndef DRAINS
#define DRAINS 2 /* of them drains, all CPUs together */
#endif
#define NONE PAGES

/* the zone */
bool locked;
bool zone_has[PAGES];

/* the caches: stacks of pages */
byte top[CPUS];
byte slot[CPUS * PAGES];

/* the request */
bool busy;
byte sequence, range; /* range: one page, or NONE: all */
byte acknowledged[CPUS];
bool pending[CPUS], masked[CPUS];

/* what is only here to be checked */
byte holder[PAGES];   /* CPU + 1 that uses the page; 0: nobody */
byte cached_by[PAGES]; /* CPU + 1 whose cache it is in */
bool asked_for[PAGES]; /* lay in a cache when the running request was posted */
byte drains, finished;

/* Where an interrupt between two accesses to the CPU's own cache would do harm. Masked, it is no step at all. */
#ifdef NO_MASK
#define MASKED
#define WINDOW(me) INTERRUPT(me)
#else
#define MASKED     atomic
#define WINDOW(me)
#endif

#ifdef NO_LOCK
#define LOCK(me) skip
#define UNLOCK skip
#else
#define LOCK(me) atomic { !locked -> locked = true }
#define UNLOCK   locked = false
#endif

/* A page leaves a cache. */
inline leave(me, page)
{
	assert(cached_by[page] == me + 1);
	cached_by[page] = 0;
	asked_for[page] = false
}

inline put(page)
{
	assert(!zone_has[page] && holder[page] == 0 && cached_by[page] == 0);
	zone_has[page] = true
}

/* With the zone's lock: the page at `depth` of the cache goes to the zone. The order in a cache is of no account. */
inline give_back(me, depth)
{
	LOCK(me);
	atomic {
		out[me] = slot[me * PAGES + depth];
		top[me] = top[me] - 1;
		slot[me * PAGES + depth] = slot[me * PAGES + top[me]];
		slot[me * PAGES + top[me]] = 0;
		leave(me, out[me]);
		put(out[me]);
		out[me] = 0;
		UNLOCK
	}
}

#define IN_RANGE(me) (range == NONE || slot[me * PAGES + at[me]] == range)

/* mm_ipi(): give back what lies in the cache, of the range asked for, then say so. */
inline mm_ipi(me)
{
	seen[me] = sequence;
	if
	:: acknowledged[me] != seen[me] ->
#ifdef EARLY_ACK
		acknowledged[me] = seen[me];
#endif
		do
		:: at[me] < top[me] && IN_RANGE(me) -> give_back(me, at[me])
		:: at[me] < top[me] && !IN_RANGE(me) -> at[me] = at[me] + 1
		:: at[me] >= top[me] -> break
		od;
		atomic {
			at[me] = 0;
#ifndef EARLY_ACK
			acknowledged[me] = seen[me];
#endif
			seen[me] = 0
		}
	:: else -> seen[me] = 0
	fi
}
byte seen[CPUS], at[CPUS], out[CPUS];

/* The handler masks interrupts, as the hardware does; one that is pending may also come later. */
#define INTERRUPT(me)                                                      \
	if                                                                 \
	:: atomic { pending[me] && !masked[me] -> pending[me] = false; masked[me] = true }; \
		mm_ipi(me);                                                \
		masked[me] = false                                         \
	:: true                                                            \
	fi

/* From the cache, else from the zone: read in one step and written in another, as its lists are. */
inline alloc(me, page)
{
	if
	:: MASKED {
		top[me] > 0 ->
		depth = top[me];
		page = slot[me * PAGES + depth - 1];
		WINDOW(me);
		top[me] = depth - 1;
		slot[me * PAGES + depth - 1] = 0;
		depth = 0;
		leave(me, page)
	   }
	:: atomic { top[me] == 0 -> masked[me] = true };
		LOCK(me);
		if
		:: zone_has[0] -> page = 0
		:: zone_has[1] -> page = 1
		:: else -> page = NONE
		fi;
		atomic {
			if
			:: page != NONE -> zone_has[page] = false
			:: else
			fi;
			UNLOCK;
			masked[me] = false
		}
	fi;
	if
	:: atomic {
		page != NONE ->
		assert(holder[page] == 0 && cached_by[page] == 0 && !zone_has[page]);
		holder[page] = me + 1
	   }
	:: else
	fi
}

inline free(me, page)
{
	MASKED {
		assert(holder[page] == me + 1);
		holder[page] = 0;
		depth = top[me];
		WINDOW(me);
		assert(depth < PAGES);
		slot[me * PAGES + depth] = page;
		cached_by[page] = me + 1;
		top[me] = depth + 1;
		page = NONE;
		depth = 0
	}
}

/*
 * remote_give_back(): which pages are asked for is any one, or all. The caller may have masked interrupts. This CPU serves the request as
 * the others do; those that have not by then are kicked.
 */
inline post(me)
{
	if
	:: masked[me] = true
	:: true
	fi;
	do
	:: atomic { !busy -> busy = true }; break
#ifndef NO_SERVE
	:: busy && acknowledged[me] != sequence ->
		mm_ipi(me)
#endif
	:: busy && pending[me] && !masked[me] ->
		INTERRUPT(me)
	od;
	if
	:: range = NONE
	:: range = 0
	fi;
	atomic {
		sequence = sequence + 1;
		page_i = 0;
		do
		:: page_i < PAGES ->
			asked_for[page_i] = cached_by[page_i] != 0 && (range == NONE || range == page_i);
			page_i = page_i + 1
		:: else -> break
		od;
		page_i = 0
	};
	mm_ipi(me);
	atomic {
		do
		:: cpu_i < CPUS ->
			pending[cpu_i] = pending[cpu_i] || acknowledged[cpu_i] != sequence;
			cpu_i = cpu_i + 1
		:: else -> break
		od;
		cpu_i = 0
	};
	do
	:: atomic { cpu_i < CPUS && acknowledged[cpu_i] == sequence -> cpu_i = cpu_i + 1 }
	:: atomic { cpu_i == CPUS -> cpu_i = 0 }; break
	od;
	atomic {
		do
		:: page_i < PAGES -> assert(!asked_for[page_i]); page_i = page_i + 1
		:: else -> break
		od;
		page_i = 0;
		range = 0;
		busy = false;
		masked[me] = false
	}
}

proctype cpu(byte me)
{
	byte page = NONE, depth, steps, cpu_i, page_i;

	do
	:: steps < MY_STEPS(me) && page == NONE ->
		alloc(me, page);
		steps = steps + 1
	:: page != NONE ->
		free(me, page)
	:: atomic { steps < MY_STEPS(me) && drains < DRAINS -> drains = drains + 1 };
		post(me);
		steps = steps + 1
	:: pending[me] ->
		INTERRUPT(me)
	:: steps == MY_STEPS(me) && page == NONE -> break
	od;
	/* mm_cpu_idle(): as if asked for all */
	masked[me] = true;
	do
	:: top[me] > 0 -> give_back(me, 0)
	:: else -> break
	od;
	atomic { masked[me] = false; finished = finished + 1 };
	/* idle: interrupts are served for ever */
end:	do
	:: pending[me] -> INTERRUPT(me)
	od
}

init
{
	byte i;

	atomic {
		do
		:: i < PAGES -> zone_has[i] = true; i = i + 1
		:: else -> break
		od;
		i = 0;
		do
		:: i < CPUS -> run cpu(i); i = i + 1
		:: else -> break
		od
	};
	finished == CPUS;
	i = 0;
	do
	:: i < PAGES -> assert(zone_has[i]); i = i + 1
	:: else -> break
	od
}
