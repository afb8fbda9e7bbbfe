/* SPDX-License-Identifier: MIT */
/* doctor: what keeps vergerctl from vergerd, seen from here; whether the PID files are true; and
 * what vergerd says of itself. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <verger/client.h>
#include <verger/pidfile.h>

#include "base/cleanup.h"
#include "ctl/connection.h"
#include "ctl/exits.h"
#include "ctl/finding.h"
#include "ctl/member.h"
#include "ctl/names.h"

/* looks at a program that restarts just now, before its file is called false */
enum { LOOKS_MAX = 5, NAME_SIZE = 4096 };

/* --- the socket --- */

/* "vergerd.pid" beside the socket, which is where it is unless the configuration says otherwise */
static char *pidfile_beside(const char *socket)
{
	const char *slash = strrchr(socket, '/');
	char *path = NULL;

	if (asprintf(&path, "%.*svergerd.pid", slash ? (int)(slash - socket) + 1 : 0, socket) < 0)
		return NULL;
	return path;
}

static void look_for_vergerd(struct findings *f, const char *socket)
{
	_cleanup_free_ char *path = pidfile_beside(socket);
	_cleanup_fd_ int fd = -1;
	pid_t pid = 0;

	if (!path)
		return;
	fd = verger_pidfile_open(path, &pid);
	if (fd >= 0)
		finding_add(f, FINDING_BAD, "vergerd",
		            "does its configuration say control_socket? -s SOCKET names another",
		            "it runs (PID %d in %s), but does not answer at %s", (int)pid, path,
		            socket);
	else if (fd == -ENOENT)
		finding_add(f, FINDING_NOTE, "vergerd",
		            "start vergerd, or name another socket with -s",
		            "there is no %s either: no vergerd has this run_dir", path);
	else if (fd == -ESRCH)
		finding_add(f, FINDING_NOTE, "vergerd",
		            "start vergerd again: it tidies up what is left",
		            "%s names a process that is gone: it was killed", path);
	else
		finding_add(f, FINDING_NOTE, "vergerd", "", "%s: %s", path, strerror(-fd));
}

static const char *user_name(uid_t uid, char out[NAME_SIZE])
{
	struct passwd entry, *found = NULL;

	if (getpwuid_r(uid, &entry, out, NAME_SIZE, &found) != 0 || !found)
		snprintf(out, NAME_SIZE, "user %u", (unsigned)uid);
	return found ? found->pw_name : out;
}

static const char *group_name(gid_t gid, char out[NAME_SIZE])
{
	struct group entry, *found = NULL;

	if (getgrgid_r(gid, &entry, out, NAME_SIZE, &found) != 0 || !found)
		snprintf(out, NAME_SIZE, "group %u", (unsigned)gid);
	return found ? found->gr_name : out;
}

static void tell_owner(struct findings *f, const char *path, const struct stat *st)
{
	char owner[NAME_SIZE], group[NAME_SIZE], you[NAME_SIZE];

	finding_add(f, FINDING_NOTE, "socket", "", "%s belongs to %s:%s, mode %04o; you are %s",
	            path, user_name(st->st_uid, owner), group_name(st->st_gid, group),
	            (unsigned)st->st_mode & 07777, user_name(geteuid(), you));
}

static void tell_no_connection(struct findings *f, const char *path, int r)
{
	switch (-r) {
	case ECONNREFUSED:
		finding_add(f, FINDING_BAD, "socket", "start vergerd again: it replaces the socket",
		            "%s is stale: the vergerd that made it is gone", path);
		break;
	case EACCES:
	case EPERM:
		finding_add(f, FINDING_BAD, "socket",
		            "become root, or ask for membership in its control_group or view_group",
		            "you may not connect to %s", path);
		break;
	case ENOTSOCK:
		finding_add(f, FINDING_BAD, "socket", "name another with -s SOCKET",
		            "%s is no socket", path);
		break;
	case ETIMEDOUT:
		finding_add(f, FINDING_BAD, "vergerd",
		            "is it stopped (SIGSTOP) or under a debugger?",
		            "nobody takes connections at %s", path);
		break;
	default: finding_add(f, FINDING_BAD, "socket", "", "%s: %s", path, strerror(-r));
	}
}

/* Connects; false after it has told why that cannot be. */
static bool look_at_socket(struct findings *f)
{
	struct ctl *ctl = f->ctl;
	const char *said = ctl->arguments->socket, *path;
	struct stat st;
	int r;

	ctl->socket_path = said ? strdup(said) : verger_socket_path();
	path = ctl->socket_path;
	if (!path)
		return false;
	if (lstat(path, &st) < 0) {
		finding_add(f, FINDING_BAD, "socket", "", "%s: %s", path, strerror(errno));
		look_for_vergerd(f, path);
		return false;
	}
	tell_owner(f, path, &st);
	r = verger_client_open(&ctl->client, path);
	if (r == 0) {
		verger_client_set_timeout(ctl->client, CONNECTION_PATIENCE_MS);
		finding_add(f, FINDING_GOOD, "socket", "", "vergerd listens at %s", path);
		return true;
	}
	tell_no_connection(f, path, r);
	look_for_vergerd(f, path);
	return false;
}

