/* SPDX-License-Identifier: MIT */
/* A unix stream socket as a file: made with its permissions, told from what others put in its
 * place, and taken away.  It knows no clients. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

struct socketfile {
	char *path; /* owned; NULL = none */
	dev_t device;
	ino_t inode; /* cannot be another file's while the socket is open */
};

/* Makes a socket that listens at `path`, non-blocking and close-on-exec, and whose file has the
 * permissions `mode` from its first moment.  As listener_new (listener.h).  The descriptor, or
 * negative errno. */
int socketfile_listen(struct socketfile *sf, const char *path, mode_t mode);

/* Whether the file at the path is (still) the one that was made. */
bool socketfile_is_ours(const struct socketfile *sf);

/* 0 or negative errno; -ESTALE when it is not ours any more. */
int socketfile_set_mode(const struct socketfile *sf, mode_t mode);

/* Removes the file if it is still ours; call it before the socket is closed. */
void socketfile_remove(struct socketfile *sf);
