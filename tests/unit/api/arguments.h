/* SPDX-License-Identifier: Apache-2.0 */
/* NULL and wrong arguments: how a refusal is asked for and checked. */
#ifndef TEMPER_TEST_ARGUMENTS_H
#define TEMPER_TEST_ARGUMENTS_H

#include "cmocka_c.h"
#include "world.h"

#include <stdio.h>
#include <string.h>

extern temper_error error;
extern world w;

/* This function is being tried now. */
void note(const char *name);
/* The call gave this status and left a message in `error`. */
void check(temper_status expected, temper_status status, const char *call, int line);

/* The call fails with this status and a message, also without a place for the message. */
#define REFUSED(expected, function, ...)                                               \
  do {                                                                                 \
    note(#function);                                                                   \
    check(expected, function(__VA_ARGS__, &error), #function "(" #__VA_ARGS__ ")", __LINE__); \
    assert_int_equal(function(__VA_ARGS__, NULL), expected);                           \
  } while (0)
#define WRONG(function, ...) REFUSED(TEMPER_E_ARGUMENT, function, __VA_ARGS__)

/* A create or open function that fails leaves NULL, whatever was there. */
#define NOT_MADE(expected, type, function, ...)   \
  do {                                            \
    type *not_made = (type *)(void *)&error;      \
    REFUSED(expected, function, __VA_ARGS__, &not_made); \
    assert_null(not_made);                        \
  } while (0)

/* Tests in arguments_model.c, */
void runtime(void **state);
void model_options(void **state);
void model(void **state);
/* arguments_session.c, */
void session(void **state);
void refused_options_change_nothing(void **state);
void prompts_must_fit_new_options(void **state);
void unbounded_rows_need_their_context(void **state);
/* arguments_score.c */
void score(void **state);
void evaluator(void **state);
/* and arguments_values.c. */
void tokenizer(void **state);
void hyperschedule(void **state);
void noise(void **state);
void own_noise(void **state);
void corruption(void **state);
void shaping(void **state);
void sampler(void **state);

#endif
