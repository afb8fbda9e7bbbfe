/* SPDX-License-Identifier: MIT */
/* Reads /proc/self/mountinfo: "36 35 98:0 /root /mnt/point rw,… - ext4 /dev/sda1 rw". */
#include "os/mount.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

/* where nothing is known, all paths share one device */
#define UNKNOWN_DEVICE ((uint64_t)1)

/* Ends the field at *at and goes behind it; NULL at the end of the line. */
static char *next_field(char **at)
{
	char *field = *at;

	if (!field)
		return NULL;
	*at = strchr(field, ' ');
	if (*at)
		*(*at)++ = '\0';
	return field;
}

/* Spaces and the like stand there in octal. */
static void unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] && from[2] && from[3]) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + from[3] - '0');
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static bool lies_below(const char *path, const char *point, size_t size)
{
	if (size == 1) /* the root */
		return true;
	return !strncmp(path, point, size) && (path[size] == '/' || path[size] == '\0');
}

/* Different numbers for different devices: that is all they have to be. */
static uint64_t number_of(const char *device)
{
	uint64_t number = UNKNOWN_DEVICE;

	for (; *device; device++)
		number = number * 31 + (unsigned char)*device;
	return number;
}

uint64_t mount_device(const char *path)
{
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	uint64_t device = UNKNOWN_DEVICE;
	size_t capacity = 0, longest = 0;

	if (!mounts)
		return device;
	while (getline(&line, &capacity, mounts) > 0) {
		char *at = line, *number, *point;
		size_t size;

		next_field(&at);
		next_field(&at);
		number = next_field(&at);
		next_field(&at);
		point = next_field(&at);
		if (!point)
			continue;
		unescape(point);
		size = strlen(point);
		/* of several at one point the last one covers the others */
		if (size >= longest && lies_below(path, point, size)) {
			longest = size;
			device = number_of(number);
		}
	}
	fclose(mounts);
	return device;
}
