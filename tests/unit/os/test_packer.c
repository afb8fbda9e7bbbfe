/* SPDX-License-Identifier: MIT */
/* L3: rotated logs are compressed if wanted, by processes that can fail without loss. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "os/logfile.h"
#include "os/packer.h"
#include "puppet.h"
#include "stage.h"
#include "unit/suite.h"

enum { PATIENCE_MS = 60000, LINES = 2000, TIMEOUT_S = 60, TEXT_SIZE = 64 };

struct scene {
	struct stage stage; /* first: it is all that the stage hands back */
	struct packer *packer;
	struct packer_end end;
	int end_count;
	char plain[STAGE_PATH_MAX + 64];
	char path_variable[STAGE_PATH_MAX + 8];
	char *environment[3];
};

static const struct {
	enum log_compress compress;
	const char *suffix, *command, *unpack;
} packers[] = {
	{ LOG_COMPRESS_GZIP, ".gz", "gzip", "gzip -dc" },
	{ LOG_COMPRESS_ZSTD, ".zst", "zstd", "zstd -dcq" },
	{ LOG_COMPRESS_XZ, ".xz", "xz", "xz -dc" },
};

static bool claim_orphan(struct stage *stage, const struct reaper_exit *exit)
{
	struct scene *s = (struct scene *)stage;

	if (!packer_on_exit(s->packer, exit, &s->end))
		return false;
	s->end_count++;
	return true;
}

static bool has_ended(struct stage *stage)
{
	return ((struct scene *)stage)->end_count > 0;
}

/* `path`: where commands are looked for; NULL = where the test finds its own. */
static void scene_open(struct scene *s, const char *path)
{
	FILE *file;

	memset(s, 0, sizeof *s);
	stage_open(&s->stage, 1);
	snprintf(s->path_variable, sizeof s->path_variable, "PATH=%s",
	         path ? path : "/usr/local/bin:/usr/bin:/bin");
	s->environment[0] = s->path_variable;
	s->environment[1] = (char *)"VERGER_SECRET=x";
	s->packer = packer_new(&s->stage.probe, s->environment);
	ck_assert_ptr_nonnull(s->packer);
	s->stage.claim_orphan = claim_orphan;
	snprintf(s->plain, sizeof s->plain, "%s/log-20260101T000000.000000Z", s->stage.directory);
	file = fopen(s->plain, "w");
	ck_assert_ptr_nonnull(file);
	for (int i = 0; i < LINES; i++)
		fprintf(file, "line %d of a log\n", i);
	fclose(file);
	ck_assert_int_eq(chmod(s->plain, 0640), 0);
}

static void scene_close(struct scene *s)
{
	packer_free(s->packer);
	stage_close(&s->stage);
}

/* A path of what becomes of the plain file; valid until the next call but one. */
static const char *beside(struct scene *s, const char *suffix)
{
	char name[TEXT_SIZE];

	snprintf(name, sizeof name, "log-20260101T000000.000000Z%s", suffix);
	return stage_path(&s->stage, name);
}

static bool is_there(const char *path)
{
	return access(path, F_OK) == 0;
}

static int start(struct scene *s, enum log_compress compress, char detail[PLAN_DETAIL_MAX])
{
	int in, out;

	ck_assert_int_eq(packer_open(s->plain, compress, &in, &out), 0);
	return packer_start(s->packer, s->plain, compress, in, out, detail);
}

/* Starts it and waits for its end. */
static void pack(struct scene *s, enum log_compress compress)
{
	char detail[PLAN_DETAIL_MAX];

	ck_assert_msg(start(s, compress, detail) == 0, "%s", detail);
	ck_assert(packer_is_busy(s->packer));
	ck_assert(stage_run_until(&s->stage, has_ended, PATIENCE_MS));
	ck_assert(!packer_is_busy(s->packer));
	ck_assert_str_eq(s->end.plain_path, s->plain);
	ck_assert_uint_eq(s->end.compress, compress);
}

