/* SPDX-License-Identifier: MIT */
/* Answers to "what holds, and where does it come from?" and "what is wrong here?".  Changes
 * nothing. */
#include "daemon/inventory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "config/keys.h"
#include "config/load.h"
#include "config/origin.h"
#include "daemon/desk.h"

enum { SENTENCE_MAX = 1024 };

/* --- values --- */

struct listing {
	const struct daemon *daemon;
	bool (*selected)(void *arg, uint32_t program);
	void (*value)(void *arg, const struct host_value *value);
	void *arg;
	const struct settings *fresh; /* what the file says now */
	struct text held;
};

/* the id of a program of the file among those that run; NO_PROGRAM if it is new */
static uint32_t find_held(const struct settings *held, const char *name)
{
	for (size_t i = 0; i < held->program_count; i++)
		if (!strcmp(held->programs[i].name, name))
			return (uint32_t)i;
	return NO_PROGRAM;
}

static bool differs(const char *a, const char *b)
{
	return (a && b) ? strcmp(a, b) != 0 : a != b;
}

static void tell_value(struct listing *l, uint32_t held, const struct conf_origin *origin)
{
	const char *value;

	text_reset(&l->held);
	value = conf_value(l->daemon->settings, held, origin->key, &l->held) > 0
	                ? text_get(&l->held)
	                : NULL;
	if (!value && !origin->value)
		return;
	l->value(l->arg, &(struct host_value){
				 .section = origin->section,
				 .key = origin->key,
				 .value = value,
				 .file = origin->file,
				 .line = origin->line,
				 .differs = differs(value, origin->value)
	                                            ? (origin->value ? origin->value : "")
	                                            : NULL,
			 });
}

/* "program:web:0" → "web:0" */
static const char *name_of_section(const char *section)
{
	const char *colon = strchr(section, ':');

	return colon ? colon + 1 : section;
}

static void on_origin(void *arg, const struct conf_origin *origin)
{
	struct listing *l = arg;
	uint32_t held = NO_PROGRAM;

	if (origin->program != NO_PROGRAM) {
		held = find_held(l->daemon->settings, name_of_section(origin->section));
		if (held == NO_PROGRAM)
			return;
	}
	if (l->selected(l->arg, held))
		tell_value(l, held, origin);
}

/* without a file every value stands by itself */
static void list_held(struct listing *l, uint32_t program, const char *section,
                      enum key_place place)
{
	for (size_t i = 0; i < config_key_count; i++) {
		const struct key *key = &config_keys[i];

		text_reset(&l->held);
		if (key->places & place &&
		    conf_value(l->daemon->settings, program, key->name, &l->held) > 0)
			l->value(l->arg, &(struct host_value){ .section = section,
			                                       .key = key->name,
			                                       .value = text_get(&l->held) });
	}
}

static void list_without_file(struct listing *l)
{
	const struct settings *s = l->daemon->settings;
	char section[SENTENCE_MAX];

	if (l->selected(l->arg, NO_PROGRAM))
		list_held(l, NO_PROGRAM, "verger", KEY_IN_VERGER);
	for (uint32_t i = 0; i < s->program_count; i++) {
		if (!*s->programs[i].name || !l->selected(l->arg, i))
			continue;
		snprintf(section, sizeof section, "program:%s", s->programs[i].name);
		list_held(l, i, section, KEY_IN_PROGRAM);
	}
}

int inventory_config(void *context, bool (*selected)(void *arg, uint32_t program),
                     void (*value)(void *arg, const struct host_value *value), void *arg,
                     struct diags *faults)
{
	const struct daemon *d = context;
	struct listing l = { .daemon = d, .selected = selected, .value = value, .arg = arg };
	struct settings *fresh = NULL;
	int r = 0;

	text_init(&l.held, SIZE_MAX / 2);
	if (!d->source->path) {
		list_without_file(&l);
		r = -ENOENT;
	} else if (conf_origins(d->source->path, &d->source->context, on_origin, &l, &fresh,
	                        faults) != CONF_OK) {
		/* the file is broken: what holds is told all the same */
		list_without_file(&l);
	}
	settings_free(fresh);
	text_release(&l.held);
	return r;
}

/* --- findings --- */

struct doctor {
	const struct daemon *daemon;
	void (*finding)(void *arg, enum finding_level level, const char *subject, const char *text,
	                const char *advice);
	void *arg;
};

