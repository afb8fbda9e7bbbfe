/* SPDX-License-Identifier: MIT */
/* Compares settings by the table of keys.  Formatting a value is what costs, so it is the last
 * resort: fields of the same bytes are equal, and pairs of fields that were just compared (most
 * programs share theirs) are known. */
#include "config/diff.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "config/keys.h"

/* the widest field of a key (struct key); wider ones would only not be remembered */
enum { FIELD_SIZE_MAX = 16 };

/* what came of the last two fields of a key that were formatted */
struct verdict {
	bool known, equal;
	unsigned char held[FIELD_SIZE_MAX], fresh[FIELD_SIZE_MAX];
};

/* a value of both, as it would stand in a file, and what key_format said */
struct pair {
	struct text held, fresh;
	int held_result, fresh_result;
};

struct conf_diff {
	const struct settings *held, *fresh;
	struct verdict *verdicts; /* owned; by index in config_keys */
	struct pair pair;         /* of the key at hand */
	bool restarts_all;        /* what [verger] gives to programs differs */
	bool failed;              /* memory was out */
};

/* Writes both values into the pair and says whether they are equal; programs are NULL for a key of
 * [verger].  Without memory they count as equal: a restart that nobody asked for is worse than one
 * that is missing. */
static bool format_both(struct conf_diff *d, const struct key *key,
                        const struct program_settings *held, const struct program_settings *fresh)
{
	struct pair *pair = &d->pair;

	text_reset(&pair->held);
	text_reset(&pair->fresh);
	pair->held_result = key->format(key, d->held, held, &pair->held);
	pair->fresh_result = key->format(key, d->fresh, fresh, &pair->fresh);
	if (pair->held_result < 0 || pair->fresh_result < 0) {
		d->failed = true;
		return true;
	}
	return pair->held_result == pair->fresh_result &&
	       (!pair->held_result || !strcmp(text_get(&pair->held), text_get(&pair->fresh)));
}

static bool is_equal_program_key(struct conf_diff *d, const struct key *key,
                                 const struct program_settings *held,
                                 const struct program_settings *fresh)
{
	struct verdict *v = &d->verdicts[key - config_keys];
	const void *held_field = (const char *)held + key->offset;
	const void *fresh_field = (const char *)fresh + key->offset;

	if (!memcmp(held_field, fresh_field, key->size))
		return true;
	if (key->size > FIELD_SIZE_MAX)
		return format_both(d, key, held, fresh);
	if (v->known && !memcmp(v->held, held_field, key->size) &&
	    !memcmp(v->fresh, fresh_field, key->size))
		return v->equal;
	v->known = true;
	v->equal = format_both(d, key, held, fresh);
	memcpy(v->held, held_field, key->size);
	memcpy(v->fresh, fresh_field, key->size);
	return v->equal;
}

static bool is_of(const struct key *key, enum key_place place)
{
	return key->places & place && key->format;
}

static bool is_equal_verger_key(struct conf_diff *d, const struct key *key)
{
	return format_both(d, key, NULL, NULL);
}

/* The first key of [verger] with this flag that differs, or NULL. */
static const struct key *find_verger_key(struct conf_diff *d, enum key_flag flag)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct key *key = &config_keys[i];

		if (is_of(key, KEY_IN_VERGER) && key->flags & flag && !is_equal_verger_key(d, key))
			return key;
	}
	return NULL;
}

struct conf_diff *conf_diff_new(const struct settings *held, const struct settings *fresh)
{
	struct conf_diff *d = calloc(1, sizeof *d);

	if (!d)
		return NULL;
	d->held = held;
	d->fresh = fresh;
	d->verdicts = calloc(config_key_count, sizeof *d->verdicts);
	text_init(&d->pair.held, SIZE_MAX / 2);
	text_init(&d->pair.fresh, SIZE_MAX / 2);
	if (!d->verdicts) {
		conf_diff_free(d);
		return NULL;
	}
	d->restarts_all = find_verger_key(d, KEY_RESTARTS) != NULL;
	return d;
}

