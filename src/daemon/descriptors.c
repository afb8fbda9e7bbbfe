/* SPDX-License-Identifier: MIT */
/* Room for descriptors.  Counting is not enough, as nobody knows all holders; so, once it is close,
 * as many as must be left are taken and given back. */
#include "daemon/descriptors.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#include "base/log.h"

enum {
	SPARE = 256,   /* beside one for each program */
	FAR_OFF = 256, /* more than vergerd ever has open beside those */
	KEPT_BACK = 8, /* to list a family, to open one of it */
};

void descriptors_init(struct descriptors *d)
{
	*d = (struct descriptors){ 0 };
	if (getrlimit(RLIMIT_NOFILE, &d->before) == 0)
		d->limit = d->before.rlim_cur;
}

void descriptors_reserve(struct descriptors *d, size_t programs)
{
	struct rlimit want = d->before;
	rlim_t need = programs + SPARE;

	if (d->limit == 0 || d->limit >= need)
		return;
	want.rlim_cur = need < want.rlim_max ? need : want.rlim_max;
	if (want.rlim_cur < need)
		log_warning(NULL,
		            "%zu programs want %ju open files, but the hard limit is %ju: some may "
		            "not start",
		            programs, (uintmax_t)need, (uintmax_t)want.rlim_max);
	if (setrlimit(RLIMIT_NOFILE, &want) < 0)
		return;
	d->raised = true;
	d->limit = want.rlim_cur;
}

const struct rlimit *descriptors_for_programs(const struct descriptors *d)
{
	return d->raised ? &d->before : NULL;
}

bool descriptors_to_spare(const struct descriptors *d, size_t running, int fd)
{
	int taken[KEPT_BACK];
	size_t n = 0;

	if (running + FAR_OFF < d->limit)
		return true;
	while (n < KEPT_BACK && (taken[n] = fcntl(fd, F_DUPFD_CLOEXEC, 0)) >= 0)
		n++;
	for (size_t i = 0; i < n; i++)
		close(taken[i]);
	return n == KEPT_BACK;
}
