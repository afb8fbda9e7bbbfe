/* SPDX-License-Identifier: MIT */
/* From a file that was edited to a supervisor that lives by it.  What the difference means for
 * programs is core/reload.h. */
#include "daemon/reload.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "config/diff.h"
#include "config/load.h"
#include "config/origin.h"
#include "core/goal.h"
#include "core/reload.h"
#include "daemon/desk.h"

enum { KEYS_MAX = 128, SENTENCE_MAX = 4096 };

/* a reload under way */
struct reload {
	struct daemon *d;
	struct settings *fresh; /* owned until it is applied */
	struct conf_diff *diff;
	struct reload_plan plan;
};

static void release(struct reload *r)
{
	reload_plan_release(&r->plan);
	conf_diff_free(r->diff);
	settings_free(r->fresh);
}

/* --- telling the plan --- */

/* the keys of one change; the texts are kept until the change is told */
struct changed_keys {
	struct host_key_change items[KEYS_MAX];
	size_t count;
	struct arena *texts;
};

static const char *keep(struct changed_keys *keys, const char *text)
{
	return text ? arena_intern(keys->texts, text) : NULL;
}

static void collect_key(void *arg, const char *key, const char *old_value, const char *new_value)
{
	struct changed_keys *keys = arg;

	if (keys->count < KEYS_MAX)
		keys->items[keys->count++] = (struct host_key_change){
			.key = keep(keys, key),
			.old_value = keep(keys, old_value),
			.new_value = keep(keys, new_value),
		};
}

static void tell_verger(const struct reload *r, const struct host_plan_sink *sink,
                        struct changed_keys *keys)
{
	keys->count = 0;
	conf_diff_verger_keys(r->diff, collect_key, keys);
	if (keys->count)
		sink->change(sink->context, NULL, "daemon", keys->items, keys->count);
}

static void tell_step(const struct reload *r, const struct reload_step *step,
                      const struct host_plan_sink *sink, struct changed_keys *keys)
{
	const struct settings *held = r->d->settings;
	const struct program_settings *fresh =
		step->fresh == NO_PROGRAM ? NULL : &r->fresh->programs[step->fresh];
	bool is_held = step->program < held->program_count && *held->programs[step->program].name;
	const char *name = fresh ? fresh->name : held->programs[step->program].name;

	keys->count = 0;
	if (fresh && is_held)
		conf_diff_program_keys(r->diff, &held->programs[step->program], fresh, collect_key,
		                       keys);
	sink->change(sink->context, name, reload_action_names[step->action], keys->items,
	             keys->count);
}

/* 0 or -ENOMEM */
static int tell(const struct reload *r, const struct host_plan_sink *sink)
{
	struct changed_keys keys = { .texts = arena_new() };
	bool failed;

	if (!keys.texts)
		return -ENOMEM;
	tell_verger(r, sink, &keys);
	for (size_t i = 0; i < r->plan.count; i++)
		tell_step(r, &r->plan.steps[i], sink, &keys);
	sink->untouched(sink->context, r->plan.untouched);
	/* a value that there was no memory for reads as none */
	failed = arena_failed(keys.texts) || conf_diff_failed(r->diff);
	arena_free(keys.texts);
	return failed ? -ENOMEM : 0;
}

static void expect(const struct reload_plan *plan, const struct host_plan_sink *sink)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct reload_step *step = &plan->steps[i];

		switch (step->action) {
		case RELOAD_START: sink->expect(sink->context, step->program, GOAL_UP); break;
		case RELOAD_RESTART:
			sink->expect(sink->context, step->program, GOAL_RENEWED);
			break;
		case RELOAD_STOP: sink->expect(sink->context, step->program, GOAL_GONE); break;
		case RELOAD_ADD:
		case RELOAD_CHANGE: break;
		}
	}
}

/* --- the plan in the log --- */

