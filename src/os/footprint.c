/* SPDX-License-Identifier: MIT */
/* Gives back the code of the start.  Knows nothing of what the process does. */
#include "os/footprint.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

static void trim_segment(uintptr_t start, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = start & ~(page - 1), end = (start + size + page - 1) & ~(page - 1);

	/* what cannot be written holds no relocation either: it is the file, and nothing else */
	madvise((void *)first, end - first, MADV_DONTNEED);
}

static int trim_object(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size;
	(void)context;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type == PT_LOAD && !(segment->p_flags & PF_W))
			trim_segment(info->dlpi_addr + segment->p_vaddr, segment->p_memsz);
	}
	return 0;
}

void footprint_trim(void)
{
	malloc_trim(0);
	dl_iterate_phdr(trim_object, NULL);
}
