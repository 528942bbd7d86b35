/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * weak.pml: memory that is not sequentially consistent, for models that include it.
 *
 * A word is the list of the values that were stored to it. A CPU that loads it gets any of them, but none older than it
 * knows of: so a store may be seen late, as from behind a store buffer, and loads may seem to run ahead of each other.
 * What a CPU knows (its view: of each word, the newest value it has seen) grows by its own loads and stores, and by
 * order: a release store carries the view of the CPU that stored, an acquire load that gets this value takes it over,
 * and all full fences stand in one line, each taking over what the one before it knew. A compare and swap, or an
 * exchange, gets the newest value and hands on what that carried. It is the view-based reading of C11's atomics without
 * loads that see stores of the future, which mm/ has no use for: each of its stores waits for a condition.
 *
 * The model defines WORDS and CPUS before it includes this, and STORES, the most values a word gets.
 */
#ifndef STORES
#define STORES 4
#endif
#define AT(word, n)	 ((word) * STORES + (n))
#define OF(cpu, word)	 ((cpu) * WORDS + (word))
#define CARRY(word, n, w) (AT(word, n) * WORDS + (w))

byte value[WORDS * STORES];
byte newest[WORDS];
byte view[CPUS * WORDS];
byte carried[WORDS * STORES * WORDS];
byte fenced[WORDS];

#define RELAXED 0
#define ACQUIRE 1
#define RELEASE 2
#define ACQ_REL 3

/* Within an atomic step; n is the value's number, i a spare byte. */
#define TAKE_OVER(cpu, word, n)                                                                                       \
	for (i : 0 .. WORDS - 1) {                                                                                    \
		if                                                                                                    \
		:: carried[CARRY(word, n, i)] > view[OF(cpu, i)] -> view[OF(cpu, i)] = carried[CARRY(word, n, i)]     \
		:: else                                                                                               \
		fi                                                                                                    \
	}

inline load(cpu, word, order, result)
{
	atomic {
		n = view[OF(cpu, word)];
		do
		:: n < newest[word] -> n = n + 1
		:: break
		od;
		result = value[AT(word, n)];
		view[OF(cpu, word)] = n;
		if
		:: (order) & ACQUIRE -> TAKE_OVER(cpu, word, n)
		:: else
		fi;
		n = 0;
		i = 0
	}
}

#define APPEND(cpu, word, order, what)                                                                                \
	assert(newest[word] < STORES - 1);                                                                            \
	newest[word] = newest[word] + 1;                                                                              \
	value[AT(word, newest[word])] = what;                                                                         \
	view[OF(cpu, word)] = newest[word];                                                                           \
	if                                                                                                            \
	:: (order) & RELEASE ->                                                                                       \
		for (i : 0 .. WORDS - 1) {                                                                            \
			carried[CARRY(word, newest[word], i)] = view[OF(cpu, i)]                                      \
		}                                                                                                     \
	:: else -> carried[CARRY(word, newest[word], word)] = newest[word]                                            \
	fi

inline store(cpu, word, order, what)
{
	atomic {
		APPEND(cpu, word, order, what);
		i = 0
	}
}

/* The newest value is `result`; it becomes `what` if `condition`, on result, holds. */
inline exchange_if(cpu, word, order, result, condition, what)
{
	atomic {
		result = value[AT(word, newest[word])];
		view[OF(cpu, word)] = newest[word];
		if
		:: (order) & ACQUIRE -> TAKE_OVER(cpu, word, newest[word])
		:: else
		fi;
		if
		:: condition ->
			APPEND(cpu, word, order, what);
			/* what the value before carried goes on with this one */
			for (i : 0 .. WORDS - 1) {
				if
				:: carried[CARRY(word, newest[word] - 1, i)] > carried[CARRY(word, newest[word], i)] ->
					carried[CARRY(word, newest[word], i)] = carried[CARRY(word, newest[word] - 1, i)]
				:: else
				fi
			}
		:: else
		fi;
		i = 0
	}
}

inline fence(cpu)
{
	atomic {
		for (i : 0 .. WORDS - 1) {
			if
			:: fenced[i] > view[OF(cpu, i)] -> view[OF(cpu, i)] = fenced[i]
			:: else -> fenced[i] = view[OF(cpu, i)]
			fi
		}
		i = 0
	}
}
