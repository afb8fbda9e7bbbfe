/* SPDX-License-Identifier: MIT */
/* Signal names.  The C library has the table (sigabbrev_np, glibc 2.32); real-time ones it leaves
 * to us. */
#include "base/signame.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/parse.h"

static int parse_offset(const char *text, int base, int sign)
{
	int64_t offset = 0;

	if (*text != '\0' &&
	    (*text != (sign > 0 ? '+' : '-') || parse_int(text + 1, 0, 64, &offset) < 0))
		return -EINVAL;
	base += sign * (int)offset;
	return base < SIGRTMIN || base > SIGRTMAX ? -EINVAL : base;
}

int signame_parse(const char *text)
{
	int64_t number;

	if (parse_int(text, 0, NSIG - 1, &number) == 0)
		return (int)number;
	if (!strncasecmp(text, "SIG", 3))
		text += 3;
	if (!strncasecmp(text, "RTMIN", 5))
		return parse_offset(text + 5, SIGRTMIN, 1);
	if (!strncasecmp(text, "RTMAX", 5))
		return parse_offset(text + 5, SIGRTMAX, -1);
	for (int i = 1; i < NSIG; i++) {
		const char *name = sigabbrev_np(i);

		if (name && !strcasecmp(name, text))
			return i;
	}
	return -EINVAL;
}

const char *signame_format(int signo, char out[SIGNAME_SIZE])
{
	const char *name = sigabbrev_np(signo);

	if (name)
		snprintf(out, SIGNAME_SIZE, "SIG%s", name);
	else if (signo >= SIGRTMIN && signo <= SIGRTMAX)
		snprintf(out, SIGNAME_SIZE, "SIGRTMIN+%d", signo - SIGRTMIN);
	else
		snprintf(out, SIGNAME_SIZE, "signal %d", signo);
	return out;
}