/* Puts a command of that name where only this scene looks for it. */
static void make_command(struct scene *s, const char *name, const char *script)
{
	const char *path = stage_path(&s->stage, name);
	FILE *file = fopen(path, "w");

	ck_assert_ptr_nonnull(file);
	fprintf(file, "#!/bin/sh\n%s\n", script);
	ck_assert_int_eq(fchmod(fileno(file), 0755), 0);
	fclose(file);
	snprintf(s->path_variable, sizeof s->path_variable, "PATH=%s", s->stage.directory);
}

static bool has_command(const char *name)
{
	char path[TEXT_SIZE];

	snprintf(path, sizeof path, "/usr/bin/%s", name);
	if (is_there(path) || is_there(path + strlen("/usr")))
		return true;
	fprintf(stderr, "skipped: no %s\n", name);
	return false;
}

START_TEST(l3_packs_a_file)
{
	char command[STAGE_PATH_MAX * 2], suffix[16];
	struct scene s;
	struct stat st;
	FILE *unpacked;
	int lines = 0;

	if (!has_command(packers[_i].command))
		return;
	scene_open(&s, NULL);
	pack(&s, packers[_i].compress);
	ck_assert(s.end.succeeded);
	ck_assert_str_eq(s.end.detail, "");
	/* until it is finished both are there */
	snprintf(suffix, sizeof suffix, "%s.tmp", packers[_i].suffix);
	ck_assert(is_there(beside(&s, suffix)));
	ck_assert(is_there(s.plain));
	ck_assert_int_eq(logfile_finish_packing(s.plain, s.end.compress, s.end.succeeded), 0);
	ck_assert(!is_there(beside(&s, suffix)));
	ck_assert(!is_there(s.plain));
	ck_assert_int_eq(stat(beside(&s, packers[_i].suffix), &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	snprintf(command, sizeof command, "%s < %s", packers[_i].unpack,
	         beside(&s, packers[_i].suffix));
	unpacked = popen(command, "r");
	for (int number; fscanf(unpacked, "line %d of a log\n", &number) == 1; lines++)
		ck_assert_int_eq(number, lines);
	ck_assert_int_eq(pclose(unpacked), 0);
	ck_assert_int_eq(lines, LINES);
	scene_close(&s);
}
END_TEST

START_TEST(says_that_there_is_no_such_command)
{
	char detail[PLAN_DETAIL_MAX];
	struct scene s;

	scene_open(&s, "/nonexistent");
	ck_assert_int_eq(start(&s, LOG_COMPRESS_ZSTD, detail), -ENOENT);
	ck_assert_str_eq(detail, "command zstd: not found in PATH /nonexistent");
	ck_assert(!packer_is_busy(s.packer));
	ck_assert_int_eq(logfile_finish_packing(s.plain, LOG_COMPRESS_ZSTD, false), 0);
	ck_assert(!is_there(beside(&s, ".zst.tmp")));
	ck_assert(is_there(s.plain));
	scene_close(&s);
}
END_TEST

START_TEST(says_why_it_failed)
{
	struct scene s;

	scene_open(&s, NULL);
	make_command(&s, "gzip",
	             "echo half; echo 'gzip: stdout: No space left on device' >&2; exit 1");
	pack(&s, LOG_COMPRESS_GZIP);
	ck_assert(!s.end.succeeded);
	ck_assert_str_eq(s.end.detail,
	                 "gzip: ended with status 1: gzip: stdout: No space left on device");
	ck_assert_int_eq(logfile_finish_packing(s.plain, s.end.compress, s.end.succeeded), 0);
	ck_assert(!is_there(beside(&s, ".gz.tmp")));
	ck_assert(is_there(s.plain));
	/* the next one is none the worse for it */
	s.end_count = 0;
	make_command(&s, "gzip", "exit 3");
	pack(&s, LOG_COMPRESS_GZIP);
	ck_assert_str_eq(s.end.detail, "gzip: ended with status 3");
	s.end_count = 0;
	make_command(&s, "gzip", "kill -ABRT $$");
	pack(&s, LOG_COMPRESS_GZIP);
	ck_assert_str_eq(s.end.detail, "gzip: killed by SIGABRT");
	scene_close(&s);
}
END_TEST

START_TEST(runs_one_at_a_time_and_can_be_killed)
{
	char detail[PLAN_DETAIL_MAX];
	struct scene s;

	scene_open(&s, NULL);
	make_command(&s, "xz", "echo x; exec sleep 1000");
	strcat(s.path_variable, ":/usr/bin:/bin");
	ck_assert_int_eq(start(&s, LOG_COMPRESS_XZ, detail), 0);
	ck_assert_int_eq(start(&s, LOG_COMPRESS_XZ, detail), -EBUSY);
	packer_kill(s.packer);
	ck_assert(packer_is_busy(s.packer));
	ck_assert(stage_run_until(&s.stage, has_ended, PATIENCE_MS));
	ck_assert(!s.end.succeeded);
	ck_assert_str_eq(s.end.detail, "");
	packer_kill(s.packer);
	ck_assert_int_eq(logfile_finish_packing(s.plain, s.end.compress, s.end.succeeded), 0);
	ck_assert(is_there(s.plain));
	ck_assert(!is_there(beside(&s, ".xz.tmp")));
	scene_close(&s);
}
END_TEST

static bool is_written(struct stage *stage)
{
	return is_there(stage_path(stage, "done"));
}

/* What it is given, and nothing else: no descriptor, no secret, no standing of ours. */
START_TEST(s2_starts_with_clean_hands)
{
	char text[512], script[512], expected[64];
	struct scene s;
	FILE *file;
	pid_t pid;
	char autogroup[64];

	scene_open(&s, NULL);
	snprintf(script, sizeof script,
	         "D=%s; cat > /dev/null; (ls -v /proc/self/fd | tr '\\n' ' '; echo; env | grep -c "
	         "VERGER_SECRET; echo $$ $(cut -d' ' -f6,19 /proc/$$/stat)) > $D/facts\n"
	         "mv $D/facts $D/done; while :; do sleep 1000; done",
	         s.stage.directory);
	make_command(&s, "gzip", script);
	strcat(s.path_variable, ":/usr/bin:/bin");
	ck_assert_int_eq(start(&s, LOG_COMPRESS_GZIP, text), 0);
	while (!is_written(&s.stage))
		stage_run_until(&s.stage, is_written, 10);
	file = fopen(stage_path(&s.stage, "done"), "r");
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	/* 3 is the folder that ls reads */
	ck_assert_ptr_nonnull(strstr(text, "0 1 2 3 \n0\n"));
	pid = (pid_t)strtol(strstr(text, "\n0\n") + 3, NULL, 10);
	/* a session of its own, and nice */
	snprintf(expected, sizeof expected, "%d %d 19\n", (int)pid, (int)pid);
	ck_assert_str_eq(strstr(text, "\n0\n") + 3, expected);
	ck_assert(packer_owns(s.packer, pid));
	ck_assert(!packer_owns(s.packer, getpid()));
	ck_assert(!packer_owns(s.packer, 0));
	ck_assert_int_eq(sched_getscheduler(pid), SCHED_IDLE);
	ck_assert_int_eq(syscall(SYS_ioprio_get, 1, pid) >> 13, 3);
	/* where the kernel has such a thing, and lets nobody else wait for the next write */
	snprintf(autogroup, sizeof autogroup, "/proc/%d/autogroup", (int)pid);
	file = geteuid() == 0 ? fopen(autogroup, "r") : NULL;
	if (file) {
		ck_assert_ptr_nonnull(fgets(text, sizeof text, file));
		ck_assert_ptr_nonnull(strstr(text, " nice 19\n"));
		fclose(file);
	}
	packer_kill(s.packer);
	ck_assert(stage_run_until(&s.stage, has_ended, PATIENCE_MS));
	ck_assert(!packer_owns(s.packer, pid));
	scene_close(&s);
}
END_TEST

START_TEST(takes_no_other_orphan_for_its_own)
{
	const struct reaper_exit exit = { .pid = 4711 };
	struct packer_end end;
	struct scene s;

	scene_open(&s, NULL);
	ck_assert(!packer_on_exit(s.packer, &exit, &end));
	scene_close(&s);
}
END_TEST

START_TEST(opens_rotated_files_only)
{
	struct scene s;
	int in, out;

	scene_open(&s, NULL);
	ck_assert_int_eq(packer_open(stage_path(&s.stage, "none"), LOG_COMPRESS_GZIP, &in, &out),
	                 -ENOENT);
	ck_assert_int_eq(packer_open(s.plain, LOG_COMPRESS_NO, &in, &out), -EINVAL);
	ck_assert_int_eq(symlink(s.plain, stage_path(&s.stage, "link")), 0);
	ck_assert_int_eq(packer_open(stage_path(&s.stage, "link"), LOG_COMPRESS_GZIP, &in, &out),
	                 -ELOOP);
	ck_assert_int_eq(mkfifo(stage_path(&s.stage, "fifo"), 0644), 0);
	ck_assert_int_eq(packer_open(stage_path(&s.stage, "fifo"), LOG_COMPRESS_GZIP, &in, &out),
	                 -EINVAL);
	/* whatever stands where the packed one is made is replaced, never written to */
	ck_assert_int_eq(symlink(stage_path(&s.stage, "victim"), beside(&s, ".gz.tmp")), 0);
	ck_assert_int_eq(packer_open(s.plain, LOG_COMPRESS_GZIP, &in, &out), 0);
	ck_assert(!is_there(stage_path(&s.stage, "victim")));
	ck_assert(fcntl(in, F_GETFD) & FD_CLOEXEC);
	ck_assert(fcntl(out, F_GETFD) & FD_CLOEXEC);
	close(in);
	close(out);
	scene_close(&s);
}
END_TEST

START_TEST(leaves_no_descriptor_behind)
{
	char detail[PLAN_DETAIL_MAX];
	int lowest, again;
	struct scene s;

	scene_open(&s, NULL);
	make_command(&s, "gzip", "exit 0");
	pack(&s, LOG_COMPRESS_GZIP); /* the spawner keeps what it needs */
	lowest = dup(0);
	close(lowest);
	for (int i = 0; i < 5; i++) {
		s.end_count = 0;
		pack(&s, LOG_COMPRESS_GZIP);
	}
	ck_assert_int_ne(start(&s, LOG_COMPRESS_XZ, detail), 0);
	again = dup(0);
	close(again);
	ck_assert_int_eq(again, lowest);
	scene_close(&s);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("packer");
	TCase *work = tcase_create("work");
	TCase *files = tcase_create("files");

	/* what a packer gets on a busy machine is little */
	tcase_set_timeout(work, TIMEOUT_S);
	tcase_set_timeout(files, TIMEOUT_S);
	tcase_add_loop_test(work, l3_packs_a_file, 0, ARRAY_SIZE(packers));
	tcase_add_test(work, says_that_there_is_no_such_command);
	tcase_add_test(work, says_why_it_failed);
	tcase_add_test(work, runs_one_at_a_time_and_can_be_killed);
	tcase_add_test(work, s2_starts_with_clean_hands);
	tcase_add_test(work, takes_no_other_orphan_for_its_own);
	suite_add_tcase(suite, work);
	tcase_add_test(files, opens_rotated_files_only);
	tcase_add_test(files, leaves_no_descriptor_behind);
	suite_add_tcase(suite, files);
	return suite;
}

int main(int argc, char **argv)
{
	return stage_main(argc, argv, make_suite);
}
