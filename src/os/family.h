/* SPDX-License-Identifier: MIT */
/* All processes of a program: the main process, its group and session, and those that left both.
 * With cgroups the kernel keeps the list (grouptree.h); without, it is found by looking at our
 * children (kin.h).  What is done with families is the same either way: wait until one is gone,
 * signal it, kill all of it. */
#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "core/settings.h"
#include "os/kin.h"
#include "os/membership.h"
#include "os/probe.h"
#include "os/reaper.h"

struct families;

/* Nothing of `program` is left.  Called once per family_watch (or sweep), never from inside a
 * function of this header except families_settled. */
typedef void family_empty(void *context, uint32_t program);

/* Everything but `probe` is borrowed and must outlive it; children that exist already are never
 * touched.  NULL when memory is out; cgroups that cannot be had after all are logged and done
 * without. */
struct families *families_new(struct ev_loop *loop, const struct probe *probe,
                              const struct settings *settings, struct reaper *reaper,
                              family_empty *empty, void *context);
/* Removes the cgroups that are empty. */
void families_free(struct families *fs);

/* Makes room for programs up to the id count - 1, before a reload adds them.  0, or -ENOMEM:
 * everything is as it was. */
int families_reserve(struct families *fs, size_t count);

/* The program is removed and nothing of it is left: its group and its marks go.  The id may come
 * back under another name. */
void family_forget(struct families *fs, uint32_t program);

/* Commands that run beside the programs (os/hook.h) are told by the session each of them leads:
 * they are nobody's family, and so is what they leave behind, by its mark. */
void families_set_outsider(struct families *fs, kin_outsider *outsider, const void *context);

/* Before a start: value of VERGER_FAMILY for the program (NO_PROGRAM: for a command beside the
 * programs; owned by fs, valid until the next call; NULL when memory is out) and a cgroup to start
 * it in (-1 = none), to be given back after the start. */
const char *family_mark(struct families *fs, uint32_t program);
int family_cgroup(struct families *fs, uint32_t program);
void family_cgroup_release(struct families *fs, int cgroup_fd);

/* The main process was started or found, or has gone. */
void family_started(struct families *fs, uint32_t program, pid_t main_pid);
void family_main_gone(struct families *fs, uint32_t program);

/* The program has come to rest: what was kept for its next start may go. */
void family_rest(struct families *fs, uint32_t program);

/* Whether no living process of the program is left; a main process counts until family_main_gone.
 */
bool family_is_empty(struct families *fs, uint32_t program);

/* Tell once by the callback when nothing is left.  True: nothing is left already, and no callback
 * will come. */
bool family_watch(struct families *fs, uint32_t program);

/* Kill everything until nothing is left (S3); implies family_watch.  Works in bounded slices from
 * the loop; what cannot be killed (a process stuck in the kernel) is tried again at a slower pace
 * and named in the log.  True: nothing was left. */
bool family_sweep(struct families *fs, uint32_t program);

/* Sends a signal; each process gets it once (G2).  SCOPE_MAIN without a living main process goes to
 * the whole tree. The number of processes signalled (a group counts as one), or negative errno. */
int family_signal(struct families *fs, uint32_t program, int signo, enum signal_scope scope);

/* SIGCONT to those of the scope that are stopped, so that they can act on a signal they were sent.
 * As above. */
int family_continue(struct families *fs, uint32_t program, enum signal_scope scope);

/* The members, at most `max`, the main process first where it can be told; the count of all of
 * them. */
size_t family_members(struct families *fs, uint32_t program, struct family_member *out, size_t max);

/* For forking programs, after the launcher has ended: the one daemon that is our child now, by the
 * file it wrote (main_pid_file; one older than the start does not count) or, after it has been the
 * only one for a moment, by being that.  The PID; 0 = not yet clear, ask again in some ten
 * milliseconds; negative errno: -ESRCH = nothing is left, -EPERM = the file names a process that is
 * not ours (with *told set to that number). */
pid_t family_find_main(struct families *fs, uint32_t program, const char *main_pid_file,
                       pid_t *told);

/* The reaper says that children have changed. */
void families_settled(struct families *fs);

/* For the end of vergerd (X3), when all programs have come to rest: sends `signo` (0 = none) to
 * every living child of ours that is no main process and was not there before us.  How many there
 * are.  Call it again as children change: SIGKILL goes to all each time, any other signal to each
 * once, and not to commands beside the programs, which count but may have to report the end. */
size_t families_signal_strays(struct families *fs, int signo);
