/* SPDX-License-Identifier: MIT */
/* Puts values and the entries they came from side by side.  Knows no key by name. */
#include "config/origin.h"

#include <stdbool.h>
#include <stdint.h>

#include "config/keys.h"
#include "config/record.h"
#include "config/roster.h"

/* The telling of one configuration. */
struct telling {
	const struct settings *settings;
	const struct record *record;
	conf_origin_told *told;
	void *arg;
	struct text section, value;
};

/* The entry a value came from: one of its own key, or else of another key for the same field, such
 * as stop_timeout for stop_signal and user for group. */
static const struct record_item *find_source(const struct telling *t, uint32_t program,
                                             const struct key *key)
{
	const struct record_item *found = record_find(t->record, program, key);

	for (size_t i = 0; i < config_key_count && !found && key->offset; i++)
		if (config_keys[i].places == key->places && config_keys[i].offset == key->offset)
			found = record_find(t->record, program, &config_keys[i]);
	return found;
}

/* 0 or -ENOMEM */
static int tell_key(struct telling *t, uint32_t program, const struct key *key)
{
	const struct program_settings *p =
		program == NO_PROGRAM ? NULL : &t->settings->programs[program];
	struct conf_origin origin = { .program = program,
		                      .section = text_get(&t->section),
		                      .key = key->name };
	const struct record_item *from;
	int r;

	text_reset(&t->value);
	r = key->format(key, t->settings, p, &t->value);
	if (r < 0)
		return r;
	if (r > 0)
		origin.value = text_get(&t->value);
	/* a line may say that there is none */
	from = r > 0 ? find_source(t, program, key) : record_find(t->record, program, key);
	if (!origin.value && !from)
		return 0;
	if (from) {
		origin.file = from->file;
		origin.line = from->line;
	}
	t->told(t->arg, &origin);
	return 0;
}

static int tell_section(struct telling *t, uint32_t program, enum key_place place)
{
	int r;

	text_reset(&t->section);
	r = program == NO_PROGRAM ? text_add_string(&t->section, "verger")
	                          : text_add_format(&t->section, "program:%s",
	                                            t->settings->programs[program].name);
	for (size_t i = 0; i < config_key_count && r == 0; i++)
		if (config_keys[i].places & place && config_keys[i].format)
			r = tell_key(t, program, &config_keys[i]);
	return r;
}

static int tell_all(struct telling *t)
{
	int r = tell_section(t, NO_PROGRAM, KEY_IN_VERGER);

	for (size_t i = 0; i < t->settings->program_count && r == 0; i++)
		r = tell_section(t, (uint32_t)i, KEY_IN_PROGRAM);
	return r;
}

int conf_origins(const char *path, const struct conf_context *context, conf_origin_told *told,
                 void *arg, struct settings **out, struct diags *diags)
{
	struct telling t = { .told = told, .arg = arg };
	struct settings *settings = NULL;
	struct record record;
	int r = CONF_INVALID;

	if (record_init(&record) < 0)
		return load_refuse_memory(path, diags);
	text_init(&t.section, SIZE_MAX / 2);
	text_init(&t.value, SIZE_MAX / 2);
	r = load_recording(path, context, &record, &settings, diags);
	t.settings = settings;
	t.record = &record;
	if (r == CONF_OK && (record.failed || tell_all(&t) < 0))
		r = load_refuse_memory(path, diags);
	if (r == CONF_OK)
		*out = settings;
	else
		settings_free(settings);
	text_release(&t.section);
	text_release(&t.value);
	record_release(&record);
	return r;
}

int conf_value(const struct settings *s, uint32_t program, const char *key_name, struct text *out)
{
	bool own = program != NO_PROGRAM;
	enum key_place place = own ? KEY_IN_PROGRAM : KEY_IN_VERGER;
	const struct key *key = key_find(key_name, place);

	if (!key || !(key->places & place) || !key->format)
		return 0;
	if (own && (program >= s->program_count || roster_is_free(&s->programs[program])))
		return 0;
	return key->format(key, s, own ? &s->programs[program] : NULL, out);
}