__attribute__((format(printf, 5, 6))) static void find(const struct doctor *doc,
                                                       enum finding_level level,
                                                       const char *subject, const char *advice,
                                                       const char *format, ...)
{
	char text[SENTENCE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	doc->finding(doc->arg, level, subject, text, advice);
}

static void examine_kernel(const struct doctor *doc)
{
	const struct probe *p = doc->daemon->probe;

	if (p->pidfd)
		find(doc, FINDING_GOOD, "pidfd", NULL,
		     "processes are signalled and awaited through pidfds");
	else
		find(doc, FINDING_WARNING, "pidfd", "use Linux 5.4 or later",
		     "this kernel or sandbox has no pidfds: signals go by number");
	if (p->cgroup_dir)
		find(doc, FINDING_GOOD, "cgroup", NULL, "each program has a control group below %s",
		     p->cgroup_dir);
	else
		find(doc, FINDING_NOTE, "cgroup", NULL,
		     "no control groups (%s): families are followed by looking at processes",
		     p->cgroup_reason);
	if (!p->subreaper)
		find(doc, FINDING_WARNING, "subreaper",
		     "run vergerd as PID 1 or outside the sandbox",
		     "processes that leave their parent cannot be followed here");
	if (p->spawn_mode == SPAWN_FORK)
		find(doc, FINDING_NOTE, "spawn", NULL, "starts by fork, one at a time (%s)",
		     p->spawn_reason);
}

static void examine_descriptors(const struct doctor *doc)
{
	const struct daemon *d = doc->daemon;
	size_t need = d->settings->program_count;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	if (limit.rlim_cur < need + 64)
		find(doc, FINDING_BAD, "descriptors", "raise the limit of open files (ulimit -Hn)",
		     "%zu programs need a descriptor each and %ju are allowed", need,
		     (uintmax_t)limit.rlim_cur);
	else
		find(doc, FINDING_GOOD, "descriptors", NULL, "%ju allowed, %zu programs",
		     (uintmax_t)limit.rlim_cur, need);
}

static void examine_run_dir(const struct doctor *doc)
{
	const char *run_dir = doc->daemon->settings->run_dir;

	if (!run_dir)
		find(doc, FINDING_NOTE, "run_dir", "set run_dir, or XDG_RUNTIME_DIR",
		     "there is none: no default PID files and no default control socket");
	else if (access(run_dir, W_OK) < 0)
		find(doc, FINDING_BAD, "run_dir", "make it writable: PID files are kept there",
		     "%s: %s", run_dir, strerror(errno));
	else
		find(doc, FINDING_GOOD, "run_dir", NULL, "%s is writable", run_dir);
	if (doc->daemon->desk && !desk_is_reachable(doc->daemon->desk))
		find(doc, FINDING_BAD, "control_socket", "restart vergerd when you can",
		     "%s was removed or replaced: new clients cannot come",
		     doc->daemon->settings->control_socket);
}

/* the file as it is now, against what holds */
static void examine_file(const struct doctor *doc)
{
	const struct daemon *d = doc->daemon;
	struct diags diags = DIAGS_INIT;
	struct settings *fresh = NULL;
	struct stat st;

	if (!d->source->path) {
		find(doc, FINDING_NOTE, "configuration", NULL,
		     "given on the command line: there is no file to reload");
		return;
	}
	if (conf_load(d->source->path, &d->source->context, &fresh, &diags) != CONF_OK)
		find(doc, FINDING_BAD, "configuration", "see `vergerctl check`",
		     "%s has %zu fault%s: vergerd could not start with it", d->source->path,
		     diags.error_count, diags.error_count == 1 ? "" : "s");
	else if (stat(d->source->path, &st) == 0 &&
	         (int64_t)st.st_mtim.tv_sec * 1000000 > d->loaded_us)
		find(doc, FINDING_NOTE, "configuration",
		     "`vergerctl reload --dry-run` shows what would change",
		     "%s was edited since it was read", d->source->path);
	else
		find(doc, FINDING_GOOD, "configuration", NULL, "%s is valid and in force",
		     d->source->path);
	settings_free(fresh);
	diags_release(&diags);
}

static void examine_programs(const struct doctor *doc)
{
	const struct daemon *d = doc->daemon;

	for (uint32_t i = 0; i < d->settings->program_count; i++) {
		const char *name = daemon_name(d, i);
		struct program_status status;
		char advice[SENTENCE_MAX];

		if (!supervisor_has(d->supervisor, i))
			continue;
		supervisor_status(d->supervisor, i, &status);
		snprintf(advice, sizeof advice, "`vergerctl why %s` tells more", name);
		if (status.state == LIFE_FAILED)
			find(doc, FINDING_BAD, name, advice, "has failed for good");
		else if (status.state == LIFE_BACKOFF)
			find(doc, FINDING_WARNING, name, advice,
			     "does not stay up: %u failed starts", status.failures);
		else if (status.state == LIFE_KILLING)
			find(doc, FINDING_BAD, name, advice,
			     "cannot be killed: a process of it is stuck in the kernel");
	}
}

static void examine_memory(const struct doctor *doc)
{
	int64_t kills = doc->daemon->oom_kills;

	if (kills > 0)
		find(doc, FINDING_NOTE, "memory", "the kernel's log names them (dmesg)",
		     "the kernel has killed %" PRId64
		     " processes for want of memory since it was started",
		     kills);
}

void inventory_doctor(void *context,
                      void (*finding)(void *arg, enum finding_level level, const char *subject,
                                      const char *text, const char *advice),
                      void *arg)
{
	const struct doctor doc = { .daemon = context, .finding = finding, .arg = arg };

	examine_file(&doc);
	examine_run_dir(&doc);
	examine_kernel(&doc);
	examine_descriptors(&doc);
	examine_memory(&doc);
	examine_programs(&doc);
}
