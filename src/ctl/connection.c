/* SPDX-License-Identifier: MIT */
#include "ctl/connection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <verger/client.h>

#include "base/cleanup.h"
#include "ctl/exits.h"
#include "ctl/member.h"

#define ELSEWHERE "name another socket with -s SOCKET or $VERGER_SOCKET"

static int explain_absence(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0)
		screen_complain("%s: the symbolic link leads nowhere; " ELSEWHERE, path);
	else
		screen_complain("%s: there is no such socket: no vergerd with this run_dir is "
		                "running; start vergerd, or " ELSEWHERE,
		                path);
	return EXIT_UNREACHABLE;
}

static int explain_open(const char *path, int r)
{
	switch (-r) {
	case ENOENT: return explain_absence(path);
	case ECONNREFUSED:
		screen_complain("%s: nobody listens: a vergerd that is gone has left this socket "
		                "behind; start vergerd again, or " ELSEWHERE,
		                path);
		break;
	case ENOTSOCK: screen_complain("%s: this is no socket; " ELSEWHERE, path); break;
	case EACCES:
	case EPERM:
		screen_complain("%s: permission denied: you are neither root nor the user of that "
		                "vergerd nor in its control_group or view_group",
		                path);
		break;
	case ETIMEDOUT:
		screen_complain("%s: vergerd takes no connections: it is stopped or stuck", path);
		break;
	default: screen_complain("%s: %s", path, strerror(-r));
	}
	return EXIT_UNREACHABLE;
}

int connection_open(struct ctl *ctl)
{
	const char *said = ctl->arguments->socket;
	int r;

	ctl->socket_path = said ? strdup(said) : verger_socket_path();
	if (!ctl->socket_path) {
		screen_complain("out of memory");
		return EXIT_FAILED;
	}
	r = verger_client_open(&ctl->client, ctl->socket_path);
	if (r < 0)
		return explain_open(ctl->socket_path, r);
	verger_client_set_timeout(ctl->client, CONNECTION_PATIENCE_MS);
	return 0;
}

void connection_close(struct ctl *ctl)
{
	verger_client_close(ctl->client);
	ctl->client = NULL;
	free(ctl->socket_path);
	ctl->socket_path = NULL;
}

static int explain_no_program(const struct ctl *ctl, const json_t *p)
{
	const char *similar = member_text(p, "similar"), *name = member_text(p, "name");

	if (*similar)
		screen_complain("there is no program '%s'; did you mean '%s'?", name, similar);
	else
		screen_complain("there is no program '%s'; vergerctl status tells which there are",
		                name);
	(void)ctl;
	return EXIT_REFUSED;
}

static int explain_not_running(const struct ctl *ctl, const json_t *p)
{
	const char *name = member_text(p, "name");

	screen_complain("%s is not running: it is %s; vergerctl why %s tells more", name,
	                member_text(p, "state"), name);
	(void)ctl;
	return EXIT_NOT_RUNNING;
}

static int explain_shutdown(const struct ctl *ctl, const json_t *p)
{
	screen_complain("vergerd is shutting down and takes no more of this");
	(void)ctl, (void)p;
	return EXIT_FAILED;
}

static int explain_reason(const struct ctl *ctl, const json_t *p)
{
	screen_complain("%s", member_text(p, "reason"));
	(void)ctl;
	return EXIT_FAILED;
}

static int explain_faults(const struct ctl *ctl, const json_t *p)
{
	const json_t *faults = member_array(p, "faults"), *fault;
	size_t i;

	for (i = 0; (fault = json_array_get(faults, i)); i++)
		screen_complain("%s:%" JSON_INTEGER_FORMAT ": %s", member_text(fault, "file"),
		                member_integer(fault, "line", 0), member_text(fault, "text"));
	screen_complain("nothing has changed: the configuration has faults");
	(void)ctl;
	return EXIT_FAILED;
}

static int explain_permission(const struct ctl *ctl, const json_t *p)
{
	screen_complain("you may not use '%s' here: it is for root, the user of vergerd%s",
	                ctl->arguments->verb->name,
	                ctl->arguments->verb->role == ROLE_ADMIN
	                        ? ""
	                        : " and members of its control_group");
	(void)p;
	return EXIT_REFUSED;
}

static int explain_parameter(const struct ctl *ctl, const json_t *p)
{
	screen_complain("vergerd does not take what was given as '%s'",
	                member_text(p, "parameter"));
	(void)ctl;
	return EXIT_USAGE;
}

