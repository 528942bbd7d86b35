/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spinlock.pml: the lock and its line, as mm/spinlock.h and mm/spinlock.c have them, taken STEPS times by each of CPUS
 * processors.
 *
 * Any CPU may stop at any step for as long as others go on, so a place in line is lost whenever the code allows it; up
 * to LOST times, as a line that nobody lost a place in has tickets without end. What a CPU has read may be old when it
 * acts on it. Memory is sequentially consistent here: which barrier makes it so is argued beside each atomic in mm/.
 *
 * Checked: one CPU at a time has the lock; no CPU that came after another had drawn its ticket takes the lock before
 * it, unless the other has lost its place; nobody waits for ever; at the end nobody is in line.
 *
 * One of these takes a safeguard away, and must be found out: NO_LINE (who comes does not look whether others wait),
 * NO_EXCHANGE (the first in line takes a lock that it saw free), NO_REDRAW (who lost its place waits on for its turn),
 * BLIND_TURN (the one that took the lock sets the turn, whoever may have set it since), BLIND_PASS (so does one that
 * passes over another).
 */
#ifndef CPUS
#define CPUS 3
#endif
#ifndef STEPS
#define STEPS 2
#endif
#ifndef LOST
#define LOST 3
#endif

/* the lock */
bool locked;
byte next, head;

/* what is only here to be checked */
bool inside;
bool waits[CPUS];	   /* in line, its place not lost */
byte ticket[CPUS];
bool before[CPUS * CPUS]; /* [x * CPUS + w]: w was in line when x came */
byte lost, finished;

/* A CPU comes: who is in line already? */
inline come(me)
{
	i = 0;
	do
	:: i < CPUS -> before[me * CPUS + i] = waits[i]; i = i + 1
	:: else -> break
	od;
	i = 0
}

/* A CPU is in line no more: nobody needs to let it go first. */
inline leave(who)
{
	waits[who] = false;
	j = 0;
	do
	:: j < CPUS -> before[j * CPUS + who] = false; j = j + 1
	:: else -> break
	od;
	j = 0
}

/* The CPU has the lock. */
inline taken(me)
{
	leave(me);
	i = 0;
	do
	:: i < CPUS -> assert(!before[me * CPUS + i]); i = i + 1
	:: else -> break
	od;
	i = 0
}

#define DRAW(me) ticket[me] = next; next = next + 1; waits[me] = true

#ifdef NO_LINE
#define EMPTY true
#else
#define EMPTY (n == h)
#endif

inline exchange(me)
{
	atomic {
		got = !locked;
		locked = true;
		if
		:: got -> taken(me)
		:: else
		fi
	}
}

/* Whoever has the ticket `n` has lost its place. */
inline pass_over()
{
	atomic {
		if
#ifdef BLIND_PASS
		:: true ->
#else
		:: head == n ->
#endif
			head = n + 1;
			lost = lost + 1;
			i = 0;
			do
			:: i < CPUS && waits[i] && ticket[i] == n -> leave(i); i = i + 1
			:: i < CPUS && !(waits[i] && ticket[i] == n) -> i = i + 1
			:: i == CPUS -> break
			od;
			i = 0
#ifndef BLIND_PASS
		:: else
#endif
		fi;
		n = 0
	}
}

inline wait_in_line(me)
{
	atomic { DRAW(me) };
	do
#ifndef NO_REDRAW
	:: atomic { head > ticket[me] -> DRAW(me) }
#endif
	:: atomic { !locked && head == ticket[me] };
#ifdef NO_EXCHANGE
		atomic { locked = true; taken(me) };
		break
#else
		exchange(me);
		if
		:: got -> break
		:: else
		fi
#endif
	:: atomic { !locked && head < ticket[me] && lost < LOST -> n = head };
		pass_over()
	od;
	atomic {
		if
#ifdef BLIND_TURN
		:: true -> head = ticket[me] + 1
#else
		:: head == ticket[me] -> head = head + 1
		:: else
#endif
		fi;
		ticket[me] = 0;
		got = true
	}
}

proctype cpu(byte me)
{
	byte n, h, i, j, steps;
	bool got;

	do
	:: steps < STEPS ->
		atomic { come(me); n = next };
		h = head;
		if
		:: EMPTY -> n = 0; h = 0; exchange(me)
		:: else -> n = 0; h = 0; got = false
		fi;
		if
		:: !got -> wait_in_line(me)
		:: else
		fi;
		atomic { assert(!inside); inside = true };
		inside = false;
		atomic { locked = false; got = false; steps = steps + 1 }
	:: else -> break
	od;
	finished = finished + 1
}

init
{
	byte i;

	atomic {
		do
		:: i < CPUS -> run cpu(i); i = i + 1
		:: else -> break
		od
	};
	finished == CPUS;
	assert(!locked && next == head)
}
