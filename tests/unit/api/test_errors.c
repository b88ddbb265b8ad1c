/* SPDX-License-Identifier: Apache-2.0 */
/* Statuses, versions, and what an error says. */
#include "cmocka_c.h"

#include <temper/temper.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void statuses_have_names(void **state) {
  static const struct {
    temper_status status;
    const char *name;
  } all[] = {{TEMPER_OK, "TEMPER_OK"},
             {TEMPER_DONE, "TEMPER_DONE"},
             {TEMPER_LENGTH_LIMIT, "TEMPER_LENGTH_LIMIT"},
             {TEMPER_E_ARGUMENT, "TEMPER_E_ARGUMENT"},
             {TEMPER_E_MEMORY, "TEMPER_E_MEMORY"},
             {TEMPER_E_IO, "TEMPER_E_IO"},
             {TEMPER_E_FORMAT, "TEMPER_E_FORMAT"},
             {TEMPER_E_UNSUPPORTED, "TEMPER_E_UNSUPPORTED"},
             {TEMPER_E_STATE, "TEMPER_E_STATE"},
             {TEMPER_E_CANCELLED, "TEMPER_E_CANCELLED"},
             {TEMPER_E_BACKEND, "TEMPER_E_BACKEND"},
             {TEMPER_E_CAPACITY, "TEMPER_E_CAPACITY"},
             {TEMPER_E_INTERNAL, "TEMPER_E_INTERNAL"}};
  size_t i;
  (void)state;
  for (i = 0; i < sizeof all / sizeof all[0]; ++i)
    assert_string_equal(temper_status_name(all[i].status), all[i].name);
  assert_string_equal(temper_status_name(3), "unknown");
  assert_string_equal(temper_status_name(-11), "unknown");
  assert_string_equal(temper_status_name(INT32_MIN), "unknown");
  assert_string_equal(temper_status_name(INT32_MAX), "unknown");
}

static void version_of_header_and_library_agree(void **state) {
  char text[40];
  (void)state;
  snprintf(text, sizeof text, "%d.%d.%d", TEMPER_VERSION_MAJOR, TEMPER_VERSION_MINOR, TEMPER_VERSION_PATCH);
  assert_string_equal(temper_version_string(), text);
  assert_int_equal(temper_version(), TEMPER_VERSION);
}

static void success_leaves_the_error_alone(void **state) {
  temper_error error, before;
  temper_sampler *sampler = NULL;
  (void)state;
  memset(&error, 0x5a, sizeof error);
  before = error;
  assert_int_equal(temper_sampler_create(TEMPER_SAMPLER_GREEDY, &sampler, &error), TEMPER_OK);
  assert_memory_equal(&error, &before, sizeof error);
  temper_sampler_destroy(sampler);
}

/* Length of the character that begins with this byte; 0 when none does. */
static size_t character(const unsigned char *text) {
  const size_t size = text[0] < 0x80 ? 1 : (text[0] >> 5) == 6 ? 2 : (text[0] >> 4) == 14 ? 3 : (text[0] >> 3) == 30 ? 4 : 0;
  size_t i;
  for (i = 1; i < size; ++i)
    if ((text[i] & 0xC0) != 0x80) return 0;
  return size;
}

static void assert_message(const temper_error *error) {
  const unsigned char *at = (const unsigned char *)error->message;
  assert_non_null(memchr(error->message, 0, sizeof error->message));
  assert_int_not_equal(error->message[0], '\0');
  while (*at != 0) {
    const size_t size = character(at);
    assert_int_not_equal(size, 0);
    assert_true(*at >= 0x20 && *at != 0x7f);
    at += size;
  }
}

/* A path of n units, each one character of 1 to 4 bytes, after a few bytes that shift the borders. */
static void open_long_path(temper_runtime *runtime, const char *unit, int shift) {
  char path[1500] = "/absent/";
  temper_model *model = NULL;
  temper_error error;
  size_t length;
  int i;
  for (i = 0; i < shift; ++i) strcat(path, "x");
  for (i = 0; i < 300; ++i) strcat(path, unit);
  memset(&error, 0x5a, sizeof error);
  assert_int_equal(temper_model_open(runtime, path, NULL, &model, &error), TEMPER_E_IO);
  assert_int_equal(error.status, TEMPER_E_IO);
  assert_message(&error);
  length = strlen(error.message);
  assert_true(length <= 251 && length >= 240);
}

static void long_messages_end_between_characters(void **state) {
  static const char *const units[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x99\x82"};
  temper_runtime *runtime = NULL;
  size_t unit;
  int shift;
  (void)state;
  assert_int_equal(temper_runtime_create(NULL, &runtime, NULL), TEMPER_OK);
  for (unit = 0; unit < 4; ++unit)
    for (shift = 0; shift < 8; ++shift) open_long_path(runtime, units[unit], shift);
  temper_runtime_destroy(runtime);
}

static void messages_are_one_line_of_utf8(void **state) {
  static const char *const paths[] = {"/absent/two\nlines", "/absent/\xff\xfe", "/absent/\xc3", "/absent/\xe2\x82",
                                      "/absent/\x1b[31m", "/absent/\xed\xa0\x80"};
  temper_runtime *runtime = NULL;
  size_t i;
  (void)state;
  assert_int_equal(temper_runtime_create(NULL, &runtime, NULL), TEMPER_OK);
  for (i = 0; i < sizeof paths / sizeof paths[0]; ++i) {
    temper_model *model = NULL;
    temper_error error;
    assert_int_equal(temper_model_open(runtime, paths[i], NULL, &model, &error), TEMPER_E_IO);
    assert_message(&error);
    assert_null(strstr(error.message, "\xed\xa0\x80"));
  }
  temper_runtime_destroy(runtime);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(statuses_have_names),
      cmocka_unit_test(version_of_header_and_library_agree),
      cmocka_unit_test(success_leaves_the_error_alone),
      cmocka_unit_test(long_messages_end_between_characters),
      cmocka_unit_test(messages_are_one_line_of_utf8),
  };
  return cmocka_run_group_tests_name("errors", tests, NULL, NULL);
}
