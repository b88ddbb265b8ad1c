/* SPDX-License-Identifier: Apache-2.0 */
/* NULL and wrong arguments to every function: an error status and a message, never a crash, nothing made.
 * At the end every function that the headers declare must have been tried. */
#include "arguments.h"
#include "declared_functions.h" /* made from the headers: static const char *const declared_functions[] */

#include <string.h>

static char tried[sizeof declared_functions / sizeof declared_functions[0]];
temper_error error;
world w;

void note(const char *name) {
  size_t i;
  for (i = 0; i < sizeof tried; ++i)
    if (strcmp(declared_functions[i], name) == 0) tried[i] = 1;
  memset(&error, 0x5a, sizeof error);
}

void check(temper_status expected, temper_status status, const char *call, int line) {
  const char *end = memchr(error.message, 0, sizeof error.message);
  if (status == expected && error.status == expected && end != NULL && end - error.message > 5 &&
      strchr(error.message, '\n') == NULL)
    return;
  print_error("line %d: %s gave %s, not %s; message: %.252s\n", line, call, temper_status_name(status),
              temper_status_name(expected), error.message);
  fail();
}

static void numbers(void **state) {
  (void)state;
  note("temper_status_name");
  assert_non_null(temper_status_name(12345));
  note("temper_version");
  assert_true(temper_version() > 0);
  note("temper_version_string");
  assert_non_null(temper_version_string());
}

static void every_function_was_tried(void **state) {
  size_t i;
  int missing = 0;
  (void)state;
  for (i = 0; i < sizeof tried; ++i)
    if (!tried[i]) {
      print_error("not tried: %s\n", declared_functions[i]);
      ++missing;
    }
  assert_int_equal(missing, 0);
}

static int set_up(void **state) {
  if (make_files(state) == 0 && world_open(&w, &files, NULL, "reference", 1, &error) == TEMPER_OK) return 0;
  print_error("%s\n", error.message);
  return 1;
}

static int tear_down(void **state) {
  world_close(&w);
  return free_files(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(numbers),   cmocka_unit_test(runtime),       cmocka_unit_test(model_options),
      cmocka_unit_test(model),     cmocka_unit_test(tokenizer),     cmocka_unit_test(hyperschedule),
      cmocka_unit_test(own_noise), cmocka_unit_test(corruption), cmocka_unit_test(shaping),
      cmocka_unit_test(noise),     cmocka_unit_test(sampler),       cmocka_unit_test(session),
      cmocka_unit_test(refused_options_change_nothing),             cmocka_unit_test(prompts_must_fit_new_options),
      cmocka_unit_test(unbounded_rows_need_their_context),
      cmocka_unit_test(evaluator), cmocka_unit_test(score),         cmocka_unit_test(every_function_was_tried),
  };
  return cmocka_run_group_tests_name("arguments", tests, set_up, tear_down);
}
