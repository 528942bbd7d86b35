/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * place.c: does the image run from RAM, and if not, to which RAM must it go? See place.h.
 *
 * libfdt needs a stack, and RAM must be known to have one, so this reads the structure block
 * itself. It is one leaf function that keeps all it knows in registers; the build fails if the
 * compiler would use the stack (mk/flash.mk has its flags).
 *
 * Candidates are multiples of 2 MiB, looked at 64 in a pass over the tree, a bit each: a region of
 * memory allows a run of them, a reservation forbids one.
 */
#include "boot/place.h"

#include <quarry/config.h>

#include "boot/place_walk.h"

#define STEP   ((phys_addr_t)2 << 20) /* of load addresses */
#define OFFSET ((phys_addr_t)2 << 20) /* from the start of a bank */
#define WINDOW (64 * STEP)
#define LIMIT  ((phys_addr_t)1 << CONFIG_PHYS_BITS)

/* ---- candidates ------------------------------------------------------------------------------ */

/* What a pass over the tree is to find out. */
enum purpose {
	STAYS,	/* does all of the image lie in memory? `next` is the end of the part that does */
	MEMORY, /* which candidates of the window are in memory, and which are taken */
	USABLE, /* which may be used, if linux,usable-memory-range says */
};

struct pass {
	phys_addr_t window;  /* the first of 64 candidates */
	uint64_t candidates; /* that are in memory, or may be used */
	phys_addr_t next;    /* the first of these behind the window */
	uint64_t others;     /* candidates that are taken; for USABLE, what MEMORY left of them */
	phys_addr_t
		bound; /* behind the window all are taken up to here; for USABLE, `next` of MEMORY */
	uint64_t state; /* see below */
};

/*
 * The image, in a register that C does not use: pages, the size in the low IMAGE_SHIFT bits, the
 * address above.
 */
#define IMAGE_SHIFT 24

#if defined(__riscv)
#define PUT_ASIDE(value) __asm__ volatile("csrw sscratch, %0" ::"r"(value))
#define GET_BACK(value)	 __asm__ volatile("csrr %0, sscratch" : "=r"(value))
#elif defined(__aarch64__)
#define PUT_ASIDE(value) __asm__ volatile("msr tpidr_el1, %0" ::"r"(value))
#define GET_BACK(value)	 __asm__ volatile("mrs %0, tpidr_el1" : "=r"(value))
#else
static uint64_t aside;
#define PUT_ASIDE(value) ((void)(aside = (value)))
#define GET_BACK(value)	 ((void)((value) = aside))
#endif

INLINE void keep_image(phys_addr_t image, phys_addr_t size)
{
	uint64_t value = image >> PAGE_SHIFT << IMAGE_SHIFT | PFN_UP(size + image % PAGE_SIZE);

	PUT_ASIDE(value);
}

INLINE phys_addr_t image_size(void)
{
	uint64_t value;

	GET_BACK(value);
	return (value & (((uint64_t)1 << IMAGE_SHIFT) - 1)) << PAGE_SHIFT;
}

INLINE phys_addr_t image_base(void)
{
	uint64_t value;

	GET_BACK(value);
	return value >> IMAGE_SHIFT << PAGE_SHIFT;
}

/* The candidates of the window from first to last. */
INLINE uint64_t slots(phys_addr_t window, phys_addr_t first, phys_addr_t last)
{
	if (first < window)
		first = window;
	if (last > window + WINDOW - STEP)
		last = window + WINDOW - STEP;
	if (first > last)
		return 0;
	return ~(uint64_t)0 << (first - window) / STEP &
	       ~(uint64_t)0 >> (63 - (last - window) / STEP);
}

/* The image may lie in [base, stop). */
INLINE void allow(struct pass *pass, phys_addr_t base, phys_addr_t stop)
{
	base = ALIGN_UP(base, STEP);
	if (stop < image_size() || base > stop - image_size())
		return;
	stop = ALIGN_DOWN(stop - image_size(), STEP);
	pass->candidates |= slots(pass->window, base, stop);
	if (base < pass->window + WINDOW)
		base = pass->window + WINDOW;
	if (base <= stop && base < pass->next)
		pass->next = base;
}

