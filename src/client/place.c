/* SPDX-License-Identifier: MIT */
/* Where a vergerd's socket is, when nobody says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <verger/client.h>

#define SYSTEM_SOCKET "/run/verger/control.sock"

/* The socket of the caller's own vergerd, malloc'ed; NULL if there is none. */
static char *own_socket(void)
{
	const char *folder = getenv("XDG_RUNTIME_DIR");
	char *path;

	/* root's vergerd is the system's, whatever sudo has left in the environment */
	if (geteuid() == 0 || !folder || folder[0] != '/')
		return NULL;
	if (asprintf(&path, "%s/verger/control.sock", folder) < 0)
		return NULL;
	if (access(path, F_OK) == 0)
		return path;
	free(path);
	return NULL;
}

char *verger_socket_path(void)
{
	const char *said = getenv("VERGER_SOCKET");
	char *own;

	if (said && *said)
		return strdup(said);
	own = own_socket();
	return own ? own : strdup(SYSTEM_SOCKET);
}
