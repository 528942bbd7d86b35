/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exhaust.c: the search, breadth first, so that what it finds first takes the fewest calls. A state that is still to be
 * looked at is kept as its difference from the state after boot; of one that was, its hash, and how it was come to.
 *
 *     exhaust NAME [most states]    without a name: lists the configurations; with `quick`, those of make test
 */
#include <string.h>

#include "exhaust.h"
#include "test/host/port_host.h"

#define KERNEL	 (GFP_KERNEL | __GFP_NOWARN)
#define THOROUGH (KERNEL | __GFP_RETRY_MAYFAIL)

/* The first NR_QUICK end within a minute or so; they are those of make test. */
#define NR_QUICK 5
static const struct config configs[] = {
	/* pages, DMA32, cpus, refs, orders, gfp, kept, wrong frees, explain */
	{"section", 8, 0, 0, 2, 0, 4, {KERNEL}, 0, true, true},
	{"caches", 8, 0, 1, 1, 0, 4, {KERNEL, THOROUGH}, 0, true, true},
	{"marks", 8, 0, 1, 1, 0, 4, {KERNEL, THOROUGH, KERNEL | __GFP_HIGH}, 2, false, true},
	{"cpus", 8, 0, 2, 1, 0, 2, {THOROUGH}, 0, false, false},
	/* With single pages too there would be some 50 M states: they are for a section and a half. */
	{"two-sections", 16, 0, 1, 1, 1, 4, {KERNEL, THOROUGH}, 0, true, true},
	{"one-and-a-half", 12, 0, 0, 1, 0, 4, {KERNEL}, 0, true, true},
	{"references", 6, 0, 2, 2, 0, 3, {THOROUGH}, 0, true, true},
	{"zones", 12, 8, 0, 1, 0, 4, {KERNEL, KERNEL | __GFP_DMA32}, 0, true, true},
};

/* ---- what was met ---------------------------------------------------------------------------- */

static uint64_t *table; /* hashes of states; 0: no entry */
static uint64_t table_size = 1 << 16;
static struct origin {
	uint32_t parent, call;
} *origins; /* by the number of the state */
static uint32_t nr_states, max_origins;
static uint32_t now_state;
static unsigned int now_call = ~0U; /* none: the state is being looked at */
static uint64_t nr_calls;

static uint64_t *entry(uint64_t *in, uint64_t size, uint64_t hash)
{
	uint64_t i = hash & (size - 1);

	while (in[i] && in[i] != hash)
		i = (i + 1) & (size - 1);
	return &in[i];
}

static void *need(void *memory)
{
	if (!memory) {
		fprintf(stderr, "exhaust: no memory left\n");
		exit(2);
	}
	return memory;
}

static void grow(void)
{
	uint64_t *larger = need(calloc(table_size * 2, sizeof(*larger)));

	for (uint64_t i = 0; i < table_size; i++)
		if (table[i])
			*entry(larger, table_size * 2, table[i]) = table[i];
	free(table);
	table = larger;
	table_size *= 2;
}

/* Was this state met before? If not, it is now. */
static bool is_new(uint64_t hash)
{
	uint64_t *at;

	hash += !hash;
	at = entry(table, table_size, hash);
	if (*at)
		return false;
	*at = hash;
	if (nr_states == max_origins) {
		max_origins = max_origins ? max_origins * 2 : 1 << 16;
		origins = need(realloc(origins, max_origins * sizeof(*origins)));
	}
	origins[nr_states++] = (struct origin){now_state, now_call};
	if (nr_states > table_size / 2)
		grow();
	return true;
}

static void print_path(uint32_t state)
{
	char name[80];

	if (!state)
		return;
	print_path(origins[state].parent);
	call_name(origins[state].call, name, sizeof(name));
	fprintf(stderr, "  %s\n", name);
}

_Noreturn void found(void)
{
	char name[80] = "(in that state)";

	fprintf(stderr, "exhaust: %s: after these calls:\n", config->name);
	print_path(now_state);
	if (now_call != ~0U)
		call_name(now_call, name, sizeof(name));
	fprintf(stderr, "  %s\n", name);
	port_host_log_hook = NULL;
	mm_check();
	exit(1);
}

