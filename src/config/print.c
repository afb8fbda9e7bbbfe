/* SPDX-License-Identifier: MIT */
/* Prints settings, key by key from the table.  Knows no key by name. */
#include "config/print.h"

#include <errno.h>
#include <stdint.h>

#include "base/text.h"
#include "config/keys.h"
#include "config/roster.h"
#include "config/words.h"

static int print_line(const char *key, const struct text *value, FILE *out)
{
	const char *blank = value->size ? " " : "";

	return fprintf(out, "%s =%s%s\n", key, blank, text_get(value)) < 0 ? -errno : 0;
}

/* Every key of `place` that has a value. */
static int print_keys(const struct settings *s, const struct program_settings *p,
                      enum key_place place, FILE *out)
{
	struct text value;
	int r = 0;

	text_init(&value, SIZE_MAX / 2);
	for (size_t i = 0; i < config_key_count && r == 0; i++) {
		const struct key *key = &config_keys[i];

		if (!(key->places & place) || !key->format)
			continue;
		text_reset(&value);
		r = key->format(key, s, p, &value);
		if (r > 0)
			r = print_line(key->name, &value, out);
	}
	text_release(&value);
	return r;
}

static int print_group(const struct settings *s, const struct group_settings *group, FILE *out)
{
	if (fprintf(out, "\n[group:%s]\nprograms =", group->name) < 0)
		return -errno;
	for (size_t i = 0; i < group->count; i++) {
		const struct program_settings *p = &s->programs[group->programs[i]];

		if (!roster_is_free(p) && fprintf(out, " %s", p->name) < 0)
			return -errno;
	}
	return fputc('\n', out) == EOF ? -errno : 0;
}

int conf_print(const struct settings *s, FILE *out)
{
	int r = fputs("[verger]\n", out) == EOF ? -errno : print_keys(s, NULL, KEY_IN_VERGER, out);

	for (size_t i = 0; i < s->program_count && r == 0; i++) {
		const struct program_settings *p = &s->programs[i];

		if (roster_is_free(p))
			continue;
		r = fprintf(out, "\n[program:%s]\n", p->name) < 0
		            ? -errno
		            : print_keys(s, p, KEY_IN_PROGRAM, out);
	}
	for (size_t i = 0; i < s->group_count && r == 0; i++)
		r = print_group(s, &s->groups[i], out);
	if (r == 0 && fflush(out) == EOF)
		r = -errno;
	return r;
}
