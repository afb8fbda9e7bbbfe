/* SPDX-License-Identifier: MIT */
/* Readers of /proc.  Everything is read in small pieces into the stack; a family of thousands costs
 * no memory. */
#include "os/proc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"

enum {
	PROC_PATH_MAX = 96,
	PROC_STAT_MAX = 1024,
	PID_DIGITS_MAX = 12,
	VMSTAT_LINE_MAX = 128,
	PID_LIST_MAX = 1 << 22, /* the kernel's own limit of PIDs */
};

void pid_list_release(struct pid_list *list)
{
	free(list->items);
	*list = (struct pid_list)PID_LIST_INIT;
}

static int pid_list_grow(struct pid_list *list)
{
	size_t capacity = list->capacity ? list->capacity * 2 : 16;
	pid_t *items;

	if (capacity > PID_LIST_MAX)
		return -ENOMEM;
	items = realloc(list->items, capacity * sizeof *items);
	if (!items)
		return -ENOMEM;
	list->items = items;
	list->capacity = capacity;
	return 0;
}

int pid_list_add(struct pid_list *list, pid_t pid)
{
	int r = list->count == list->capacity ? pid_list_grow(list) : 0;

	if (r)
		return r;
	list->items[list->count++] = pid;
	return 0;
}

static int add_number(struct pid_list *list, char *digits, size_t *size)
{
	int64_t pid;

	digits[*size] = '\0';
	*size = 0;
	/* 0 stands for a process outside our PID namespace */
	return parse_int(digits, 1, INT32_MAX, &pid) ? 0 : pid_list_add(list, (pid_t)pid);
}

int pid_list_read(struct pid_list *list, int fd)
{
	char buffer[4096], digits[PID_DIGITS_MAX + 1];
	size_t size = 0;
	ssize_t got;
	int r = 0;

	while ((got = read(fd, buffer, sizeof buffer)) > 0) {
		for (ssize_t i = 0; i < got && !r; i++) {
			if (buffer[i] != ' ' && buffer[i] != '\n')
				digits[size < PID_DIGITS_MAX ? size++ : size] = buffer[i];
			else if (size)
				r = add_number(list, digits, &size);
		}
		if (r)
			return r;
	}
	if (got < 0)
		return -errno;
	return size ? add_number(list, digits, &size) : 0;
}

static int compare_pids(const void *a, const void *b)
{
	pid_t left = *(const pid_t *)a, right = *(const pid_t *)b;

	return (left > right) - (left < right);
}

void pid_list_make_unique(struct pid_list *list)
{
	size_t kept = 0;

	if (!list->count)
		return;
	qsort(list->items, list->count, sizeof *list->items, compare_pids);
	for (size_t i = 0; i < list->count; i++)
		if (!kept || list->items[kept - 1] != list->items[i])
			list->items[kept++] = list->items[i];
	list->count = kept;
}

static int open_proc(pid_t pid, const char *name)
{
	char path[PROC_PATH_MAX];
	int fd;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	return fd;
}

/* Cuts the next word off *text; NULL at the end. */
static char *next_word(char **text)
{
	char *word = *text + strspn(*text, " \n");

	if (!*word)
		return NULL;
	*text = word + strcspn(word, " \n");
	if (**text)
		*(*text)++ = '\0';
	return word;
}

/* Field numbers as proc(5) counts them; `text` begins at field 3. */
static int parse_stat_fields(char *text, struct proc_stat *out)
{
	enum { STATE = 3, PARENT, GROUP, SESSION, START = 22, MEMORY = 23 };
	int64_t numbers[MEMORY + 1] = { 0 };

	for (int field = STATE; field <= MEMORY; field++) {
		char *word = next_word(&text);

		if (!word)
			return -EBADMSG;
		if (field == STATE)
			out->state = *word;
		else if (field <= SESSION || field >= START)
			if (parse_int(word, INT64_MIN, INT64_MAX, &numbers[field]))
				return -EBADMSG;
	}
	out->parent = (pid_t)numbers[PARENT];
	out->group = (pid_t)numbers[GROUP];
	out->session = (pid_t)numbers[SESSION];
	out->start_ticks = (uint64_t)numbers[START];
	out->has_memory = numbers[MEMORY] != 0;
	return 0;
}

int proc_stat_read(pid_t pid, struct proc_stat *out)
{
	_cleanup_fd_ int fd = open_proc(pid, "stat");
	char text[PROC_STAT_MAX], *name, *after;
	ssize_t got;

	if (fd < 0)
		return fd;
	got = read(fd, text, sizeof text - 1);
	if (got < 0)
		return -errno;
	text[got] = '\0';
	name = strchr(text, '(');
	after = strrchr(text, ')'); /* the last one: a name may hold blanks and parentheses */
	if (!name || !after || after < name)
		return -EBADMSG;
	*after = '\0';
	snprintf(out->name, sizeof out->name, "%s", name + 1);
	return parse_stat_fields(after + 1, out);
}

