/* SPDX-License-Identifier: MIT */
/* Follows `requires` against its direction, as a stop does. */
#include "control/downfall.h"

#include <errno.h>
#include <stdlib.h>

static bool is_concerned(const struct control_host *host, uint32_t program);

static bool requires_marked(const struct control_host *host, const struct program_settings *s,
                            const bool *marked)
{
	const struct dependencies *deps = s->depends;

	for (size_t i = 0; deps && i < deps->count; i++)
		if (deps->items[i].required && marked[deps->items[i].program] &&
		    is_concerned(host, deps->items[i].program))
			return true;
	return false;
}

static bool is_concerned(const struct control_host *host, uint32_t program)
{
	struct program_status st;

	if (!selection_is_there(host->supervisor, host->settings, program))
		return false;
	supervisor_status(host->supervisor, program, &st);
	return st.wanted || life_state_is_active(st.state);
}

/* one round: those that require a marked one; how many were added */
static size_t mark_dependents(const struct control_host *host, bool *marked)
{
	const struct settings *s = host->settings;
	size_t added = 0;

	for (uint32_t i = 0; i < s->program_count; i++) {
		if (marked[i] || !s->programs[i].depends ||
		    !requires_marked(host, &s->programs[i], marked) || !is_concerned(host, i))
			continue;
		marked[i] = true;
		added++;
	}
	return added;
}

int downfall_add(struct selection *sel, const struct control_host *host)
{
	size_t programs = host->settings->program_count;
	bool *marked = calloc(programs ? programs : 1, sizeof *marked);

	if (!marked)
		return -ENOMEM;
	for (size_t i = 0; i < sel->count; i++)
		marked[sel->ids[i]] = true;
	while (mark_dependents(host, marked))
		;
	/* a selection has room for every program */
	sel->count = 0;
	for (uint32_t i = 0; i < programs; i++)
		if (marked[i])
			sel->ids[sel->count++] = i;
	free(marked);
	return 0;
}

static msec_t add_times(msec_t a, msec_t b)
{
	return a > MSEC_NEVER - b ? MSEC_NEVER : a + b;
}

static msec_t time_of(const struct program_settings *s)
{
	msec_t sum = 0;

	for (size_t i = 0; s->stop && i < s->stop->count; i++)
		sum = add_times(sum, s->stop->steps[i].wait_ms);
	return sum;
}

msec_t downfall_time(const struct selection *sel, const struct control_host *host, bool in_turn)
{
	msec_t longest = 0, sum = 0;

	for (size_t i = 0; i < sel->count; i++) {
		const struct program_settings *s = &host->settings->programs[sel->ids[i]];
		msec_t ms = time_of(s);

		if (in_turn && s->depends)
			sum = add_times(sum, ms);
		else if (ms > longest)
			longest = ms;
	}
	return add_times(longest, sum);
}
