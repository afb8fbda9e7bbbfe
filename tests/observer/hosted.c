/* SPDX-License-Identifier: MIT */
/* A hosted program of the observer test.  It is started under a name of its own, so that from its
 * exec on the kernel itself says which program this process is.
 *   hosted stay     waits to be killed
 *   hosted brief    ends after up to 2 ms with status 1
 *   hosted lucky    the same, but in one of 50 lives with status 0: restart = on-failure rests then
 *   hosted parent   has a child of another name, which outlives it unless it is swept (P1) */
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { LIFE_MAX_NS = 2000 * 1000, LUCK = 50 };

static unsigned pick(unsigned below)
{
	unsigned number = 0;

	if (getrandom(&number, sizeof number, 0) < 0)
		return 0;
	return number % below;
}

static void live_briefly(void)
{
	const struct timespec life = { .tv_nsec = (long)pick(LIFE_MAX_NS) };

	nanosleep(&life, NULL);
}

static void have_child(void)
{
	if (fork() != 0)
		return;
	prctl(PR_SET_NAME, "worker");
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "stay";

	if (strcmp(mode, "brief") == 0 || strcmp(mode, "lucky") == 0) {
		live_briefly();
		return strcmp(mode, "lucky") == 0 && pick(LUCK) == 0 ? 0 : 1;
	}
	if (strcmp(mode, "parent") == 0)
		have_child();
	for (;;)
		pause();
}