/* It may not touch [base, stop). */
INLINE void forbid(struct pass *pass, phys_addr_t base, phys_addr_t stop)
{
	base = base < image_size() ? 0 : ALIGN_DOWN(base - image_size(), STEP) + STEP;
	stop = ALIGN_DOWN(stop - 1, STEP);
	if (base > stop)
		return;
	pass->others |= slots(pass->window, base, stop);
	if (base <= pass->bound && pass->bound <= stop)
		pass->bound = stop + STEP;
}

/* ---- what has been met ----------------------------------------------------------------------- */

/* All in one word, as registers are few: of the node whose properties come ... */
#define NAMED_MEMORY   (1U << 0)
#define TYPE_MEMORY    (1U << 1)
#define TYPE_OTHER     (1U << 2)
#define HAS_COMPATIBLE (1U << 3)
#define IS_OFF	       (1U << 4)
#define OWN_USABLE     (1U << 5) /* linux,usable-memory takes the place of reg */
#define IS_CHOSEN      (1U << 6)
#define HAS_REG	       (1U << 7)
#define HAS_END	       (1U << 8) /* linux,initrd-end came before linux,initrd-start */
#define OF_NODE	       ((uint64_t)0x1ff)
/* ... while /reserved-memory is open, and of the whole tree ... */
#define IN_RESERVED (1U << 9)
#define ANY_MEMORY  (1U << 10)
#define IS_LIMITED  (1U << 11) /* there is a linux,usable-memory-range */
/* ... the purpose of the pass, and whether alloc-ranges are of no account any more ... */
#define PURPOSE_SHIFT 12
#define PURPOSE	      (3U << PURPOSE_SHIFT)
#define NOT_WANTED    (1U << 14)
#define OF_ALL	      (ANY_MEMORY | IS_LIMITED | PURPOSE | NOT_WANTED)
/*
 * ... the cells of addresses and sizes below the root and below /reserved-memory, 4 bits each ...
 */
#define ROOT_SHIFT     16
#define RESERVED_SHIFT 24
#define CELLS(n)       ((n) & 0xff)
#define DEFAULT_CELLS  0x12U /* a size in one, an address in two */
/* ... the depth, 1 for the root ... */
#define DEPTH_SHIFT 32
#define DEPTH_BITS  11
#define DEEPER	    ((uint64_t)1 << DEPTH_SHIFT)
/*
 * ... and, of the same node, how far from the tree's start what may be a list is; 0: there is none.
 */
#define LIST_SHIFT (DEPTH_SHIFT + DEPTH_BITS)
#define LIST	   (~(uint64_t)0 << LIST_SHIFT)

_Static_assert(FDT_EARLY_MAX_SIZE <= (uint64_t)1 << (64 - LIST_SHIFT), "its offset fits");

INLINE uint32_t depth(uint64_t state)
{
	return (uint32_t)(state >> DEPTH_SHIFT) & ((1U << DEPTH_BITS) - 1);
}

INLINE const char *list_at(const struct walk *walk, uint64_t state)
{
	return walk->tree + (state >> LIST_SHIFT);
}

/* The property that was read last may be one. */
INLINE uint64_t with_list(uint64_t state, const struct walk *walk)
{
	return (state & ~LIST) | (uint64_t)(walk->value - 8 - walk->tree) << LIST_SHIFT;
}

INLINE enum purpose purpose(uint64_t state)
{
	return (enum purpose)(state >> PURPOSE_SHIFT & 3);
}

/*
 * `cells` with another number of cells for an address (shift 0) or a size (4); 0: it is not read.
 */
INLINE uint64_t with_cells(uint64_t state, unsigned int shift, const struct walk *walk)
{
	uint32_t cells = walk->length == 4 ? word(walk->value) : 0;

	return (state & ~((uint64_t)15 << shift)) | (uint64_t)(cells <= MAX_CELLS ? cells : 0)
							    << shift;
}

