/* SPDX-License-Identifier: MIT */
/* Reads and writes the fields of settings.  Knows nothing of sections and files. */
#include "config/keytype.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/signame.h"
#include "config/path.h"
#include "config/values.h"
#include "config/words.h"

#define UNUSED __attribute__((unused))

#define PARSE(name)                                                                                \
	int keytype_parse_##name(const struct key *key UNUSED, const char *text,                   \
	                         struct key_target *t UNUSED, struct fault *fault UNUSED)
#define FORMAT(name)                                                                               \
	bool keytype_format_##name(const struct key *key UNUSED, const struct settings *s UNUSED,  \
	                           const struct program_settings *p UNUSED, struct text *out)

static void *field_of(const struct key *key, const struct key_target *t)
{
	return (char *)(t->draft ? (void *)&t->draft->p : (void *)t->verger) + key->offset;
}

static const void *field_in(const struct key *key, const struct settings *s,
                            const struct program_settings *p)
{
	return (const char *)(p ? (const void *)p : (const void *)s) + key->offset;
}

/* durations, yes and no, choices, numbers */

PARSE(duration)
{
	return value_duration(text, field_of(key, t), fault);
}

static bool add_duration(msec_t ms, struct text *out)
{
	char buffer[DURATION_SIZE];

	return text_add_string(out,
	                       ms == MSEC_NEVER ? "none" : parse_format_duration(ms, buffer)) == 0;
}

FORMAT(duration)
{
	return add_duration(*(const msec_t *)field_in(key, s, p), out);
}

PARSE(deadline)
{
	return value_deadline(text, field_of(key, t), fault);
}

FORMAT(deadline)
{
	return keytype_format_duration(key, s, p, out);
}

PARSE(bool)
{
	return value_bool(text, field_of(key, t), fault);
}

FORMAT(bool)
{
	return text_add_string(out, *(const bool *)field_in(key, s, p) ? "yes" : "no") == 0;
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
		memcpy(field_of(key, t), &index, sizeof index);
	return r;
}

FORMAT(choice)
{
	int index;

	memcpy(&index, field_in(key, s, p), sizeof index);
	return text_add_string(out, key->names[index]) == 0;
}

PARSE(percent)
{
	return value_percent(text, field_of(key, t), fault);
}

FORMAT(percent)
{
	return text_add_format(out, "%u%%", *(const unsigned *)field_in(key, s, p)) == 0;
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
	return p->nice_set && text_add_format(out, "%d", p->nice_value) == 0;
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
	return p->oom_set && text_add_format(out, "%d", p->oom_score_adj) == 0;
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
	return p->umask_value >= 0 && text_add_format(out, "%04o", (unsigned)p->umask_value) == 0;
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
	return text_add_format(out, "%04o", (unsigned)p->pidfile_mode) == 0;
}

/* paths and texts */

typedef int path_parser(const char *text, bool quoted, const char *here, struct text *out,
                        struct fault *fault);

static int parse_path(path_parser *parse, const char *text, const struct key_target *t,
                      const char **out, struct fault *fault)
{
	struct text path;
	int r;

	text_init(&path, SIZE_MAX / 2);
	r = parse(text, t->quoted, t->here, &path, fault);
	if (r == 0)
		*out = arena_intern(t->arena, text_get(&path));
	text_release(&path);
	return r;
}

static bool add_text(const char *value, struct text *out)
{
	return value && words_quote(value, out) == 0;
}

PARSE(folder)
{
	return parse_path(value_path, text, t, field_of(key, t), fault);
}

FORMAT(folder)
{
	return add_text(*(const char *const *)field_in(key, s, p), out);
}

PARSE(file)
{
	return parse_path(value_file, text, t, field_of(key, t), fault);
}

FORMAT(file)
{
	return add_text(*(const char *const *)field_in(key, s, p), out);
}

PARSE(run_dir)
{
	t->verger->run_dir_given = true;
	return parse_path(value_path, text, t, &t->verger->run_dir, fault);
}

PARSE(program_pidfile)
{
	t->draft->pidfile_given = true;
	return *text ? parse_path(value_file, text, t, &t->draft->p.pidfile, fault) : 0;
}

FORMAT(program_pidfile)
{
	return !p->pidfile || add_text(p->pidfile, out);
}

PARSE(verger_pidfile)
{
	t->verger->pidfile = NULL;
	return *text ? parse_path(value_file, text, t, &t->verger->pidfile, fault) : 0;
}

