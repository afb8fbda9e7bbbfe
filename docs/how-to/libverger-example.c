/* SPDX-License-Identifier: MIT */
/* What a program of your own can do with libverger; docs/how-to/libverger.md walks through it.
 *
 *   cc libverger-example.c $(pkg-config --cflags --libs verger) -o example
 *   ./example PIDFILE            is the server of this PID file alive?
 *   ./example -s SOCKET NAME     what does vergerd say about the program NAME? */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <verger/client.h>
#include <verger/pidfile.h>

static int look_at_pidfile(const char *path)
{
	pid_t pid;
	int fd = verger_pidfile_open(path, &pid);

	if (fd < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(-fd));
		return 1;
	}
	/* from here on fd means this process, whatever becomes of the number */
	printf("PID %d is %s\n", (int)pid, verger_pidfd_wait(fd, 0) == 1 ? "at its end" : "alive");
	close(fd);
	return 0;
}

static int tell_failure(const struct verger_client *client, int r)
{
	if (r == -EREMOTE)
		fprintf(stderr, "vergerd: %s\n", verger_client_error(client, NULL));
	else
		fprintf(stderr, "vergerd: %s\n", strerror(-r));
	return 1;
}

static void print_program(const json_t *program)
{
	const char *reason = json_string_value(json_object_get(program, "reason"));

	printf("%s is %s%s%s\n", json_string_value(json_object_get(program, "name")),
	       json_string_value(json_object_get(program, "state")), reason ? ": " : "",
	       reason ? reason : "");
}

static int ask_vergerd(const char *socket, const char *name)
{
	struct verger_client *client;
	json_t *reply, *programs, *program;
	size_t i;
	int r = verger_client_open(&client, socket);

	if (r < 0) {
		fprintf(stderr, "%s: %s\n", socket, strerror(-r));
		return 1;
	}
	verger_client_set_timeout(client, 5000);
	r = verger_call(client, "Status", json_pack("{s:[s]}", "names", name), &reply);
	if (r < 0) {
		r = tell_failure(client, r);
	} else {
		programs = json_object_get(reply, "programs");
		json_array_foreach(programs, i, program) print_program(program);
		json_decref(reply);
	}
	verger_client_close(client);
	return r;
}

int main(int argc, char **argv)
{
	if (argc == 2)
		return look_at_pidfile(argv[1]);
	if (argc == 4 && strcmp(argv[1], "-s") == 0)
		return ask_vergerd(argv[2], argv[3]);
	fputs("usage: example PIDFILE | example -s SOCKET NAME\n", stderr);
	return 2;
}