/* A node begins at walk->at, below one of the depth that state has. */
INLINE uint64_t begin_node(const struct walk *walk, uint64_t state)
{
	uint32_t first = part(walk, walk->at, 0), second = part(walk, walk->at, 4);
	uint32_t end = second >> 8 & 0xff;

	state = (state & ~(OF_NODE | LIST)) + DEEPER;
	if (depth(state) == 1)
		return (state & ~((uint64_t)CELLS(~0U) << ROOT_SHIFT)) | DEFAULT_CELLS
										 << ROOT_SHIFT;
	if (depth(state) != 2)
		return state;
	state &= ~(uint64_t)IN_RESERVED;
	if (first == WORD('r', 'e', 's', 'e') && second == WORD('r', 'v', 'e', 'd') &&
	    part(walk, walk->at, 8) == WORD('-', 'm', 'e', 'm')) {
		end = part(walk, walk->at, 12);
		if (end >> 8 == WORD(0, 'o', 'r', 'y') && (!(end & 0xff) || (end & 0xff) == '@'))
			return (state & ~((uint64_t)CELLS(~0U) << RESERVED_SHIFT)) |
			       DEFAULT_CELLS << RESERVED_SHIFT | IN_RESERVED;
	}
	if (end && end != '@')
		return state;
	if (first == WORD('m', 'e', 'm', 'o') && second >> 16 == WORD(0, 0, 'r', 'y'))
		return state | NAMED_MEMORY;
	if (first == WORD('c', 'h', 'o', 's') && second >> 16 == WORD(0, 0, 'e', 'n'))
		return state | IS_CHOSEN;
	return state;
}

/* Is it memory (3.4)? As boot/dt/fdt_early_tree.c has it. */
INLINE bool is_memory(uint64_t state)
{
	return state & TYPE_MEMORY ||
	       (state & NAMED_MEMORY && !(state & (TYPE_OTHER | HAS_COMPATIBLE)));
}

/* ---- lists ----------------------------------------------------------------------------------- */

enum list {
	NO_LIST,
	BANKS,
	USABLE_RANGES,
	RESERVED,
	WANTED, /* alloc-ranges: taken if there is another place */
	ENDS,	/* the two ends of the initrd */
};

/* Which lists a pass has to look at. */
INLINE bool matters(enum list list, uint64_t state)
{
	switch (purpose(state)) {
	case STAYS:
		return list == BANKS;
	case USABLE:
		return list == USABLE_RANGES;
	default:
		return list != USABLE_RANGES && !(list == WANTED && state & NOT_WANTED);
	}
}

/* One entry: [base, stop). */
INLINE void look_at(struct pass *pass, enum list list, phys_addr_t base, phys_addr_t stop)
{
	if (stop > LIMIT)
		stop = LIMIT;
	if (base >= stop)
		return;
	if (list == BANKS && purpose(pass->state) == STAYS) {
		pass->state |= ANY_MEMORY;
		if (base <= pass->next && stop > pass->next)
			pass->next = stop;
	} else if (list == BANKS || list == USABLE_RANGES) {
		allow(pass, base + (list == BANKS ? OFFSET : 0), stop);
	} else {
		forbid(pass, base, stop);
	}
}

/*
 * A list of pairs, by its length word. A reservation that its cells do not divide is left out, as
 * fdt_early_init() does.
 */
INLINE void look_at_list(struct pass *pass, enum list list, const char *at, uint32_t cells)
{
	uint32_t length = word(at), pair = 4 * ((cells & 15) + (cells >> 4));
	const char *end = at + 8 + length;

	if ((cells & 15) == 0 || cells >> 4 == 0)
		return;
	if ((list == RESERVED || list == WANTED) && length % pair)
		return;
	end -= length % pair;
	for (at += 8; at != end;) {
		phys_addr_t base = number(at, cells & 15), stop;

		at += 4 * (cells & 15);
		stop = number(at, cells >> 4);
		at += 4 * (cells >> 4);
		look_at(pass, list, base,
			stop > PHYS_ADDR_MAX - base ? PHYS_ADDR_MAX : base + stop);
	}
}

/* The initrd, by its two ends: numbers of one cell or more, or it is left out. */
INLINE void look_at_ends(struct pass *pass, const char *start, const char *end)
{
	if ((word(start) | word(end)) % 4 || word(start) - 4 > 12 || word(end) - 4 > 12)
		return;
	look_at(pass, ENDS, number(start + 8, word(start) / 4), number(end + 8, word(end) / 4));
}

