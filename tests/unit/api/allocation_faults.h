/* SPDX-License-Identifier: Apache-2.0 */
/* The test's own malloc: counts what the library takes and can refuse the n-th request, also those of
 * operator new and of the C library, because all of them end in the functions that the program defines. */
#ifndef TEMPER_TEST_ALLOCATION_FAULTS_H
#define TEMPER_TEST_ALLOCATION_FAULTS_H

#include <stdint.h>

/* 0 under sanitizers and Valgrind, which bring their own malloc. */
int faults_possible(void);

/* From now on allocations are counted, and the n-th (from 1) and all later ones up to `last` fail; 0: none
 * fails. Of this thread and of all others. */
void faults_arm(int64_t first, int64_t last);

/* Ends that; how many allocations were asked for since faults_arm(). */
int64_t faults_disarm(void);

/* Blocks given out since faults_arm() and not given back. */
int64_t faults_outstanding(void);

#endif