void conf_diff_free(struct conf_diff *d)
{
	if (!d)
		return;
	text_release(&d->pair.held);
	text_release(&d->pair.fresh);
	free(d->verdicts);
	free(d);
}

/* The name of a program's group, or NULL. */
static const char *group_of(const struct settings *s, const struct program_settings *p)
{
	return p->group < s->group_count ? s->groups[p->group].name : NULL;
}

static bool is_equal_group(const char *held, const char *fresh)
{
	return held && fresh ? !strcmp(held, fresh) : held == fresh;
}

/* Whether the output of one passes through vergerd where that of the other does not. */
static bool is_moved(const struct program_settings *held, const struct program_settings *fresh)
{
	return program_is_captured(held, STDOUT_FILENO) !=
	               program_is_captured(fresh, STDOUT_FILENO) ||
	       program_is_captured(held, STDERR_FILENO) !=
	               program_is_captured(fresh, STDERR_FILENO);
}

enum reload_difference conf_diff_program(void *context, const struct program_settings *held,
                                         const struct program_settings *fresh)
{
	struct conf_diff *d = context;
	enum reload_difference found = RELOAD_EQUAL;
	unsigned restarting = KEY_RESTARTS;

	if (d->restarts_all)
		return RELOAD_NEEDS_RESTART;
	if (!is_equal_group(group_of(d->held, held), group_of(d->fresh, fresh)))
		found = RELOAD_DIFFERS;
	/* not if nothing of its own differs: another program came to its file, or left it */
	if (is_moved(held, fresh))
		restarting |= KEY_MOVES;
	for (size_t i = 0; i < config_key_count; i++) {
		const struct key *key = &config_keys[i];

		if (!is_of(key, KEY_IN_PROGRAM) || is_equal_program_key(d, key, held, fresh))
			continue;
		if (key->flags & restarting)
			return RELOAD_NEEDS_RESTART;
		found = RELOAD_DIFFERS;
	}
	return found;
}

static void tell(const struct pair *pair, const char *name, conf_diff_key *told, void *arg)
{
	told(arg, name, pair->held_result ? text_get(&pair->held) : NULL,
	     pair->fresh_result ? text_get(&pair->fresh) : NULL);
}

/* what [verger] gives to programs, for one of them */
static void tell_common_keys(struct conf_diff *d, conf_diff_key *told, void *arg)
{
	char name[64];

	for (size_t i = 0; i < config_key_count; i++) {
		const struct key *key = &config_keys[i];

		if (!is_of(key, KEY_IN_VERGER) || !(key->flags & KEY_RESTARTS) ||
		    is_equal_verger_key(d, key))
			continue;
		snprintf(name, sizeof name, "[verger] %s", key->name);
		tell(&d->pair, name, told, arg);
	}
}

void conf_diff_program_keys(struct conf_diff *d, const struct program_settings *held,
                            const struct program_settings *fresh, conf_diff_key *told, void *arg)
{
	const char *held_group = group_of(d->held, held), *fresh_group = group_of(d->fresh, fresh);

	for (size_t i = 0; i < config_key_count; i++) {
		const struct key *key = &config_keys[i];

		/* what is known to differ need not be in the pair */
		if (is_of(key, KEY_IN_PROGRAM) && !is_equal_program_key(d, key, held, fresh) &&
		    !format_both(d, key, held, fresh))
			tell(&d->pair, key->name, told, arg);
	}
	if (!is_equal_group(held_group, fresh_group))
		told(arg, "[group] programs", held_group, fresh_group);
	if (d->restarts_all)
		tell_common_keys(d, told, arg);
}

void conf_diff_verger_keys(struct conf_diff *d, conf_diff_key *told, void *arg)
{
	for (size_t i = 0; i < config_key_count; i++)
		if (is_of(&config_keys[i], KEY_IN_VERGER) &&
		    !is_equal_verger_key(d, &config_keys[i]))
			tell(&d->pair, config_keys[i].name, told, arg);
}

const char *conf_diff_fixed(struct conf_diff *d)
{
	const struct key *key = find_verger_key(d, KEY_FIXED);

	return key ? key->name : NULL;
}

bool conf_diff_failed(const struct conf_diff *d)
{
	return d->failed;
}