static int explain_method(const struct ctl *ctl, const json_t *p)
{
	screen_complain("this vergerd does not know '%s': it is of another version than vergerctl",
	                ctl->arguments->verb->name);
	(void)p;
	return EXIT_FAILED;
}

static const struct {
	const char *name;
	int (*explain)(const struct ctl *ctl, const json_t *parameters);
} errors[] = {
	{ VERGER_INTERFACE ".NoSuchProgram", explain_no_program },
	{ VERGER_INTERFACE ".NotRunning", explain_not_running },
	{ VERGER_INTERFACE ".ShuttingDown", explain_shutdown },
	{ VERGER_INTERFACE ".NoConfiguration", explain_reason },
	{ VERGER_INTERFACE ".Faults", explain_faults },
	{ VERGER_INTERFACE ".Failed", explain_reason },
	{ VERGER_INTERFACE ".Busy", explain_reason },
	{ "org.varlink.service.PermissionDenied", explain_permission },
	{ "org.varlink.service.InvalidParameter", explain_parameter },
	{ "org.varlink.service.MethodNotFound", explain_method },
	{ "org.varlink.service.MethodNotImplemented", explain_method },
	{ "org.varlink.service.InterfaceNotFound", explain_method },
};

static int explain_error(struct ctl *ctl)
{
	const json_t *parameters;
	const char *name = verger_client_error(ctl->client, &parameters);

	for (size_t i = 0; name && i < ARRAY_SIZE(errors); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].explain(ctl, parameters);
	screen_complain("vergerd answers with an error that this version does not know: %s", name);
	return EXIT_FAILED;
}

int connection_explain(struct ctl *ctl, int r)
{
	switch (-r) {
	case EREMOTE: return explain_error(ctl);
	case EPIPE: return EXIT_FAILED; /* of standard output, which main looks after */
	case ETIMEDOUT:
		screen_complain("%s: vergerd does not answer: it is stopped or stuck",
		                ctl->socket_path);
		return EXIT_UNREACHABLE;
	case ECONNRESET:
		screen_complain("%s: vergerd has ended the connection", ctl->socket_path);
		return EXIT_UNREACHABLE;
	case EBADMSG:
		screen_complain("%s: whoever answers there is no vergerd", ctl->socket_path);
		return EXIT_UNREACHABLE;
	case EMSGSIZE:
		screen_complain("%s: the answer is longer than any of vergerd is",
		                ctl->socket_path);
		return EXIT_UNREACHABLE;
	default: screen_complain("%s: %s", ctl->socket_path, strerror(-r)); return EXIT_FAILED;
	}
}

int connection_call(struct ctl *ctl, const char *method, json_t *parameters, json_t **reply)
{
	int r = verger_call(ctl->client, method, parameters, reply);

	return r < 0 ? connection_explain(ctl, r) : 0;
}

int connection_call_more(struct ctl *ctl, const char *method, json_t *parameters)
{
	int r = verger_call_more(ctl->client, method, parameters);

	return r < 0 ? connection_explain(ctl, r) : 0;
}

/* A new reference to `text` as a value; NULL after it has said why not. */
static json_t *text_value(const char *text)
{
	json_t *value = json_string(text);

	if (!value)
		screen_complain("'%s' is no UTF-8", text);
	return value;
}

json_t *connection_parameters(const struct ctl *ctl, size_t first)
{
	json_t *parameters = json_object(), *names;

	if (ctl->arguments->word_count <= first)
		return parameters;
	names = json_array();
	for (size_t i = first; i < ctl->arguments->word_count; i++) {
		json_t *name = text_value(ctl->arguments->words[i]);

		if (!name) {
			json_decref(names);
			json_decref(parameters);
			return NULL;
		}
		json_array_append_new(names, name);
	}
	json_object_set_new(parameters, "names", names);
	return parameters;
}

json_t *connection_with_text(json_t *parameters, const char *key, const char *value)
{
	json_t *text = parameters ? text_value(value) : NULL;

	if (!text) {
		json_decref(parameters);
		return NULL;
	}
	json_object_set_new(parameters, key, text);
	return parameters;
}

void connection_print_json(const struct ctl *ctl, const json_t *value)
{
	/* a terminal sees no character of the data that could steer it */
	size_t flags = JSON_COMPACT | (ctl->screen.is_terminal ? JSON_ENSURE_ASCII : 0);

	json_dumpf(value, stdout, flags);
	putchar('\n');
}