FORMAT(verger_pidfile)
{
	return !s->pidfile || add_text(s->pidfile, out);
}

static int parse_one_word(const char *text, const char **out, struct arena *arena,
                          struct fault *fault)
{
	struct strv words = STRV_INIT;
	int r = words_split(text, &words, fault);

	if (r == 0 && words.count != 1)
		r = fault_set(fault, "expected one text in quotes, got %zu", words.count);
	if (r == 0)
		*out = arena_intern(arena, words.items[0]);
	strv_release(&words);
	return r;
}

PARSE(title)
{
	const char **field = field_of(key, t);

	if (t->quoted)
		return parse_one_word(text, field, t->arena, fault);
	*field = arena_intern(t->arena, text);
	return 0;
}

FORMAT(title)
{
	return add_text(*(const char *const *)field_in(key, s, p), out);
}

static bool add_words(char *const *words, struct text *out)
{
	int r = 0;

	for (size_t i = 0; words && words[i] && r == 0; i++) {
		if (i > 0)
			r = text_add_char(out, ' ');
		if (r == 0)
			r = words_quote(words[i], out);
	}
	return words && r == 0;
}

PARSE(words)
{
	struct strv words = STRV_INIT;
	char *const *interned = NULL;
	int r = words_split(text, &words, fault);

	if (r == 0 && (words.count == 0 || !*words.items[0]))
		r = fault_set(fault, "there is no program to run in '%.80s'", text);
	if (r == 0) {
		interned = draft_intern_strv(t->arena, &words);
		r = interned ? 0 : -ENOMEM;
	}
	if (r == 0)
		*(char *const **)field_of(key, t) = interned;
	strv_release(&words);
	return r;
}

FORMAT(words)
{
	return add_words(*(char *const *const *)field_in(key, s, p), out);
}

/* environment */

PARSE(environment)
{
	return value_environment(text, t->environment, fault);
}

FORMAT(environment)
{
	return add_words(p ? p->environment : s->environment, out);
}

PARSE(env_files)
{
	return value_env_files(text, t->here, t->env_files, fault);
}

FORMAT(env_files)
{
	return add_words(p ? p->env_files : s->env_files, out);
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
		t->draft->p.env_inherit = arena_intern_bytes(t->arena, nothing, sizeof nothing);
	else if (r == 0)
		t->draft->p.env_inherit = draft_intern_strv(t->arena, &names);
	strv_release(&names);
	return r;
}

FORMAT(env_inherit)
{
	if (!p->env_inherit)
		return text_add_string(out, "all") == 0;
	if (!p->env_inherit[0])
		return text_add_string(out, "none") == 0;
	return add_words(p->env_inherit, out);
}

/* limits: key->min is the resource */

PARSE(limit)
{
	struct draft *d = t->draft;
	struct limit limit = { .resource = key->min };
	size_t i = 0;
	int r = value_limit(text, &limit, fault);

	if (r != 0)
		return r;
	while (i < d->limit_count && d->limits[i].resource != limit.resource)
		i++;
	if (i == DRAFT_LIMITS_MAX)
		return fault_set(fault, "more than %d limits", DRAFT_LIMITS_MAX);
	d->limits[i] = limit;
	if (i == d->limit_count)
		d->limit_count++;
	return 0;
}

static int add_bound(uint64_t bound, struct text *out)
{
	if (bound == RLIM_INFINITY)
		return text_add_string(out, "unlimited");
	return text_add_format(out, "%llu", (unsigned long long)bound);
}

FORMAT(limit)
{
	for (size_t i = 0; p->limits && i < p->limits->count; i++) {
		const struct limit *limit = &p->limits->items[i];
		int r;

		if (limit->resource != key->min)
			continue;
		r = add_bound(limit->soft, out);
		if (r == 0 && limit->hard_given)
			r = text_add_char(out, ':');
		if (r == 0 && limit->hard_given)
			r = add_bound(limit->hard, out);
		return r == 0;
	}
	return false;
}

/* exits, restarts, signals */

/* signals are written without SIG, and as numbers where they have no name */
static int add_signal(int signo, struct text *out)
{
	char name[SIGNAME_SIZE];

	signame_format(signo, name);
	if (strncmp(name, "SIG", 3) != 0)
		return text_add_format(out, "%d", signo);
	return text_add_string(out, name + 3);
}