static void log_change(void *context, const char *program, const char *action,
                       const struct host_key_change *keys, size_t key_count)
{
	struct text names;

	(void)context;
	text_init(&names, SENTENCE_MAX);
	for (size_t i = 0; i < key_count; i++)
		text_add_format(&names, "%s%s", i ? ", " : "", keys[i].key);
	log_info(program, "reload: %s%s%s", program ? action : "changed", key_count ? ": " : "",
	         text_get(&names));
	text_release(&names);
}

static void log_untouched(void *context, size_t count)
{
	(void)context;
	log_info(NULL, "reload: %zu program%s untouched", count, count == 1 ? " is" : "s are");
}

static void ignore_expectation(void *context, uint32_t program, int goal)
{
	(void)context;
	(void)program;
	(void)goal;
}

static const struct host_plan_sink plan_log = {
	.change = log_change,
	.expect = ignore_expectation,
	.untouched = log_untouched,
};

/* --- applying it --- */

/* Where vergerd's log goes may have changed; what cannot be opened leaves the log where it was. */
static void follow_log(struct daemon *d, const struct settings *before)
{
	const struct settings *s = d->settings;
	bool same_path = s->log_path && before->log_path && !strcmp(s->log_path, before->log_path);
	struct logtarget_wish wish = logtarget_wish(s);
	int r;

	log_set_level(s->log_level);
	logtarget_set_json(d->logtarget, s->log_json);
	if (!d->log_behind && s->log_target == before->log_target &&
	    (same_path || s->log_target != LOG_TARGET_FILE))
		return;
	r = logtarget_change(d->logtarget, &wish);
	d->log_behind = r < 0;
	if (r < 0)
		log_error(NULL, "log %s: %s; the log stays where it was", logtarget_name(&wish),
		          strerror(-r));
}

/* Published PID files hold the path that their settings held. */
static void follow_paths(struct daemon *d)
{
	for (size_t i = 0; i < d->settings->program_count; i++)
		if (d->units[i].pidfile.path)
			pidfile_rename_path(&d->units[i].pidfile, d->settings->programs[i].pidfile);
}

/* what lives as long as `settings`, but is made of them */
static void follow(struct daemon *d)
{
	follow_paths(d);
	capture_on_reload(d->capture, d->settings);
	desk_on_reload(d->desk);
	d->reloads++;
	d->loaded_us = clock_realtime_us();
}

static int apply(struct reload *r, const struct host_plan_sink *sink)
{
	struct daemon *d = r->d;
	struct settings before = *d->settings;
	struct arena *texts = arena_new();
	int result;

	if (!texts)
		return -ENOMEM;
	before.log_path = before.log_path ? arena_intern(texts, before.log_path) : NULL;
	result = arena_failed(texts) ? -ENOMEM : daemon_reserve(d, r->plan.place_count);
	descriptors_reserve(&d->descriptors, r->plan.place_count + capture_descriptors(r->fresh));
	if (result == 0)
		result = families_reserve(d->families, r->plan.place_count);
	if (result == 0)
		result = supervisor_reload(d->supervisor, r->fresh, &r->plan, clock_monotonic_ms(),
		                           &d->effects);
	if (result == 0) {
		r->fresh = NULL;
		follow_log(d, &before);
		follow(d);
		if (sink)
			expect(&r->plan, sink);
		daemon_carry_out(d);
	}
	arena_free(texts);
	return result;
}

/* --- the whole of it --- */

static enum host_reload_result result_of(int r)
{
	return r == 0 ? HOST_RELOAD_DONE
	              : (r == -ESHUTDOWN ? HOST_RELOAD_SHUTDOWN : HOST_RELOAD_NO_MEMORY);
}

/* where in the files a key of [verger] stands */
struct place {
	const char *key;
	struct diags *diags;
	bool told;
};

static void refuse_at(struct place *place, const char *file, unsigned line)
{
	diags_add(place->diags, DIAG_ERROR, file, line, "verger", place->key,
	          "cannot be changed while vergerd runs; put the old value back, or stop vergerd "
	          "and start it again");
	place->told = true;
}

