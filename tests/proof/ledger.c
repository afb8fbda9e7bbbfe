/* SPDX-License-Identifier: MIT */
#include "proof/ledger.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"

struct ledger *ledger_open(const char *path, bool writable)
{
	_cleanup_fd_ int fd =
		open(path, writable ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0666);
	void *map;

	if (fd < 0 || (writable && ftruncate(fd, sizeof(struct ledger)) < 0))
		return NULL;
	map = mmap(NULL, sizeof(struct ledger), writable ? PROT_READ | PROT_WRITE : PROT_READ,
	           MAP_SHARED, fd, 0);
	return map == MAP_FAILED ? NULL : map;
}

struct ledger_life *ledger_begin(struct ledger *l)
{
	struct ledger_life *life = &l->life[l->lives];
	uint64_t first = l->lives ? life[-1].intent + 1 : 1;

	if (l->lives == LEDGER_LIVES_MAX)
		return NULL;
	*life = (struct ledger_life){ .first = first, .done = first - 1, .intent = first - 1 };
	l->lives++;
	return life;
}