/* ---- a pass ---------------------------------------------------------------------------------- */

/* What a property of /chosen is, and where; of the initrd, the second of its two. */
INLINE enum list note_chosen(const struct walk *walk, uint64_t *state, const char **from,
			     const char **end)
{
	uint32_t kind = part(walk, walk->name, 4), which = part(walk, walk->name, 12);

	*from = walk->value - 8;
	if (part(walk, walk->name, 0) != WORD('l', 'i', 'n', 'u'))
		return NO_LIST;
	if (kind == WORD('x', ',', 'u', 's'))
		return USABLE_RANGES;
	if (kind == WORD('x', ',', 'e', 'l') || kind == WORD('x', ',', 'i', 'm'))
		return RESERVED;
	if (kind != WORD('x', ',', 'i', 'n') ||
	    (which != WORD('-', 's', 't', 'a') && which != WORD('-', 'e', 'n', 'd')))
		return NO_LIST;
	if (!(*state & LIST)) {
		*state =
			with_list(*state, walk) | (which == WORD('-', 'e', 'n', 'd') ? HAS_END : 0);
		return NO_LIST;
	}
	*end = *state & HAS_END ? list_at(walk, *state) : *from;
	*from = *state & HAS_END ? *from : list_at(walk, *state);
	return ENDS;
}

/* A property of another node. */
INLINE void note_property(const struct walk *walk, uint64_t *state)
{
	uint32_t first = part(walk, walk->name, 0), next = part(walk, walk->name, 4);
	unsigned int cells = depth(*state) == 1 ? ROOT_SHIFT : RESERVED_SHIFT;

	if (first == WORD('#', 'a', 'd', 'd') && depth(*state) <= 2)
		*state = with_cells(*state, cells, walk);
	if (first == WORD('#', 's', 'i', 'z') && depth(*state) <= 2)
		*state = with_cells(*state, cells + 4, walk);
	if (first == WORD('s', 't', 'a', 't') && next >> 8 == WORD(0, 'u', 's', 0) && is_off(walk))
		*state |= IS_OFF;
	if (first == WORD('c', 'o', 'm', 'p') && next == WORD('a', 't', 'i', 'b'))
		*state |= HAS_COMPATIBLE;
	if (first == WORD('d', 'e', 'v', 'i') && next == WORD('c', 'e', '_', 't'))
		*state |= walk->length >= 7 && word(walk->value) == WORD('m', 'e', 'm', 'o') &&
					  word(walk->value + 3) == WORD('o', 'r', 'y', 0)
				  ? TYPE_MEMORY
				  : TYPE_OTHER;
	if (first == WORD('a', 'l', 'l', 'o') && next == WORD('c', '-', 'r', 'a') &&
	    !(*state & HAS_REG))
		*state = with_list(*state, walk);
	if (first == WORD('r', 'e', 'g', 0) && !(*state & OWN_USABLE))
		*state = with_list(*state, walk) | HAS_REG;
	if (first == WORD('l', 'i', 'n', 'u') && next == WORD('x', ',', 'u', 's'))
		*state = with_list(*state, walk) | OWN_USABLE | HAS_REG;
}

/* All properties of a node that has a list have been met: what is the list? */
INLINE enum list list_of_node(uint64_t state)
{
	if (state & (IS_OFF | IS_CHOSEN) || !(state & LIST))
		return NO_LIST;
	if (depth(state) == 2)
		return state & HAS_REG && is_memory(state) ? BANKS : NO_LIST;
	if (depth(state) != 3 || !(state & IN_RESERVED))
		return NO_LIST;
	return state & HAS_REG ? RESERVED : WANTED;
}

