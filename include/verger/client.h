/* SPDX-License-Identifier: MIT */
/* libverger: a client of vergerd's control socket.
 *
 * The socket speaks Varlink (https://varlink.org); io.verger.Supervisor.varlink, installed
 * beside this header, says what can be called.  Values are those of jansson
 * (https://jansson.readthedocs.io).  A client is used by one thread at a time. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The interface; methods are VERGER_INTERFACE ".Status" and so on. */
#define VERGER_INTERFACE "io.verger.Supervisor"

/* The longest reply that is taken, in bytes. */
#define VERGER_REPLY_MAX (64 * 1024 * 1024)

struct verger_client;

/* The socket of the vergerd that this process probably means: $VERGER_SOCKET; else
 * $XDG_RUNTIME_DIR/verger/control.sock if there is one (never for root), else
 * /run/verger/control.sock.  malloc'ed; NULL when memory is out. */
char *verger_socket_path(void);

/* Connects to `path`, which may be of any length (NULL = verger_socket_path).  0 with *out owned by
 * the caller, or negative errno: -ENOENT no such socket, -ECONNREFUSED nobody listens, -ENOTSOCK,
 * -EACCES, -ETIMEDOUT nobody takes the connection for 10 seconds. */
int verger_client_open(struct verger_client **out, const char *path);
void verger_client_close(struct verger_client *c);

/* The descriptor of the connection, for poll(2); owned by the client. */
int verger_client_fd(const struct verger_client *c);

/* How long each wait for a reply may take, in milliseconds; -1 (as at first) without end. */
void verger_client_set_timeout(struct verger_client *c, int timeout_ms);

/* Calls `method` ("Status", or with its interface) and waits for the reply.  `parameters` may be
 * NULL; its reference is stolen.  *reply (may be NULL) gets the parameters of the reply, owned
 * by the caller.  0, or negative errno:
 *   -EREMOTE     vergerd answered with an error: verger_client_error
 *   -ETIMEDOUT   no reply in time; the connection is of no further use
 *   -ECONNRESET  the connection has ended
 *   -EBADMSG     what came is no Varlink reply
 *   -EMSGSIZE    the reply is longer than VERGER_REPLY_MAX
 *   -EBUSY       the last reply to verger_call_more has not been taken yet
 *   -ENOMEM      memory is out, or a text in the parameters is no UTF-8 */
int verger_call(struct verger_client *c, const char *method, json_t *parameters, json_t **reply);

/* Sends a call that may have many replies (Varlink's `more`), which verger_next takes.  0 or
 * negative errno. */
int verger_call_more(struct verger_client *c, const char *method, json_t *parameters);

/* Waits for the next reply of a call.  1 with more to come, 0 with the last one (*reply as
 * above), or negative errno as above; after -ETIMEDOUT it may be called again, and nothing is
 * lost.  With a timeout of 0 it takes what is there.  When no call is under way it waits for the
 * end of the connection, which is -ECONNRESET. */
int verger_next(struct verger_client *c, json_t **reply);

/* The same without parsing: the whole message as received, NUL-terminated, borrowed until the next
 * call.  1, 0 or negative errno; -EREMOTE as above. */
int verger_next_raw(struct verger_client *c, const char **message, size_t *size);

/* The error that vergerd answered with last: its full name
 * ("io.verger.Supervisor.NoSuchProgram") and its parameters; borrowed until the next call, NULL
 * when there is none. */
const char *verger_client_error(const struct verger_client *c, const json_t **parameters);

#ifdef __cplusplus
}
#endif
