/* SPDX-License-Identifier: MIT */
/* check: has the vergerd that belongs to this vergerctl look at a configuration file. */
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <verger/client.h>

#include "base/cleanup.h"
#include "ctl/connection.h"
#include "ctl/ctl.h"
#include "ctl/exits.h"
#include "ctl/member.h"

extern char **environ;

/* A vergerd beside this program, or in the folder of system programs beside that; else the one in
 * PATH. malloc'ed; NULL when memory is out. */
static char *find_vergerd(void)
{
	/* installed side by side, installed apart, and in a build */
	static const char *const places[] = { "vergerd", "../sbin/vergerd", "../daemon/vergerd" };
	char own[PATH_MAX];
	ssize_t size = readlink("/proc/self/exe", own, sizeof own - 1);

	if (size < 0)
		return strdup("vergerd");
	own[size] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		char *path;

		if (asprintf(&path, "%.*s/%s", (int)(strrchr(own, '/') - own), own, places[i]) < 0)
			return NULL;
		if (access(path, X_OK) == 0)
			return path;
		free(path);
	}
	return strdup("vergerd");
}

static int wait_for(pid_t pid)
{
	siginfo_t info = { 0 };

	while (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0)
		if (errno != EINTR)
			return EXIT_FAILED;
	return info.si_code == CLD_EXITED && info.si_status == 0 ? EXIT_DONE : EXIT_FAILED;
}

/* file NULL = the one that vergerd finds by itself */
static int run_vergerd(const char *file)
{
	_cleanup_free_ char *vergerd = find_vergerd();
	const char *const argv[] = { vergerd, "-t", file ? "-c" : NULL, file, NULL };
	pid_t pid;
	int error;

	if (!vergerd)
		return EXIT_FAILED;
	error = posix_spawnp(&pid, vergerd, NULL, NULL, (char *const *)argv, environ);
	if (error == 0)
		return wait_for(pid);
	screen_complain("check: %s: %s", vergerd, strerror(error));
	return EXIT_FAILED;
}

/* The file that the running vergerd has read, malloc'ed; NULL when there is no such vergerd, or it
 * has none. */
static char *ask_for_file(struct ctl *ctl)
{
	const char *file;
	json_t *reply;
	char *copy;

	ctl->socket_path =
		ctl->arguments->socket ? strdup(ctl->arguments->socket) : verger_socket_path();
	if (!ctl->socket_path || verger_client_open(&ctl->client, ctl->socket_path) < 0)
		return NULL;
	verger_client_set_timeout(ctl->client, CONNECTION_PATIENCE_MS);
	if (verger_call(ctl->client, "Status", json_pack("{s:[s]}", "fields", "name"), &reply) < 0)
		return NULL;
	file = member_text(json_object_get(reply, "daemon"), "config");
	copy = *file ? strdup(file) : NULL;
	json_decref(reply);
	return copy;
}

int check_run(struct ctl *ctl)
{
	_cleanup_free_ char *asked = NULL;

	if (ctl->arguments->word_count > 0)
		return run_vergerd(ctl->arguments->words[0]);
	asked = ask_for_file(ctl);
	if (!asked)
		screen_complain(
			"check: no vergerd is there to tell which file it reads: looking where "
			"it would look");
	return run_vergerd(asked);
}
