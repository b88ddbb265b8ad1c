/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "allocation_faults.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define OWN_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define OWN_MALLOC 0
#endif
#endif
#ifndef OWN_MALLOC
#define OWN_MALLOC 1
#endif

#if OWN_MALLOC

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
extern void __libc_free(void *memory);

static atomic_int armed;
static _Atomic int64_t calls, first_fault, last_fault, outstanding;

/* Blocks that were taken while armed, by address: open addressing, never full in these tests. */
enum { PLACES = 1 << 16 };
static _Atomic(void *) places[PLACES];
static void *const removed = (void *)&places;

static size_t place_of(const void *memory) { return ((uintptr_t)memory >> 4) * 2654435761U % PLACES; }

static void remember(void *memory) {
  size_t i, at = place_of(memory);
  for (i = 0; i < PLACES; ++i, at = (at + 1) % PLACES) {
    void *found = atomic_load(&places[at]);
    if ((found == NULL || found == removed) && atomic_compare_exchange_strong(&places[at], &found, memory)) {
      atomic_fetch_add(&outstanding, 1);
      return;
    }
  }
}

static void forget(void *memory) {
  size_t i, at = place_of(memory);
  for (i = 0; i < PLACES; ++i, at = (at + 1) % PLACES) {
    void *found = atomic_load(&places[at]);
    if (found == NULL) return;
    if (found == memory) {
      atomic_store(&places[at], removed);
      atomic_fetch_sub(&outstanding, 1);
      return;
    }
  }
}

static int refuse(void) {
  int64_t call, first;
  if (!atomic_load(&armed)) return 0;
  call = atomic_fetch_add(&calls, 1) + 1;
  first = atomic_load(&first_fault);
  if (first == 0 || call < first || call > atomic_load(&last_fault)) return 0;
  errno = ENOMEM;
  return 1;
}

static void *given(void *memory) {
  if (memory != NULL && atomic_load(&armed)) remember(memory);
  return memory;
}

void *malloc(size_t size) { return refuse() ? NULL : given(__libc_malloc(size)); }
void *calloc(size_t count, size_t size) { return refuse() ? NULL : given(__libc_calloc(count, size)); }
void *memalign(size_t alignment, size_t size) { return refuse() ? NULL : given(__libc_memalign(alignment, size)); }
void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **out, size_t alignment, size_t size) {
  void *memory = memalign(alignment, size);
  if (memory == NULL) return ENOMEM;
  *out = memory;
  return 0;
}

void free(void *memory) {
  if (memory == NULL) return;
  if (atomic_load(&outstanding) > 0) forget(memory);
  __libc_free(memory);
}

void *realloc(void *memory, size_t size) {
  void *moved;
  if (memory == NULL) return malloc(size);
  if (refuse()) return NULL;
  /* Forgotten first: once it has moved another thread may be given the old address. */
  forget(memory);
  moved = __libc_realloc(memory, size);
  return given(moved);
}

int faults_possible(void) {
  const char *preloaded = getenv("LD_PRELOAD");
  return preloaded == NULL || strstr(preloaded, "vgpreload") == NULL;
}

void faults_arm(int64_t first, int64_t last) {
  size_t i;
  for (i = 0; i < PLACES; ++i) atomic_store(&places[i], NULL);
  atomic_store(&outstanding, 0);
  atomic_store(&calls, 0);
  atomic_store(&first_fault, first);
  atomic_store(&last_fault, last);
  atomic_store(&armed, 1);
}

int64_t faults_disarm(void) {
  atomic_store(&armed, 0);
  return atomic_load(&calls);
}

int64_t faults_outstanding(void) { return atomic_load(&outstanding); }

#else

int faults_possible(void) { return 0; }
void faults_arm(int64_t first, int64_t last) { (void)first, (void)last; }
int64_t faults_disarm(void) { return 0; }
int64_t faults_outstanding(void) { return 0; }

#endif