/* ---- states to look at ------------------------------------------------------------------------ */

struct change {
	uint16_t word;
	uint16_t left; /* of the state, after this one */
	uint32_t half[2];
};
struct level {
	struct change *change;
	size_t used, room;
	uint32_t states;
};

static uint64_t boot_state[MAX_WORDS];

static void keep(struct level *level, const uint64_t words[])
{
	unsigned int count = 0;

	for (unsigned int i = 0; i < nr_words; i++)
		count += words[i] != boot_state[i];
	/* The first says how many follow; the state after boot has no other. */
	if (level->used + count + 1 > level->room) {
		level->room = level->room * 2 + MAX_WORDS;
		level->change = need(realloc(level->change, level->room * sizeof(*level->change)));
	}
	level->change[level->used++] = (struct change){0, (uint16_t)count, {0}};
	for (unsigned int i = 0; i < nr_words; i++) {
		struct change *change = &level->change[level->used];

		if (words[i] == boot_state[i])
			continue;
		*change = (struct change){(uint16_t)i, (uint16_t)--count, {0}};
		memcpy(change->half, &words[i], sizeof(words[i]));
		level->used++;
	}
	level->states++;
}

/* The state at `at`; returns where the next one starts. */
static size_t fetch(const struct level *level, size_t at, uint64_t words[])
{
	unsigned int count = level->change[at++].left;

	memcpy(words, boot_state, nr_words * sizeof(*words));
	for (; count; count--, at++)
		memcpy(&words[level->change[at].word], level->change[at].half, sizeof(*words));
	return at;
}

/* ---- the search ------------------------------------------------------------------------------- */

/* The allocator is in a state that was not met before. */
static void look_at(struct level *next)
{
	static uint64_t words[MAX_WORDS];

	state_save(words);
	keep(next, words);
	if (config->wrong_frees)
		check_wrong_frees();
	check_state();
}

static void expand(const uint64_t words[], struct level *next)
{
	uint64_t before;

	state_load(words);
	before = state_hash();
	for (now_call = 0;; now_call++) {
		enum called called = call(now_call);
		uint64_t hash;

		if (called == CALL_NO_MORE)
			break;
		if (called == CALL_NONE)
			continue;
		nr_calls++;
		hash = state_hash();
		if (hash == before)
			continue;
		if (is_new(hash))
			look_at(next);
		state_load(words);
	}
}

static bool search(uint32_t most)
{
	static uint64_t words[MAX_WORDS];
	struct level now = {0}, next = {0};
	unsigned int depth = 0;

	table = need(calloc(table_size, sizeof(*table)));
	state_save(boot_state);
	is_new(state_hash());
	keep(&now, boot_state);
	check_state();
	for (uint32_t number = 0; now.states; depth++) {
		size_t at = 0;

		for (uint32_t i = 0; i < now.states && nr_states < most; i++) {
			now_state = number++;
			at = fetch(&now, at, words);
			expand(words, &next);
		}
		if (nr_states >= most)
			break;
		free(now.change);
		now = next;
		next = (struct level){0};
	}
	printf("exhaust: %s: %u states, %llu calls, %u deep%s\n", config->name, nr_states,
	       (unsigned long long)nr_calls, depth, now.states ? ", stopped" : "");
	return !now.states;
}

int main(int argc, char **argv)
{
	bool list = argc < 2 || !strcmp(argv[1], "quick");
	uint32_t most = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 0) : UINT32_MAX;

	for (unsigned int i = 0; i < sizeof(configs) / sizeof(configs[0]); i++) {
		if (list && (argc < 2 || i < NR_QUICK))
			printf("%s\n", configs[i].name);
		else if (!strcmp(configs[i].name, argv[1]))
			config = &configs[i];
	}
	if (list)
		return 0;
	if (!config) {
		fprintf(stderr, "exhaust: there is no configuration '%s'\n", argv[1]);
		return 2;
	}
	start();
	return search(most) ? 0 : 3;
}
