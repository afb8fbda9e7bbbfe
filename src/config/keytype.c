/* SPDX-License-Identifier: MIT */
/* Reads and writes fields of settings: numbers, choices, paths, words, environment.  Knows nothing
 * of sections and files. */
#include "config/keytype.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/parse.h"
#include "config/keytype_private.h"
#include "config/values.h"
#include "config/words.h"

void *keytype_field_of(const struct key *key, const struct key_target *t)
{
	return (char *)(t->draft ? (void *)&t->draft->p : (void *)t->verger) + key->offset;
}

const void *keytype_field_in(const struct key *key, const struct settings *s,
                             const struct program_settings *p)
{
	return (const char *)(p ? (const void *)p : (const void *)s) + key->offset;
}

int keytype_written(int r)
{
	return r < 0 ? r : 1;
}

/* durations, yes and no, choices, numbers */

PARSE(duration)
{
	return value_duration(text, keytype_field_of(key, t), fault);
}

int keytype_add_duration(msec_t ms, struct text *out)
{
	char buffer[DURATION_SIZE];

	return text_add_string(out, ms == MSEC_NEVER ? "none" : parse_format_duration(ms, buffer));
}

FORMAT(duration)
{
	return keytype_written(
		keytype_add_duration(*(const msec_t *)keytype_field_in(key, s, p), out));
}

PARSE(deadline)
{
	return value_deadline(text, keytype_field_of(key, t), fault);
}

FORMAT(deadline)
{
	return keytype_format_duration(key, s, p, out);
}

PARSE(bool)
{
	return value_bool(text, keytype_field_of(key, t), fault);
}

FORMAT(bool)
{
	return keytype_written(
		text_add_string(out, *(const bool *)keytype_field_in(key, s, p) ? "yes" : "no"));
}

PARSE(enabled)
{
	return value_bool(text, &t->draft->enabled, fault);
}

_Static_assert(sizeof(enum program_type) == sizeof(int) && sizeof(enum log_level) == sizeof(int),
               "a choice is stored as an int");

PARSE(choice)
{
	int index;
	int r = value_choice(text, key->names, SIZE_MAX, &index, fault);

	if (r == 0)
		memcpy(keytype_field_of(key, t), &index, sizeof index);
	return r;
}

FORMAT(choice)
{
	int index;

	memcpy(&index, keytype_field_in(key, s, p), sizeof index);
	return keytype_written(text_add_string(out, key->names[index]));
}

PARSE(percent)
{
	return value_percent(text, keytype_field_of(key, t), fault);
}

FORMAT(percent)
{
	return keytype_written(
		text_add_format(out, "%u%%", *(const unsigned *)keytype_field_in(key, s, p)));
}

static int parse_number(const struct key *key, const char *text, int *out, struct fault *fault)
{
	int64_t number;
	int r = value_integer(text, key->min, key->max, &number, fault);

	if (r == 0)
		*out = (int)number;
	return r;
}

PARSE(nice)
{
	int r = parse_number(key, text, &t->draft->p.nice_value, fault);

	if (r == 0)
		t->draft->p.nice_set = true;
	return r;
}

FORMAT(nice)
{
	return p->nice_set ? keytype_written(text_add_format(out, "%d", p->nice_value)) : 0;
}

PARSE(oom)
{
	int r = parse_number(key, text, &t->draft->p.oom_score_adj, fault);

	if (r == 0)
		t->draft->p.oom_set = true;
	return r;
}

FORMAT(oom)
{
	return p->oom_set ? keytype_written(text_add_format(out, "%d", p->oom_score_adj)) : 0;
}

PARSE(instances)
{
	int number;
	int r = parse_number(key, text, &number, fault);

	if (r == 0)
		t->draft->instances = (unsigned)number;
	return r;
}

PARSE(umask)
{
	unsigned mask;
	int r = value_octal(text, 0777, &mask, fault);

	if (r == 0)
		t->draft->p.umask_value = (int)mask;
	return r;
}

FORMAT(umask)
{
	if (p->umask_value < 0)
		return 0;
	return keytype_written(text_add_format(out, "%04o", (unsigned)p->umask_value));
}

PARSE(mode)
{
	unsigned mode;
	int r = value_octal(text, 0777, &mode, fault);

	if (r == 0)
		t->draft->p.pidfile_mode = mode;
	return r;
}

FORMAT(mode)
{
	return keytype_written(text_add_format(out, "%04o", (unsigned)p->pidfile_mode));
}

/* paths and texts */

int keytype_intern(struct arena *arena, const char *text, const char **out)
{
	*out = arena_intern(arena, text);
	return *out ? 0 : -ENOMEM;
}

