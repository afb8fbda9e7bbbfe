/* SPDX-License-Identifier: MIT */
/* Bytes as what clients of all roles send, cut anywhere, while programs live and die and time
 * passes (B3, C3): no input may break a reply, leave a call without an end, or keep memory.
 *
 * The input is a list of records: a byte that says what happens, a byte with its detail, and for
 * bytes of a client their number and the bytes themselves.  Text of a record may stand for what is
 * long to write: see expand(). */
#include <jansson.h>
#include <signal.h>

#include "fuzz.h"
#include "control/session.h"
#include "unit/control/fakehost.h"

enum {
	CLIENTS = 4,
	RECORDS_MAX = 200,
	DB = 0,
	PROGRAMS = 5,
};

static const enum control_role roles[CLIENTS] = { ROLE_ADMIN, ROLE_VIEW, ROLE_OPERATE, ROLE_NONE };

static struct settings *cast(unsigned variant)
{
	struct settings *s = casting_new(FAKE_PROGRAMS_MAX);
	struct program_settings *db = casting_add(s, "db"), *web = casting_add(s, "web");
	struct program_settings *one, *two, *odd;

	casting_requires(s, web, db, CONDITION_READY);
	web->line = variant % 3 == 1 ? 1000 : 1;
	db->line = variant % 3 == 2 ? 7 : 1;
	one = casting_add(s, "pair:0");
	one->section = "pair";
	one->type = PROGRAM_ONESHOT;
	if (variant % 2 == 0) {
		two = casting_add(s, "pair:1");
		two->section = "pair";
		casting_group(s, "duo", one, two, NULL);
	}
	odd = casting_add(s, variant % 5 == 4 ? "new"
	                                      : "o\xff"
	                                        "dd");
	odd->restart = RESTART_ON_FAILURE;
	odd->autostart = variant % 2;
	odd->reload_signal = SIGHUP;
	s->file = "verger.ini";
	return s;
}

/* "@N" at the start of a text is the start of a call of the N-th method, so that the fuzzer need
 * not find out their names */
static void expand(const uint8_t *bytes, size_t size, struct text *out)
{
	static const char *const methods[] = {
		"Status", "Start",  "Stop",       "Restart",       "Wait",   "Signal",
		"Pid",    "Why",    "Reload",     "ReloadProgram", "Config", "Monitor",
		"Logs",   "Doctor", "ReopenLogs", "Shutdown",
	};
	size_t count = sizeof methods / sizeof *methods;

	if (size >= 2 && bytes[0] == '@') {
		text_add_format(out, "{\"method\":\"io.verger.Supervisor.%s\",\"parameters\":",
		                methods[bytes[1] % count]);
		bytes += 2;
		size -= 2;
	}
	text_add(out, (const char *)bytes, size);
}

struct client {
	struct fake_client fake;
	bool open;
};

struct play {
	struct fake f;
	struct client clients[CLIENTS];
};

/* every message that was written is whole and JSON */
static void judge(struct client *c)
{
	struct fake_client *fc = &c->fake;

	while (fc->read < fc->received.size) {
		const char *at = fc->received.data + fc->read;
		size_t size = strnlen(at, fc->received.size - fc->read);
		json_error_t error;
		json_t *message;

		if (fc->read + size == fc->received.size)
			return; /* it is not written to its end */
		message = json_loadb(at, size, JSON_REJECT_DUPLICATES, &error);
		if (!message)
			fprintf(stderr, "%s: %.500s\n", error.text, at);
		fuzz_expect(json_is_object(message), "a message is a JSON object");
		fuzz_expect(json_is_object(json_object_get(message, "parameters")),
		            "and has parameters");
		json_decref(message);
		fc->read += size + 1;
	}
}

static void run(struct client *c)
{
	if (!c->open)
		return;
	fake_run(&c->fake);
	judge(c);
	fuzz_expect(c->fake.cut || c->fake.deaf || !session_is_ready(c->fake.session),
	            "what can be done is done");
	/* as the listener would */
	if (!c->fake.cut && !(session_is_over(c->fake.session) && !c->fake.deaf))
		return;
	fake_disconnect(&c->fake);
	c->open = false;
}

static void send(struct play *p, struct client *c, const uint8_t *bytes, size_t size)
{
	struct text text;

	if (!c->open) {
		fake_connect(&p->f, &c->fake, roles[c - p->clients]);
		c->open = true;
	}
	text_init(&text, 4096);
	expand(bytes, size, &text);
	if (session_wants_input(c->fake.session))
		fake_send(&c->fake, text.size ? text.data : "", text.size);
	text_release(&text);
}

