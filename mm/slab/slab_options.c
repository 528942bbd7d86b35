/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab_options.c: which caches have which debug options: of the text that slab_debug= gives, or one cache's
 * own; and all objects of a cache are looked at.
 */
#include <quarry/errno.h>
#include "slab_internal.h"

#if CONFIG_DEBUG_HOOKS
static const struct {
	char letter;
	slab_flags_t flag;
} letters[] = {
	{'F', SLAB_CONSISTENCY_CHECKS}, {'Z', SLAB_RED_ZONE},	   {'P', SLAB_POISON},
	{'U', SLAB_STORE_USER},		{'Q', MM_SLAB_QUARANTINE}, {'R', MM_SLAB_RANDOM},
};

/* ---- the text ---------------------------------------------------------------------------------- */

static bool at_end(char c)
{
	return c == '\0' || c == ' ' || c == ';';
}

/* The letters of a block; *text is past them. False: there is another one. */
static bool read_letters(const char **text, slab_flags_t *flags)
{
	const char *at = *text;

	*flags = at_end(*at) || *at == ',' ? SLAB_DEBUG_FLAGS : 0;
	if (*at == '-')
		at++;
	else
		while (!at_end(*at) && *at != ',') {
			unsigned int i = 0, n = sizeof(letters) / sizeof(letters[0]);

			while (i < n && letters[i].letter != (*at & ~0x20))
				i++;
			if (i == n)
				return false;
			*flags |= letters[i].flag;
			at++;
		}
	*text = at;
	return at_end(*at) || *at == ',';
}

/* Is it one of the names that follow, each after a comma? One that ends with * stands for all that begin so. */
static bool is_listed(const char **text, const char *name)
{
	bool found = false;

	while (**text == ',') {
		const char *at = ++*text, *n = name;

		while (!at_end(*at) && *at != ',' && *at != '*' && *at == *n)
			at++, n++;
		found |= *at == '*' || ((at_end(*at) || *at == ',') && !*n);
		while (!at_end(**text) && **text != ',')
			++*text;
	}
	return found;
}

/*
 * What the text says of a name: of the last block that names it, else of the last that names none. Where
 * nothing is between two ;, or behind the last, there is no block.
 */
static bool options_of(const char *text, const char *name, slab_flags_t *flags)
{
	bool named = false;
	slab_flags_t block;

	*flags = 0;
	do {
		if (!read_letters(&text, &block))
			return false;
		if (*text == ',') {
			if (is_listed(&text, name)) {
				*flags = block;
				named = true;
			}
		} else if (!named) {
			*flags = block;
		}
		while (*text == ';')
			text++;
	} while (!at_end(*text));
	return true;
}

/* ---- options of caches ------------------------------------------------------------------------- */

void debug_cache_init(struct kmem_cache *cache)
{
	slab_flags_t flags = 0;

	if (kmem_state.debug_options)
		options_of(kmem_state.debug_options, cache->name, &flags);
	cache->debug = flags | (cache->flags & SLAB_DEBUG_FLAGS);
	cache->random = (uintptr_t)cache | 1;
	if (cache->debug)
		slab_lay_out(cache);
}

int kmem_cache_set_debug(struct kmem_cache *cache, slab_flags_t flags)
{
	int error = 0;

	if (!cache || cache == &kmem_state.of_caches || flags & ~SLAB_DEBUG_FLAGS)
		return -EINVAL;
	if (flags == cache->debug)
		return 0;
	stacks_enter();
	if (slab_end_all(cache)) {
		error = -EBUSY;
	} else {
		cache->debug = flags;
		cache->random = (uintptr_t)cache | 1;
		slab_lay_out(cache);
	}
	stacks_exit();
	return error;
}

slab_flags_t kmem_cache_debug(const struct kmem_cache *cache)
{
	return cache->debug;
}

int slab_debug_setup(const char *options)
{
	slab_flags_t flags;
	int error = 0, one;

	if (!options_of(options, "", &flags))
		return -EINVAL;
	kmem_state.debug_options = options;
	for (unsigned int n = 0; n < CONFIG_KMEM_CACHES; n++) {
		struct kmem_cache *cache = slab_cache(n);

		if (!cache || cache == &kmem_state.of_caches)
			continue;
		options_of(options, cache->name, &flags);
		one = kmem_cache_set_debug(cache, flags | (cache->flags & SLAB_DEBUG_FLAGS));
		error = one ? one : error;
	}
	return error;
}

const char *slab_debug_options(void)
{
	return kmem_state.debug_options ? kmem_state.debug_options : "-";
}

/* ---- all objects of a cache -------------------------------------------------------------------- */

struct validation {
	const struct kmem_cache *cache;
	const void *caller;
	unsigned int faults;
};

static void validate_slab(struct slab *slab, void *data)
{
	struct validation *validation = data;

	if (slab->cache != validation->cache)
		return;
	for (unsigned long n = 0; n < slab->objects; n++)
		validation->faults += !debug_check_object(slab, n, validation->caller);
}

unsigned int kmem_cache_validate(struct kmem_cache *cache)
{
	struct validation validation = {.cache = cache, .caller = __builtin_return_address(0)};

	if (cache->debug)
		for_each_slab(&kmem_state.heads, validate_slab, &validation);
	return validation.faults;
}

uint64_t kmem_cache_faults(const struct kmem_cache *cache)
{
	return READ_ONCE(cache->faults);
}
#else
int slab_debug_setup(const char *options)
{
	(void)options;
	return -ENOSYS;
}

const char *slab_debug_options(void)
{
	return "-";
}

int kmem_cache_set_debug(struct kmem_cache *cache, slab_flags_t flags)
{
	(void)cache;
	(void)flags;
	return -ENOSYS;
}

slab_flags_t kmem_cache_debug(const struct kmem_cache *cache)
{
	(void)cache;
	return 0;
}

unsigned int kmem_cache_validate(struct kmem_cache *cache)
{
	(void)cache;
	return 0;
}

uint64_t kmem_cache_faults(const struct kmem_cache *cache)
{
	(void)cache;
	return 0;
}
#endif