PARSE(exit_set)
{
	struct exit_set set;
	int r;

	memset(&set, 0, sizeof set);
	r = value_exit_set(text, &set, fault);
	if (r == 0)
		*(const struct exit_set **)field_of(key, t) =
			arena_intern_bytes(t->arena, &set, sizeof set);
	return r;
}

FORMAT(exit_set)
{
	const struct exit_set *set = *(const struct exit_set *const *)field_in(key, s, p);
	size_t start = out->size;
	int r = 0;

	for (int code = 0; code < 256 && r == 0; code++)
		if (exit_set_has(set, code, 0))
			r = text_add_format(out, out->size > start ? " %d" : "%d", code);
	for (int signo = 1; signo <= 64 && r == 0; signo++) {
		if (!exit_set_has(set, 0, signo))
			continue;
		if (out->size > start)
			r = text_add_char(out, ' ');
		if (r == 0)
			r = add_signal(signo, out);
	}
	return r == 0;
}

PARSE(start_limit)
{
	struct program_settings *program = &t->draft->p;

	return value_start_limit(text, &program->start_limit_count, &program->start_limit_window_ms,
	                         fault);
}

FORMAT(start_limit)
{
	if (p->start_limit_count == 0)
		return text_add_string(out, "none") == 0;
	return text_add_format(out, "%u/", p->start_limit_count) == 0 &&
	       add_duration(p->start_limit_window_ms, out);
}

PARSE(stop_signal)
{
	return value_stop_steps(text, t->draft->stop_steps, &t->draft->stop_count, fault);
}

FORMAT(stop_signal)
{
	for (size_t i = 0; i < p->stop->count; i++) {
		if ((i > 0 && text_add_char(out, ' ') < 0) ||
		    add_signal(p->stop->steps[i].signal, out) < 0 || text_add_char(out, '/') < 0 ||
		    !add_duration(p->stop->steps[i].wait_ms, out))
			return false;
	}
	return true;
}

PARSE(stop_timeout)
{
	return value_duration(text, &t->draft->stop_timeout_ms, fault);
}

static const struct forward_rules *intern_rules(struct arena *arena,
                                                const struct forward_rule *rules, size_t count)
{
	size_t size = sizeof(struct forward_rules) + count * sizeof *rules;
	_cleanup_free_ struct forward_rules *copy = calloc(1, size);

	if (!copy)
		return NULL;
	copy->count = count;
	memcpy(copy->rules, rules, count * sizeof *rules);
	return arena_intern_bytes(arena, copy, size);
}

PARSE(forward)
{
	struct forward_rule rules[VALUE_FORWARD_MAX];
	size_t count;
	int r = value_forward(text, rules, &count, fault);

	if (r != 0)
		return r;
	t->draft->p.forward = count ? intern_rules(t->arena, rules, count) : NULL;
	return count && !t->draft->p.forward ? -ENOMEM : 0;
}

static bool forwards_all(const struct forward_rules *rules)
{
	struct forward_rule all[VALUE_FORWARD_MAX];
	struct fault fault;
	size_t count = 0;

	return value_forward("all", all, &count, &fault) == 0 && count == rules->count &&
	       !memcmp(all, rules->rules, count * sizeof *all);
}

static int add_rule(const struct forward_rule *rule, struct text *out)
{
	int r = add_signal(rule->from, out);

	if (r < 0 || rule->to == rule->from)
		return r;
	r = text_add_char(out, ':');
	if (r < 0)
		return r;
	return rule->to ? add_signal(rule->to, out) : text_add_char(out, '0');
}

FORMAT(forward)
{
	int r = 0;

	if (!p->forward)
		return text_add_string(out, "none") == 0;
	if (forwards_all(p->forward))
		return text_add_string(out, "all") == 0;
	for (size_t i = 0; i < p->forward->count && r == 0; i++) {
		if (i > 0)
			r = text_add_char(out, ' ');
		if (r == 0)
			r = add_rule(&p->forward->rules[i], out);
	}
	return r == 0;
}

PARSE(ready)
{
	if (!strcmp(text, "exec"))
		return 0;
	return fault_set(
		fault,
		"expected exec, got '%.80s' (this version knows no other proof of readiness)",
		text);
}

/* streams */