int keytype_parse_path(keytype_path_parser *parse, const char *text, const struct key_target *t,
                       const char **out, struct fault *fault)
{
	struct text path;
	int r;

	text_init(&path, SIZE_MAX / 2);
	r = parse(text, t->quoted, t->here, &path, fault);
	if (r == 0)
		r = keytype_intern(t->arena, text_get(&path), out);
	text_release(&path);
	return r;
}

int keytype_write_text(const char *value, struct text *out)
{
	return value ? keytype_written(words_quote(value, out)) : 0;
}

PARSE(folder)
{
	return keytype_parse_path(value_path, text, t, keytype_field_of(key, t), fault);
}

FORMAT(folder)
{
	return keytype_write_text(*(const char *const *)keytype_field_in(key, s, p), out);
}

PARSE(file)
{
	return keytype_parse_path(value_file, text, t, keytype_field_of(key, t), fault);
}

FORMAT(file)
{
	return keytype_write_text(*(const char *const *)keytype_field_in(key, s, p), out);
}

PARSE(run_dir)
{
	t->verger->run_dir_given = true;
	return keytype_parse_path(value_path, text, t, &t->verger->run_dir, fault);
}

PARSE(program_pidfile)
{
	t->draft->pidfile_given = true;
	return *text ? keytype_parse_path(value_file, text, t, &t->draft->p.pidfile, fault) : 0;
}

FORMAT(program_pidfile)
{
	return p->pidfile ? keytype_write_text(p->pidfile, out) : 1;
}

/* an empty path of [verger] is none, and takes the default away */
static int parse_verger_path(const char *text, const struct key_target *t, const char **out,
                             struct fault *fault)
{
	*out = NULL;
	return *text ? keytype_parse_path(value_file, text, t, out, fault) : 0;
}

PARSE(verger_pidfile)
{
	return parse_verger_path(text, t, &t->verger->pidfile, fault);
}

FORMAT(verger_pidfile)
{
	return s->pidfile ? keytype_write_text(s->pidfile, out) : 1;
}

PARSE(control_socket)
{
	return parse_verger_path(text, t, &t->verger->control_socket, fault);
}

FORMAT(control_socket)
{
	return s->control_socket ? keytype_write_text(s->control_socket, out) : 1;
}

static int parse_one_word(const char *text, const char **out, struct arena *arena,
                          struct fault *fault)
{
	struct strv words = STRV_INIT;
	int r = words_split(text, &words, fault);

	if (r == 0 && words.count != 1)
		r = fault_set(fault, "expected one text in quotes, got %zu", words.count);
	if (r == 0)
		r = keytype_intern(arena, words.items[0], out);
	strv_release(&words);
	return r;
}

PARSE(title)
{
	const char **field = keytype_field_of(key, t);

	if (t->quoted)
		return parse_one_word(text, field, t->arena, fault);
	return keytype_intern(t->arena, text, field);
}

FORMAT(title)
{
	return keytype_write_text(*(const char *const *)keytype_field_in(key, s, p), out);
}

static int write_words(char *const *words, struct text *out)
{
	int r = 0;

	if (!words)
		return 0;
	for (size_t i = 0; words[i] && r == 0; i++) {
		if (i > 0)
			r = text_add_char(out, ' ');
		if (r == 0)
			r = words_quote(words[i], out);
	}
	return keytype_written(r);
}

PARSE(words)
{
	struct strv words = STRV_INIT;
	int r = words_split(text, &words, fault);

	if (r == 0 && (words.count == 0 || !*words.items[0]))
		r = fault_set(fault, "there is no program to run in '%.80s'", text);
	if (r == 0)
		r = draft_intern_strv(t->arena, &words, keytype_field_of(key, t));
	strv_release(&words);
	return r;
}

FORMAT(words)
{
	return write_words(*(char *const *const *)keytype_field_in(key, s, p), out);
}

/* environment */

PARSE(environment)
{
	return value_environment(text, t->environment, fault);
}

FORMAT(environment)
{
	return write_words(p ? p->environment : s->environment, out);
}

PARSE(env_files)
{
	return value_env_files(text, t->here, t->env_files, fault);
}

FORMAT(env_files)
{
	return write_words(p ? p->env_files : s->env_files, out);
}

PARSE(env_inherit)
{
	static char *const nothing[] = { NULL };
	struct strv names = STRV_INIT;
	bool all;
	int r = value_env_inherit(text, &all, &names, fault);

	if (r == 0 && all)
		t->draft->p.env_inherit = NULL;
	else if (r == 0 && names.count == 0)
		t->draft->p.env_inherit = nothing;
	else if (r == 0)
		r = draft_intern_strv(t->arena, &names, &t->draft->p.env_inherit);
	strv_release(&names);
	return r;
}

FORMAT(env_inherit)
{
	if (!p->env_inherit)
		return keytype_written(text_add_string(out, "all"));
	if (!p->env_inherit[0])
		return keytype_written(text_add_string(out, "none"));
	return write_words(p->env_inherit, out);
}