/* --- PID files --- */

/* Whether the file says what vergerd says; *found is what the file says, 0 for none. */
static bool is_true(const char *path, pid_t told, pid_t *found)
{
	int fd = verger_pidfile_open(path, found);

	if (fd >= 0)
		close(fd);
	else
		*found = 0;
	return fd >= 0 ? *found == told : fd == -ENOENT && told == 0;
}

/* Asks for the program again: it may have restarted between the answer and the look.  Borrowed from
 * *again, which the caller owns. */
static const json_t *ask_again(struct findings *f, const char *name, json_t **again)
{
	json_t *parameters = json_pack("{s:[s], s:[s, s, s]}", "names", name, "fields", "name",
	                               "pid", "pidfile");

	if (connection_call(f->ctl, "Status", parameters, again) != 0) {
		*again = NULL;
		return NULL;
	}
	return json_array_get(member_array(*again, "programs"), 0);
}

static bool is_true_at_last(struct findings *f, const json_t *program, pid_t *told, pid_t *found)
{
	const char *name = member_text(program, "name");

	for (int i = 0; i < LOOKS_MAX; i++) {
		json_t *again;

		program = ask_again(f, name, &again);
		*told = (pid_t)member_integer(program, "pid", 0);
		if (is_true(member_text(program, "pidfile"), *told, found)) {
			json_decref(again);
			return true;
		}
		json_decref(again);
	}
	return false;
}

static void tell_false(struct findings *f, const json_t *program, pid_t told, pid_t found)
{
	const char *name = member_text(program, "name"), *path = member_text(program, "pidfile");

	if (told && found)
		finding_add(f, FINDING_BAD, name,
		            "who else writes it? vergerd writes it at each start",
		            "%s says %d, but its PID is %d", path, (int)found, (int)told);
	else if (told)
		finding_add(
			f, FINDING_BAD, name, "who removed it? restart the program to have it back",
			"%s cannot be read or names nobody, but its PID is %d", path, (int)told);
	else
		finding_add(f, FINDING_BAD, name, "who writes it? vergerd has removed its own",
		            "it does not run, but %s is there", path);
}

static void look_at_pidfiles(struct findings *f)
{
	json_t *programs, *program;
	size_t i, good = 0, files = 0;

	if (names_ask(f->ctl, "name pid pidfile", &programs) != 0)
		return;
	for (i = 0; (program = json_array_get(programs, i)); i++) {
		pid_t told = (pid_t)member_integer(program, "pid", 0), found;
		const char *path = member_text(program, "pidfile");

		if (!*path)
			continue;
		files++;
		if (is_true(path, told, &found) || is_true_at_last(f, program, &told, &found))
			good++;
		else
			tell_false(f, program, told, found);
	}
	json_decref(programs);
	if (good > 0)
		finding_add(f, FINDING_GOOD, "PID files", "",
		            "%zu of %zu are exactly what vergerd says", good, files);
}

/* --- vergerd's own --- */

static void look_at_version(struct findings *f)
{
	json_t *reply;
	const char *version;

	if (connection_call(f->ctl, "Status", json_pack("{s:[s]}", "fields", "name"), &reply) != 0)
		return;
	version = member_text(json_object_get(reply, "daemon"), "version");
	if (strcmp(version, VERGER_VERSION) != 0)
		finding_add(f, FINDING_WARNING, "version", "restart vergerd to have them the same",
		            "vergerd is %s, vergerctl is " VERGER_VERSION, version);
	json_decref(reply);
}

static void ask_vergerd(struct findings *f)
{
	json_t *reply, *findings, *finding;
	size_t i;

	if (connection_call(f->ctl, "Doctor", NULL, &reply) != 0) {
		f->counts[FINDING_BAD]++;
		return;
	}
	findings = member_array(reply, "findings");
	for (i = 0; (finding = json_array_get(findings, i)); i++)
		finding_add(f, finding_level_of(member_text(finding, "level")),
		            member_text(finding, "subject"), member_text(finding, "advice"), "%s",
		            member_text(finding, "text"));
	json_decref(reply);
}

int doctor_run(struct ctl *ctl)
{
	struct findings findings = { .ctl = ctl };

	if (ctl->arguments->json)
		findings.list = json_array();
	if (look_at_socket(&findings)) {
		look_at_version(&findings);
		look_at_pidfiles(&findings);
		ask_vergerd(&findings);
	}
	if (findings.list) {
		json_t *answer = json_pack("{s:o}", "findings", findings.list);

		connection_print_json(ctl, answer);
		json_decref(answer);
	}
	return findings.counts[FINDING_BAD] > 0 ? EXIT_FAILED : EXIT_DONE;
}
