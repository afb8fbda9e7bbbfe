/* SPDX-License-Identifier: MIT */
/* Joins and cleans paths.  Knows nothing of what is there. */
#include "config/path.h"

#include <limits.h>
#include <string.h>

/* Appends the components of `path`, each with a slash before it. */
static int add_components(const char *path, struct text *out)
{
	int r = 0;

	while (*path && r == 0) {
		size_t size = strcspn(path, "/");

		if (size > 0 && !(size == 1 && *path == '.')) {
			r = text_add_char(out, '/');
			if (r == 0)
				r = text_add(out, path, size);
		}
		path += size;
		path += *path == '/';
	}
	return r;
}

int path_resolve(const char *here, const char *path, struct text *out, struct fault *fault)
{
	size_t start = out->size;
	int r = *path == '/' ? 0 : add_components(here, out);

	if (r == 0)
		r = add_components(path, out);
	if (r == 0 && out->size == start)
		r = text_add_char(out, '/');
	if (r == 0 && out->size - start >= PATH_MAX)
		return fault_set(
			fault,
			"a path of %zu bytes is longer than the system takes (%d): '%.60s...'",
			out->size - start, PATH_MAX - 1, text_get(out) + start);
	return r;
}

const char *path_base(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int path_folder(const char *path, struct text *out)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return text_add_string(out, ".");
	return slash == path ? text_add_string(out, "/")
	                     : text_add(out, path, (size_t)(slash - path));
}