/* One link for each subdirectory, besides the two every directory has. */
static unsigned long thread_count(pid_t pid)
{
	char path[PROC_PATH_MAX];
	struct stat st;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	return stat(path, &st) < 0 || st.st_nlink < 2 ? 0 : st.st_nlink - 2;
}

bool proc_is_alive(pid_t pid, const struct proc_stat *stat)
{
	if (stat->state == 'X' || stat->state == 'x')
		return false;
	return stat->state != 'Z' || thread_count(pid) > 1;
}

static int read_children_of_thread(pid_t pid, pid_t thread, struct pid_list *out)
{
	char name[PROC_PATH_MAX];
	_cleanup_fd_ int fd = -1;
	int r;

	snprintf(name, sizeof name, "task/%d/children", (int)thread);
	fd = open_proc(pid, name);
	if (fd < 0)
		return fd;
	r = pid_list_read(out, fd);
	return r == -ESRCH ? 0 : r;
}

/* Appends the names in a directory that are numbers: processes, threads. */
static int add_numbers_in(const char *path, struct pid_list *out)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int r = 0;

	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	/* cppcheck-suppress readdirCalled; one thread */
	while (!r && (entry = readdir(dir))) {
		int64_t number = 0;

		if (parse_int(entry->d_name, 1, INT32_MAX, &number) == 0)
			r = pid_list_add(out, (pid_t)number);
	}
	closedir(dir);
	return r;
}

static int add_children_of_threads(pid_t pid, struct pid_list *out)
{
	struct pid_list threads = PID_LIST_INIT;
	char path[PROC_PATH_MAX];
	int r;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	r = add_numbers_in(path, &threads);
	for (size_t i = 0; i < threads.count && !r; i++) {
		r = read_children_of_thread(pid, threads.items[i], out);
		if (r == -ESRCH)
			r = 0; /* the others' are still wanted */
	}
	pid_list_release(&threads);
	return r;
}

static int search_children(pid_t parent, struct pid_list *out)
{
	struct pid_list all = PID_LIST_INIT;
	int r = add_numbers_in("/proc", &all);

	for (size_t i = 0; i < all.count && !r; i++) {
		struct proc_stat stat = { 0 };

		if (proc_stat_read(all.items[i], &stat) == 0 && stat.parent == parent)
			r = pid_list_add(out, all.items[i]);
	}
	pid_list_release(&all);
	return r;
}

int proc_children(pid_t pid, bool by_file, struct pid_list *out)
{
	int r;

	if (!by_file)
		r = search_children(pid, out);
	else if (thread_count(pid) <= 1)
		r = read_children_of_thread(pid, pid, out);
	else
		r = add_children_of_threads(pid, out);
	return r == -ESRCH ? 0 : r;
}

/* Looks for NAME=value in a stream of NUL-terminated strings. */
struct environ_search {
	const char *name;
	size_t name_length;
	size_t position; /* in the string that is being read */
	bool differs;    /* this string is another variable */
	char *value;
	size_t size, length;
	bool found;
};

static void search_byte(struct environ_search *s, char c)
{
	if (c == '\0') {
		s->found = !s->differs && s->position > s->name_length;
		s->position = 0;
		s->differs = false;
		return;
	}
	if (!s->differs && s->position > s->name_length) {
		if (s->length + 1 < s->size)
			s->value[s->length++] = c;
	} else if (c != (s->position == s->name_length ? '=' : s->name[s->position])) {
		s->differs = true;
		s->position = 0;
	}
	s->position += !s->differs;
}

int proc_environ_find(pid_t pid, const char *name, char *value, size_t size)
{
	struct environ_search search = {
		.name = name, .name_length = strlen(name), .value = value, .size = size
	};
	_cleanup_fd_ int fd = open_proc(pid, "environ");
	char buffer[4096];
	ssize_t got = 0;

	if (fd < 0)
		return fd;
	while (!search.found && (got = read(fd, buffer, sizeof buffer)) > 0)
		for (ssize_t i = 0; i < got && !search.found; i++)
			search_byte(&search, buffer[i]);
	if (!search.found)
		return got < 0 ? -errno : -ENOENT;
	value[search.length] = '\0';
	return (int)search.length;
}

int64_t proc_oom_kills(void)
{
	static const char name[] = "oom_kill ";
	FILE *file = fopen("/proc/vmstat", "re");
	char line[VMSTAT_LINE_MAX];
	int64_t kills = -1;

	if (!file)
		return -1;
	while (kills < 0 && fgets(line, sizeof line, file)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, name, strlen(name)) == 0 &&
		    parse_int(line + strlen(name), 0, INT64_MAX, &kills) != 0)
			break;
	}
	fclose(file);
	return kills;
}
