/* SPDX-License-Identifier: MIT */
/* PID files of programs (P1 to P5, P9).  A child writes its own before it execs (pidfile_write);
 * the rest is the parent's part: directories held open, stale files proved and removed, ours taken
 * away before the process is reaped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Directories that hold PID files, each opened once (O_PATH) for all its programs. */
struct pidfile_dirs;

/* NULL when memory is out. */
struct pidfile_dirs *pidfile_dirs_new(void);
void pidfile_dirs_free(struct pidfile_dirs *dirs);

/* Which file it is: an inode number alone is given out again as soon as its file is gone. */
struct pidfile_identity {
	uint64_t device;
	uint64_t inode;  /* 0 = no file */
	int64_t born_ns; /* 0 where the file system does not keep it */
};

/* One program's file.  Embedded by the daemon's record of a program; all zero means none. */
struct pidfile {
	const char *path; /* borrowed from settings; NULL = none */
	/* private */
	struct pidfile_identity identity; /* of the file we published */
};

/* What a child needs to publish (see struct spawn_plan). */
struct pidfile_target {
	int dir_fd;         /* borrowed from the dirs; -1 = no PID file */
	char temp_name[64]; /* made and renamed in the same directory */
	const char *name;   /* last component, borrowed */
	mode_t mode;
	uid_t uid; /* (uid_t)-1 = as created */
	gid_t gid;
};

/* Fills dir_fd and the names of `target` for a start; mode and owner are the caller's.  If
 * something stands at the path, decides: a regular file that is blank or names no living process is
 * stale and is removed (a PID that is ours or a child's of ours is no foreign process: whoever
 * wrote it, it is not true any more); a file that names another living process, a file with other
 * content, a symlink, a directory, a device is refused.  The directory is created (0755) only if it
 * is `run_dir` (NULL = none) or below it; a world-writable directory without sticky bit is refused.
 * 0, -EEXIST (a living process's file; *owner is its PID), -ELOOP (symlink), -EISDIR, -EINVAL
 * (device, no PID in it …), -EPERM (world-writable directory), or another negative errno of the
 * directory or of the file. */
int pidfile_prepare(struct pidfile_dirs *dirs, const char *path, const char *run_dir,
                    struct pidfile_target *target, pid_t *owner);

/* Writes `pid` beside the target and renames it there; never over something else (-EEXIST).  A
 * failure leaves nothing. Runs in children that share our memory as well: raw system calls only.  0
 * or negative errno. */
int pidfile_write(const struct pidfile_target *target, pid_t pid,
                  struct pidfile_identity *published);

/* Notes what a child has published. */
void pidfile_published(struct pidfile *pf, const char *path,
                       const struct pidfile_identity *identity);

/* The same path stands in another place in memory now (a reload); the old one is not read.  NULL
 * only when nothing is published. */
void pidfile_rename_path(struct pidfile *pf, const char *path);

/* Publishes `pid` from the parent, in place of what it has published before: for a daemon that was
 * found (P7). `target` comes from pidfile_prepare.  0 or negative errno. */
int pidfile_publish(struct pidfile_dirs *dirs, struct pidfile *pf,
                    const struct pidfile_target *target, const char *path, pid_t pid);

/* Removes the file if it is the one we published; a file that somebody else has put there is left
 * (P5).  Called between the moment a process is known to be dead and the moment it is reaped.
 * Afterwards nothing is published. 0 (also when nothing was published), or negative errno (-ESTALE:
 * it was not ours any more; -ENOENT: it was gone). */
int pidfile_drop(struct pidfile_dirs *dirs, struct pidfile *pf);

/* Removes `name` if it is the file of that identity.  As pidfile_drop. */
int pidfile_remove(int dir_fd, const char *name, const struct pidfile_identity *identity);

/* Reads the first number of a PID file as the FHS lets writers write it (blanks, leading zeroes,
 * more lines).  The PID, or negative errno (-EINVAL: no PID in it, or not a regular file; -ENODATA:
 * blank; -ERANGE: a number that is no PID; -ELOOP: symlink). */
pid_t pidfile_read(int dir_fd, const char *name);
