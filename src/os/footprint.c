/* SPDX-License-Identifier: MIT */
/* Gives back the code of the start.  Knows nothing of what the process does. */
#include "os/footprint.h"

#include <link.h>
#include <malloc.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* more than any object has */
enum { SEGMENTS_MAX = 32 };

static void trim_segment(uintptr_t start, size_t size)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t first = start & ~(page - 1), end = (start + size + page - 1) & ~(page - 1);

	/* what cannot be written holds no relocation either: it is the file, and nothing else */
	madvise((void *)first, end - first, MADV_DONTNEED);
}

static int trim_object(struct dl_phdr_info *info, size_t size, void *context)
{
	ElfW(Phdr) segments[SEGMENTS_MAX];
	size_t count = info->dlpi_phnum < SEGMENTS_MAX ? info->dlpi_phnum : SEGMENTS_MAX;

	(void)size;
	(void)context;
	/* the table lies in a segment that is let go: to read on in it would bring it back */
	memcpy(segments, info->dlpi_phdr, count * sizeof *segments);
	for (size_t i = 0; i < count; i++)
		if (segments[i].p_type == PT_LOAD && !(segments[i].p_flags & PF_W))
			trim_segment(info->dlpi_addr + segments[i].p_vaddr, segments[i].p_memsz);
	return 0;
}

void footprint_trim(void)
{
	malloc_trim(0);
	dl_iterate_phdr(trim_object, NULL);
}
