/* SPDX-License-Identifier: MIT */
/* A program that does what its words tell, one after the other: the badly behaved servers of the
 * tests.
 *
 *   hop            forks; the parent ends, the child goes on
 *   child … end    forks; the child does the words up to `end`, the parent goes on after it
 *   setsid         a session of its own
 *   ignore=N       ignores signal N
 *   clear-env      execs itself with an empty environment
 *   bomb=N         N processes that fork a copy and end, without pause; every third leaves the
 *                  session each time
 *   leader-exits=FILE  the first thread ends, another lives until there is such a file
 *   count=N:FILE   appends a byte to FILE for each signal N it receives, from now on
 *   pid=FILE       writes its PID
 *   touch=FILE     makes an empty file
 *   await=FILE     waits until there is such a file
 *   wait=M         waits M milliseconds
 *   stop           stops itself
 *   exit=N         ends
 *
 * After the last word it stays, for two minutes at most. */
#pragma once

/* The word that makes a test program a puppet: first argument. */
#define PUPPET_WORD "--puppet"

_Noreturn void puppet_run(char **words);