/* False: the tree is nested too deep. */
INLINE bool pass_over(struct pass *pass, struct walk *walk)
{
	uint32_t token;

	while ((token = next_token(walk)) != 0) {
		const char *from = NULL, *end = NULL;
		enum list list = NO_LIST;

		if (token != PROP) {
			from = list_at(walk, pass->state);
			list = list_of_node(pass->state);
		} else if (!read_property(walk)) {
			break;
		} else if (pass->state & IS_CHOSEN) {
			list = note_chosen(walk, &pass->state, &from, &end);
		} else if (depth(pass->state) <= 3) {
			note_property(walk, &pass->state);
		}
		if (list == USABLE_RANGES)
			pass->state |= IS_LIMITED;
		if (list == ENDS && matters(list, pass->state))
			look_at_ends(pass, from, end);
		else if (list != NO_LIST && matters(list, pass->state))
			look_at_list(pass, list, from,
				     (uint32_t)CELLS(pass->state >> (depth(pass->state) == 3
									     ? RESERVED_SHIFT
									     : ROOT_SHIFT)));
		if (token == BEGIN_NODE) {
			pass->state = begin_node(walk, pass->state);
			pass_name(walk);
			if (depth(pass->state) == 0)
				return false;
		} else if (token == END_NODE) {
			if (depth(pass->state) == 0)
				break;
			pass->state = (pass->state & ~(OF_NODE | LIST)) - DEEPER;
		}
	}
	return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

INLINE void forbid_what_is_there(struct pass *pass, const struct walk *walk)
{
	const char *entry = walk->tree + word(walk->tree + OFF_RESERVED);

	forbid(pass, image_base(), image_base() + image_size());
	forbid(pass, (uintptr_t)walk->tree, (uintptr_t)walk->limit);
	for (; entry >= walk->tree && walk->limit - entry >= 16; entry += 16) {
		phys_addr_t base = number(entry, 2), size = number(entry + 8, 2);

		if (size == 0)
			break;
		look_at(pass, RESERVED, base,
			size > PHYS_ADDR_MAX - base ? PHYS_ADDR_MAX : base + size);
	}
}

phys_addr_t place_image(const void *fdt, phys_addr_t image, phys_addr_t size)
{
	struct pass pass = {
		.window = image, /* until it is clear that it cannot stay */
		.next = image,
		.bound = image,
	};
	struct walk walk = {.tree = NULL};

	if (!start(&walk, fdt))
		return image;
	keep_image(image, size);
	for (;; walk.at = walk.tree + word(walk.tree + OFF_STRUCT)) {
		pass.state &= OF_ALL;
		if (purpose(pass.state) == MEMORY)
			forbid_what_is_there(&pass, &walk);
		if (!pass_over(&pass, &walk)) /* the first time, or never */
			return pass.window;
		if (purpose(pass.state) == STAYS) {
			if (pass.next - pass.window >= image_size() || !(pass.state & ANY_MEMORY))
				return pass.window;
			/* banks that continue each other may come in any order */
			if (pass.next != pass.bound) {
				pass.bound = pass.next;
				continue;
			}
			pass.next = 0;
		} else if (purpose(pass.state) == MEMORY) {
			pass.candidates &= ~pass.others;
			if (pass.next != PHYS_ADDR_MAX && pass.next < pass.bound)
				pass.next = pass.bound;
			if (pass.state & IS_LIMITED) {
				pass.state += (USABLE - MEMORY) << PURPOSE_SHIFT;
				pass.others = pass.candidates;
				pass.bound = pass.next;
				pass.candidates = 0;
				pass.next = PHYS_ADDR_MAX;
				continue;
			}
		} else {
			pass.candidates &= pass.others;
			if (pass.next < pass.bound)
				pass.next = pass.bound;
		}
		if (purpose(pass.state) != STAYS && pass.candidates) {
			for (; !(pass.candidates & 1); pass.candidates >>= 1)
				pass.window += STEP;
			return pass.window;
		}
		if (pass.next == PHYS_ADDR_MAX) {
			if (pass.state & NOT_WANTED)
				return PLACE_NONE;
			pass.state |= NOT_WANTED;
			pass.next = 0;
		}
		pass.window = pass.next;
		pass.candidates = pass.others = 0;
		pass.next = PHYS_ADDR_MAX;
		pass.bound = pass.window + WINDOW;
		pass.state = (pass.state & ~(uint64_t)PURPOSE) | MEMORY << PURPOSE_SHIFT;
	}
}
