/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pieces.pml: how a request for what is cached is served in pieces (remote_give_back(), mm_ipi() of mm/pcp/remote.c). What an
 * interrupt does is a piece, a look at one page; when it is done the poster kicks the CPU again, until it has acknowledged.
 * A thread serves all pieces, interrupts let in between. Between two pieces the CPU allocates, frees and posts itself.
 *
 * Each access to what another CPU sees is a step of its own, in memory that is sequentially consistent: a kick orders what was
 * written before it. A cache is touched with interrupts masked and the zone with its lock held, which is one step here; pcp.pml
 * has what happens otherwise, with requests that are served whole.
 *
 * Checked: when a drain returns, each page that lay in a cache when it was asked for has left it; nobody waits for ever.
 *
 * One of these takes a safeguard away, and must be found out: EARLY_ACK (the first piece acknowledges), NO_AGAIN (a CPU is
 * kicked once, not for each piece), LATE_SET (that a kick is on its way is said after the kick), OLD_PLACE (a request begins where the
 * last one ended).
 */
#define CPUS  3
#define PAGES 2
#define NONE  PAGES
#define STEPS(me) (me < CPUS - 1) /* allocations and drains of each CPU; the last one only serves */
#define DRAINS 2 /* of them drains, all CPUs together */

bool zone_has[PAGES];

/* the caches: stacks of pages; and the CPU's place, pages not looked at yet */
byte top[CPUS], slot[CPUS * PAGES], left[CPUS];

/* the request */
bool busy;
byte sequence, range; /* range: one page, or NONE: all */
byte acknowledged[CPUS];
bool kicked[CPUS]; /* a kick is on its way */
bool pending[CPUS], masked[CPUS];

/* what is only here to be checked */
bool asked_for[PAGES]; /* lay in a cache when the running request was posted */
byte drains, finished;

byte seen[CPUS], done[CPUS];
#define AT(me, depth) slot[me * PAGES + (depth)]

/* Within a step: the newest page takes the slot of one that goes to the zone. */
inline give_back(me, depth)
{
	zone_has[AT(me, depth)] = true;
	asked_for[AT(me, depth)] = false;
	top[me] = top[me] - 1;
	AT(me, depth) = AT(me, top[me]);
	AT(me, top[me]) = 0
}

#ifdef NO_AGAIN
#define CLEAR(me) seen[me] = 0
#else
#define CLEAR(me) atomic { kicked[me] = false; seen[me] = 0 }
#endif

/* serve(): a piece of what is asked for; the last finds nothing left, and says so. Interrupts are masked. */
inline piece(me)
{
	seen[me] = sequence;
	if
	:: acknowledged[me] != seen[me] ->
		atomic { /* others see of it what is in the zone, which has a lock */
			left[me] = (left[me] > top[me] -> top[me] : left[me]);
			done[me] = left[me] == 0;
			if
			:: left[me] > 0 && (range == NONE || AT(me, left[me] - 1) == range) -> give_back(me, left[me] - 1)
			:: else
			fi;
			left[me] = (left[me] > 0 -> left[me] - 1 : 0)
		};
#ifdef EARLY_ACK
		done[me] = true;
#endif
		if
		:: !done[me]
		:: else ->
			atomic {
#ifndef OLD_PLACE
				left[me] = PAGES;
#endif
				acknowledged[me] = seen[me];
				done[me] = 0
			}
		fi
	:: else
	fi;
	CLEAR(me)
}

#define INTERRUPT(me)                                                      \
	if                                                                 \
	:: atomic { pending[me] && !masked[me] -> pending[me] = false };   \
		piece(me)                                                  \
	:: true                                                            \
	fi

/* mm_ipi() of a thread */
inline serve_all(me)
{
	do
	:: acknowledged[me] != sequence ->
		piece(me);
		INTERRUPT(me)
	:: acknowledged[me] == sequence -> break
	od
}

/* Of a CPU that has not acknowledged: the word first, then the kick. */
#ifdef LATE_SET
#define KICK(cpu)            \
	pending[cpu] = true; \
	kicked[cpu] = true
#else
#define KICK(cpu)            \
	kicked[cpu] = true;  \
	pending[cpu] = true
#endif
#define WAITS(cpu) acknowledged[cpu] != sequence && !kicked[cpu]

/* remote_give_back(); the caller may have masked interrupts */
inline post(me)
{
	if
	:: masked[me] = true
	:: true
	fi;
	do
	:: atomic { !busy -> busy = true }; break
	:: busy && acknowledged[me] != sequence -> serve_all(me)
	:: busy && pending[me] && !masked[me] -> INTERRUPT(me)
	od;
	atomic {
		if
		:: range = NONE
		:: range = 0
		fi;
		sequence = sequence + 1;
		for (i : 0 .. CPUS * PAGES - 1) {
			if
			:: i % PAGES < top[i / PAGES] && (range == NONE || range == slot[i]) -> asked_for[slot[i]] = true
			:: else
			fi
		}
		i = 0
	};
	serve_all(me);
	do
	:: atomic { i < CPUS && acknowledged[i] == sequence -> i = i + 1 }
	:: WAITS(0) -> KICK(0)
	:: WAITS(1) -> KICK(1)
	:: WAITS(2) -> KICK(2)
	:: atomic { i == CPUS -> i = 0 }; break
	od;
	atomic {
		for (i : 0 .. PAGES - 1) {
			assert(!asked_for[i])
		}
		i = 0;
		range = 0;
		busy = false;
		masked[me] = false
	}
}

proctype one(byte me)
{
	byte page = NONE, steps, i;

	left[me] = PAGES;
	do
	:: atomic {
		steps < STEPS(me) && page == NONE ->
		if
		:: top[me] > 0 ->
			top[me] = top[me] - 1;
			page = AT(me, top[me]);
			AT(me, top[me]) = 0;
			asked_for[page] = false
		:: top[me] == 0 && zone_has[0] -> zone_has[0] = false; page = 0
		:: top[me] == 0 && zone_has[1] -> zone_has[1] = false; page = 1
		:: else
		fi;
		steps = steps + 1
	   }
	:: atomic {
		page != NONE ->
		AT(me, top[me]) = page;
		top[me] = top[me] + 1;
		page = NONE
	   }
	:: atomic { steps < STEPS(me) && drains < DRAINS -> drains = drains + 1 };
		post(me);
		steps = steps + 1
	:: pending[me] -> INTERRUPT(me)
	:: steps == STEPS(me) && page == NONE -> break
	od;
	finished = finished + 1;
	/* idle: interrupts are served for ever */
end:	do
	:: pending[me] -> INTERRUPT(me)
	od
}

init
{
	byte i, cpu;

	atomic {
		for (i : 0 .. PAGES - 1) { /* which lies where: any */
			if
			:: cpu = 1
			:: cpu = 2
			:: cpu = CPUS
			fi;
			if
			:: cpu == CPUS -> zone_has[i] = true
			:: else ->
				AT(cpu, top[cpu]) = i;
				top[cpu] = top[cpu] + 1
			fi
		}
		i = 0;
		cpu = 0;
		do
		:: i < CPUS -> run one(i); i = i + 1
		:: else -> break
		od
	};
	finished == CPUS
}
