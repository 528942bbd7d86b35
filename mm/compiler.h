/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compiler.h: what the files of mm/ tell the compiler: the functions of C that there are, speed or
 * size, and accesses without a lock that are meant.
 */
#ifndef QUARRY_MM_COMPILER_H
#define QUARRY_MM_COMPILER_H

#include <stddef.h>
#include <stdint.h>

#include <quarry/instance.h>

/*
 * All that mm/ needs of a C library, but for what prints and parses in debug/. Compilers need them
 * too, of any host (C11 4p6 grants a freestanding program no <string.h>).
 */
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *one, const void *other, size_t size);

/*
 * The state of mm/, of which there is one for each allocator. A header declares `extern struct state
 * name` where there is one allocator, else name_of_instance[], and makes `name` the chosen one's.
 */
#if QUARRY_INSTANCES == 1
#define DEFINE_STATE(name) __typeof__(name) name
#else
#define DEFINE_STATE(name) __typeof__(name) name##_of_instance[QUARRY_INSTANCES]
#endif

#ifndef static_assert
#define static_assert _Static_assert
#endif

/*
 * A function that reads, without a lock, what others write plainly: a zone's counts, which change
 * with its lock held, descriptors and caches of another CPU. Each is an aligned word that is read
 * once (READ_ONCE()), so what is read was there at some moment. docs/smp.md lists these functions
 * and says why that is enough. The thread sanitizer is told so here, and nowhere else.
 */
#define RACY __attribute__((no_sanitize_thread))

/*
 * One access to a word that others read or write without a common lock: whole, once, and ordered
 * with nothing else. Stores are volatile, as gcc 12 makes a relaxed atomic store an amoswap on
 * RISC-V; to the thread sanitizer they are what they stand for.
 */
#if UINTPTR_MAX == UINT32_MAX
/* Of 64 bits the halves are read one by one: counts of pages have one, others are figures. */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#else
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#endif
#ifdef __SANITIZE_THREAD__
#define WRITE_ONCE(x, value) __atomic_store_n(&(x), value, __ATOMIC_RELAXED)
#else
#define WRITE_ONCE(x, value) (void)(*(volatile __typeof__(x) *)&(x) = (value))
#endif

/*
 * Speed or size: gcc is told by -O2 or -Os. Short loops that every page goes through are unrolled
 * for speed, and kept from it for size; FOR_SPEED picks the faster of two ways.
 */
#define PRAGMA(text) _Pragma(#text)
#ifdef __OPTIMIZE_SIZE__
#define UNROLL(n) PRAGMA(GCC unroll 1)
#define FOR_SPEED 0
#else
#define UNROLL(n) PRAGMA(GCC unroll n)
#define FOR_SPEED 1
#endif

/*
 * Copies where speed counts, one function where size does: small ones that are used in many places,
 * and some whose registers would make their only caller larger. Those in headers are instantiated
 * by an `extern` declaration in the file that owns them. So all of mm/ is compiled alike: -Os for
 * some of its files only does not link.
 */
#ifdef __OPTIMIZE_SIZE__
#define MM_SHARED_INLINE inline /* header: C99 inline, external copy elsewhere */
#define MM_OUTLINE	 static __attribute__((noinline)) /* within one file */
#define MM_APART	 static inline
#else
#define MM_OUTLINE	 static inline
#define MM_APART	 static __attribute__((noinline)) /* its registers would slow the caller down */
#define MM_SHARED_INLINE static inline
#endif

/*
 * Adds to a figure, which orders nothing; any context, any CPU. Machines of 32 bits have no atomic
 * addition of 64: the carry follows, and until then the figure is too small.
 */
static inline __attribute__((always_inline)) void count_events(uint64_t *counter, uint64_t n)
{
#if UINTPTR_MAX == UINT32_MAX
	uint32_t __attribute__((may_alias)) *half = (void *)counter;
	uint32_t low = (uint32_t)n, high = (uint32_t)(n >> 32);

	high += __atomic_add_fetch(&half[0], low, __ATOMIC_RELAXED) < low;
	if (high)
		__atomic_fetch_add(&half[1], high, __ATOMIC_RELAXED);
#else
	__atomic_fetch_add(counter, n, __ATOMIC_RELAXED);
#endif
}

/* Counts an event; any context, any CPU. */
static inline __attribute__((always_inline)) void count_event(uint64_t *counter)
{
	count_events(counter, 1);
}

#endif