static void on_origin(void *arg, const struct conf_origin *origin)
{
	struct place *place = arg;

	if (origin->program == NO_PROGRAM && origin->file && !strcmp(origin->key, place->key))
		refuse_at(place, origin->file, origin->line);
}

static void refuse_fixed(const struct reload *r, const char *key, struct diags *diags)
{
	const struct conf_source *source = r->d->source;
	struct place place = { .key = key, .diags = diags };
	struct diags ignored = DIAGS_INIT;
	struct settings *again = NULL;

	conf_origins(source->path, &source->context, on_origin, &place, &again, &ignored);
	if (!place.told) /* it follows from another value, or from there being none */
		refuse_at(&place, source->path, 1);
	settings_free(again);
	diags_release(&ignored);
}

static enum host_reload_result plan_and_apply(struct reload *r, bool dry_run,
                                              const struct host_plan_sink *sink,
                                              struct diags *diags)
{
	const char *fixed;

	r->diff = conf_diff_new(r->d->settings, r->fresh);
	if (!r->diff)
		return HOST_RELOAD_NO_MEMORY;
	fixed = conf_diff_fixed(r->diff);
	if (fixed) {
		refuse_fixed(r, fixed, diags);
		return HOST_RELOAD_FAULTY;
	}
	if (reload_plan_make(&r->plan, r->d->supervisor, r->fresh, conf_diff_program, r->diff) < 0)
		return HOST_RELOAD_NO_MEMORY;
	if (conf_diff_failed(r->diff) || (sink && tell(r, sink) < 0))
		return HOST_RELOAD_NO_MEMORY;
	if (!dry_run && log_wants(LOG_LEVEL_INFO))
		tell(r, &plan_log);
	return dry_run ? HOST_RELOAD_DONE : result_of(apply(r, sink));
}

enum host_reload_result reload_run(struct daemon *d, bool dry_run,
                                   const struct host_plan_sink *sink, struct diags *diags)
{
	struct reload r = { .d = d, .plan = RELOAD_PLAN_INIT };
	enum host_reload_result result;

	if (!d->source->path)
		return HOST_RELOAD_NO_FILE;
	if (supervisor_is_shutting_down(d->supervisor))
		return HOST_RELOAD_SHUTDOWN;
	if (conf_load(d->source->path, &d->source->context, &r.fresh, diags) != CONF_OK)
		return HOST_RELOAD_FAULTY;
	result = plan_and_apply(&r, dry_run, sink, diags);
	release(&r);
	daemon_trim_soon(d);
	return result;
}

/* --- HUP --- */

static void log_faults(const struct diags *diags)
{
	for (size_t i = 0; i < diags->count; i++)
		log_write(diags->items[i].level == DIAG_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
		          NULL, "%s:%u: %s", diags->items[i].file, diags->items[i].line,
		          diags->items[i].text);
}

void reload_on_hangup(struct daemon *d)
{
	struct diags diags = DIAGS_INIT;

	log_info(NULL, "SIGHUP: reading the configuration again");
	switch (reload_run(d, false, NULL, &diags)) {
	case HOST_RELOAD_DONE: break;
	case HOST_RELOAD_FAULTY:
		log_error(NULL, "SIGHUP: %s has faults; nothing is changed", d->source->path);
		break;
	case HOST_RELOAD_NO_FILE:
		log_info(NULL, "SIGHUP: there is no configuration file to read again");
		break;
	case HOST_RELOAD_SHUTDOWN:
		log_info(NULL, "SIGHUP: vergerd is shutting down; nothing is changed");
		break;
	case HOST_RELOAD_NO_MEMORY:
		log_error(NULL, "SIGHUP: %s; nothing is changed", strerror(ENOMEM));
		break;
	}
	log_faults(&diags);
	diags_release(&diags);
}