PARSE(stream)
{
	struct stream *stream = field_of(key, t);
	bool input = key->offset == offsetof(struct program_settings, stdin_stream);
	bool error = key->offset == offsetof(struct program_settings, stderr_stream);

	if (!strcmp(text, "null")) {
		*stream = (struct stream){ .kind = STREAM_NULL };
	} else if (!strcmp(text, "inherit")) {
		*stream = (struct stream){ .kind = STREAM_INHERIT };
	} else if (error && !strcmp(text, "stdout")) {
		*stream = (struct stream){ .kind = STREAM_STDOUT };
	} else if (!input && (!strcmp(text, "syslog") || !strcmp(text, "journal"))) {
		return fault_set(
			fault,
			"this version cannot send output to '%s' yet (a file of that name is ./%s)",
			text, text);
	} else {
		const char *path;
		int r = parse_path(value_file, text, t, &path, fault);

		if (r != 0)
			return r;
		*stream = (struct stream){ .kind = STREAM_FILE, .path = path };
	}
	return 0;
}

FORMAT(stream)
{
	const struct stream *stream = field_in(key, s, p);

	switch (stream->kind) {
	case STREAM_NULL: return text_add_string(out, "null") == 0;
	case STREAM_INHERIT: return text_add_string(out, "inherit") == 0;
	case STREAM_STDOUT: return text_add_string(out, "stdout") == 0;
	case STREAM_FILE: return add_text(stream->path, out);
	}
	return false;
}

PARSE(log)
{
	const char *path;
	int r;

	t->verger->log_path = NULL;
	if (!strcmp(text, "stderr")) {
		t->verger->log_target = LOG_TARGET_STDERR;
		return 0;
	}
	if (!strcmp(text, "syslog")) {
		t->verger->log_target = LOG_TARGET_SYSLOG;
		return 0;
	}
	if (!strcmp(text, "journal"))
		return fault_set(fault, "this version cannot log to the journal yet (a file of "
		                        "that name is ./journal)");
	r = parse_path(value_file, text, t, &path, fault);
	if (r != 0)
		return r;
	t->verger->log_target = LOG_TARGET_FILE;
	t->verger->log_path = path;
	return 0;
}

FORMAT(log)
{
	switch (s->log_target) {
	case LOG_TARGET_STDERR: return text_add_string(out, "stderr") == 0;
	case LOG_TARGET_SYSLOG: return text_add_string(out, "syslog") == 0;
	case LOG_TARGET_FILE: return add_text(s->log_path, out);
	}
	return false;
}

/* what is looked up when all keys are read */

PARSE(user)
{
	t->draft->user = arena_intern(t->scratch, text);
	return 0;
}

FORMAT(user)
{
	const struct credentials *c = p->credentials;

	if (c && c->user_name)
		return add_text(c->user_name, out);
	return c && c->set_user && text_add_format(out, "%u", (unsigned)c->uid) == 0;
}

PARSE(group)
{
	t->draft->group = arena_intern(t->scratch, text);
	return 0;
}

FORMAT(group)
{
	return p->credentials && p->credentials->set_group &&
	       text_add_format(out, "%u", (unsigned)p->credentials->gid) == 0;
}

PARSE(owner)
{
	t->draft->pidfile_owner = arena_intern(t->scratch, text);
	return 0;
}

FORMAT(owner)
{
	bool has_user = p->pidfile_uid != (uid_t)-1, has_group = p->pidfile_gid != (gid_t)-1;

	if (!has_user && !has_group)
		return false;
	if (has_user && text_add_format(out, "%u", (unsigned)p->pidfile_uid) < 0)
		return false;
	return !has_group || text_add_format(out, ":%u", (unsigned)p->pidfile_gid) == 0;
}

PARSE(requires)
{
	t->draft->requires = arena_intern(t->scratch, text);
	return 0;
}

PARSE(after)
{
	t->draft->after = arena_intern(t->scratch, text);
	return 0;
}

static bool add_dependencies(const struct settings *s, const struct program_settings *p,
                             bool required, struct text *out)
{
	size_t start = out->size;

	for (size_t i = 0; p->depends && i < p->depends->count; i++) {
		const struct dependency *d = &p->depends->items[i];

		if (d->required == required &&
		    text_add_format(out, "%s%s:%s", out->size > start ? " " : "",
		                    s->programs[d->program].name,
		                    condition_names[d->condition]) < 0)
			return false;
	}
	return out->size > start;
}

FORMAT(requires)
{
	return add_dependencies(s, p, true, out);
}

FORMAT(after)
{
	return add_dependencies(s, p, false, out);
}

FORMAT(exit_code_from)
{
	return s->exit_code_from != NO_PROGRAM &&
	       text_add_string(out, s->programs[s->exit_code_from].name) == 0;
}
