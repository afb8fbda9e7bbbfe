/* SPDX-License-Identifier: MIT */
#include "puppet.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* A bomb that nobody reaps takes all PIDs of the machine: it ends sooner than the rest. */
enum { PATIENCE_MS = 120000, BOMB_MS = 20000, WORDS_MAX = 64 };

static int count_fd;

static void wait_ms(long ms)
{
	struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static void await_file(const char *path)
{
	while (access(path, F_OK) < 0)
		wait_ms(1);
}

static void on_counted(int signo)
{
	(void)signo;
	if (write(count_fd, ".", 1) < 0)
		_exit(97);
}

static const char *value_of(const char *word, const char *name)
{
	size_t length = strlen(name);

	return strncmp(word, name, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static long number(const char *text)
{
	return strtol(text, NULL, 10);
}

static void hop(void)
{
	pid_t pid = fork();

	if (pid != 0)
		_exit(pid < 0 ? 98 : 0);
}

static _Noreturn void hop_for_ever(int leaves_session)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += BOMB_MS / 1000;
	do {
		hop();
		if (leaves_session)
			setsid();
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while (now.tv_sec < end.tv_sec);
	_exit(0);
}

static void bomb(long count)
{
	for (long i = 0; i < count; i++)
		if (fork() == 0)
			hop_for_ever(i % 3 == 1);
}

static void *outlive(void *arg)
{
	await_file(arg);
	_exit(5);
}

static _Noreturn void leave_a_thread(const char *path)
{
	pthread_t thread;

	pthread_create(&thread, NULL, outlive, (void *)path);
	syscall(SYS_exit, 0);
	abort();
}

static void count_signal(const char *value)
{
	struct sigaction action = { .sa_handler = on_counted, .sa_flags = SA_RESTART };
	sigset_t one;

	/* whoever sees the file may send the signal */
	sigemptyset(&one);
	sigaddset(&one, (int)number(value));
	sigprocmask(SIG_BLOCK, &one, NULL);
	count_fd = open(strchr(value, ':') + 1, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	sigaction((int)number(value), &action, NULL);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
}

static void write_pid(const char *path)
{
	FILE *file = fopen(path, "we");

	if (!file)
		_exit(96);
	fprintf(file, "%d\n", (int)getpid());
	fclose(file);
}

static void clear_environment(char **rest)
{
	char *words[WORDS_MAX] = { (char *)"puppet", (char *)PUPPET_WORD }, *nothing = NULL;

	for (size_t i = 0; rest[i] && i + 3 < WORDS_MAX; i++)
		words[i + 2] = rest[i];
	execve("/proc/self/exe", words, &nothing);
	_exit(95);
}

/* Forks; returns the place after the words of the child, which does not return. */
static char **child(char **words)
{
	int depth = 1;
	char **end = words;

	for (; *end && depth > 0; end++)
		depth += strcmp(*end, "child") == 0 ? 1 : strcmp(*end, "end") == 0 ? -1 : 0;
	if (fork() == 0) {
		end[-1] = NULL;
		puppet_run(words);
	}
	return end;
}

static void obey(const char *word)
{
	const char *value;

	if (strcmp(word, "hop") == 0)
		hop();
	else if (strcmp(word, "setsid") == 0)
		setsid();
	else if (strcmp(word, "stop") == 0)
		raise(SIGSTOP);
	else if ((value = value_of(word, "ignore")))
		sigaction((int)number(value), &(struct sigaction){ .sa_handler = SIG_IGN }, NULL);
	else if ((value = value_of(word, "bomb")))
		bomb(number(value));
	else if ((value = value_of(word, "leader-exits")))
		leave_a_thread(value);
	else if ((value = value_of(word, "count")))
		count_signal(value);
	else if ((value = value_of(word, "pid")))
		write_pid(value);
	else if ((value = value_of(word, "touch")))
		close(open(value, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	else if ((value = value_of(word, "await")))
		await_file(value);
	else if ((value = value_of(word, "wait")))
		wait_ms(number(value));
	else if ((value = value_of(word, "exit")))
		_exit((int)number(value));
	else
		_exit(99);
}

_Noreturn void puppet_run(char **words)
{
	while (*words) {
		char *word = *words++;

		if (strcmp(word, "child") == 0)
			words = child(words);
		else if (strcmp(word, "clear-env") == 0)
			clear_environment(words);
		else
			obey(word);
	}
	wait_ms(PATIENCE_MS);
	_exit(0);
}
