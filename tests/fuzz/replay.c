/* SPDX-License-Identifier: MIT */
/* A main for fuzz targets without libFuzzer: runs the target over every file of the folders and
 * files it is given, so that a corpus is an ordinary test everywhere. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL;
	size_t size = 0;
	struct stat status;

	if (!file || fstat(fileno(file), &status) < 0) {
		perror(path);
		exit(EXIT_FAILURE);
	}
	/* exactly as long as the input, so that a sanitizer sees a read past its end */
	bytes = malloc(status.st_size > 0 ? (size_t)status.st_size : 1);
	if (bytes)
		size = fread(bytes, 1, (size_t)status.st_size, file);
	fclose(file);
	LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	return 1;
}

static int run_folder(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, NULL, alphasort), run = 0;

	if (count < 0)
		return run_file(path);
	for (int i = 0; i < count; i++) {
		char *name = NULL;

		if (entries[i]->d_name[0] != '.' &&
		    asprintf(&name, "%s/%s", path, entries[i]->d_name) > 0)
			run += run_file(name);
		free(name);
		free(entries[i]);
	}
	free(entries);
	return run;
}

int main(int argc, char **argv)
{
	int run = 0;

	for (int i = 1; i < argc; i++)
		run += run_folder(argv[i]);
	printf("%d inputs\n", run);
	/* an empty corpus is a wrong path, not a success */
	return run > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