static void change_world(struct play *p, uint8_t detail)
{
	uint32_t program = detail % PROGRAMS;
	struct fake *f = &p->f;

	if (!supervisor_has(f->sv, program))
		return;
	switch (detail / PROGRAMS % 9) {
	case 0: fake_exit(f, program, detail % 3, 0); break;
	case 1: fake_exit(f, program, 0, SIGKILL); break;
	case 2: f->programs[program].stubborn ^= true; break;
	case 3: f->programs[program].hung ^= true; break;
	case 4: f->programs[program].spawn_error ^= 2; break;
	case 5: f->programs[program].leftovers ^= f->programs[program].pid > 0; break;
	case 6: f->programs[program].no_output ^= true; break;
	case 7: fake_write(f, program, detail); break;
	case 8: f->programs[program].line = "by\xc3te\x80s\"\\"; break;
	}
}

static void happen(struct play *p, uint8_t what, uint8_t detail)
{
	struct client *c = &p->clients[detail % CLIENTS];

	switch (what % 8) {
	case 0: fake_pass(&p->f, (msec_t)detail * detail); break;
	case 1: change_world(p, detail); break;
	case 2:
		settings_free(p->f.fresh);
		p->f.fresh = detail % 8 ? cast(detail) : NULL;
		break;
	case 3:
		if (c->open)
			session_end_of_input(c->fake.session);
		break;
	case 4: c->fake.deaf ^= true; break;
	case 5:
		if (c->open)
			fake_disconnect(&c->fake);
		c->open = false;
		break;
	case 6:
		if (detail == 77)
			control_shutdown(p->f.control);
		break;
	default: break;
	}
}

static void expect_bounds(const struct play *p)
{
	const struct control *control = p->f.control;
	size_t output = 0;

	for (int i = 0; i < CLIENTS; i++) {
		size_t size;

		if (!p->clients[i].open)
			continue;
		session_output(p->clients[i].fake.session, &size);
		output += p->clients[i].fake.session->output.size;
		fuzz_expect(p->clients[i].fake.session->input.size <= CONTROL_MESSAGE_MAX + 4096,
		            "input is bounded");
	}
	fuzz_expect(output == control->output_size, "what waits to be written is counted");
	fuzz_expect(control->journal.size <= CONTROL_STREAM_MAX + 1024 * FAKE_PROGRAMS_MAX,
	            "events are bounded");
	fuzz_expect(supervisor_check(p->f.sv) == NULL, "the supervisor is sound");
}

/* Time passes until every wait must have come to its end. */
static void settle(struct play *p)
{
	for (int i = 0; i < CLIENTS; i++)
		p->clients[i].fake.deaf = false;
	for (int i = 0; i < CLIENTS; i++)
		run(&p->clients[i]);
	for (int guard = 0; control_deadline(p->f.control) != MSEC_NEVER; guard++) {
		msec_t deadline = control_deadline(p->f.control);

		fuzz_expect(guard < 200, "every wait ends");
		/* what somebody asked to wait for a hundred years is not played out */
		p->f.now = deadline;
		control_tick(p->f.control, deadline);
		for (int i = 0; i < CLIENTS; i++)
			run(&p->clients[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct play play;
	struct play *p = &play;

	memset(p, 0, sizeof *p);
	fake_open(&p->f, cast(0));
	for (int records = 0; size >= 2 && records < RECORDS_MAX; records++) {
		uint8_t what = data[0], detail = data[1];

		data += 2;
		size -= 2;
		if (what & 0x80) {
			size_t n = size < detail ? size : detail;

			send(p, &p->clients[what % CLIENTS], data, n);
			data += n;
			size -= n;
			if (what & 0x40) /* the end of a message */
				send(p, &p->clients[what % CLIENTS], (const uint8_t *)"", 1);
		} else {
			happen(p, what, detail);
		}
		for (int i = 0; i < CLIENTS; i++)
			run(&p->clients[i]);
		expect_bounds(p);
	}
	settle(p);
	for (int i = 0; i < CLIENTS; i++)
		if (p->clients[i].open)
			fake_disconnect(&p->clients[i].fake);
	fuzz_expect(p->f.control->vigils == 0 && p->f.control->streams == 0 &&
	                    p->f.control->output_size == 0 && p->f.control->journal.size == 0,
	            "nothing is left of clients that are gone");
	fake_close(&p->f);
	return 0;
}
