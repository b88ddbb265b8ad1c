/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong arguments to the functions of score.h and experimental.h. */
#include "arguments.h"

#include <math.h>

static int32_t stop(void *user, int64_t done, int64_t total) {
  (void)user;
  (void)done;
  (void)total;
  return 1;
}

void score(void **state) {
  (void)state;
  const int32_t tokens[3] = {1, 2, 3}, unknown[1] = {1 << 20};
  int64_t value = 0;
  temper_score_options options = {sizeof options, 0, 0, 0, 0, 0};
  temper_score_result result = {.struct_size = sizeof result};
  temper_document document = {.struct_size = sizeof document, .tokens = tokens, .count = 3};

  WRONG(temper_score, NULL, NULL, NULL, NULL, &document, 1, &result, NULL, NULL);
  WRONG(temper_score, w.model, NULL, NULL, NULL, NULL, 1, &result, NULL, NULL);
  REFUSED(TEMPER_E_CANCELLED, temper_score, w.model, NULL, NULL, NULL, &document, 1, &result, stop, NULL);
  assert_int_equal(temper_score(w.model, NULL, NULL, &options, &document, 1, &result, NULL, NULL, &error), TEMPER_OK);
  assert_int_equal(result.scored, document.scored);
  document.prefix = 4;
  WRONG(temper_score, w.model, NULL, NULL, NULL, &document, 1, &result, NULL, NULL);
  document.prefix = 0;
  document.tokens = NULL;
  WRONG(temper_score, w.model, NULL, NULL, NULL, &document, 1, &result, NULL, NULL);
  document.tokens = unknown;
  document.count = 1;
  WRONG(temper_score, w.model, NULL, NULL, NULL, &document, 1, &result, NULL, NULL);
  document.tokens = tokens;
  document.struct_size = 4;
  WRONG(temper_score, w.model, NULL, NULL, NULL, &document, 1, &result, NULL, NULL);
  document.struct_size = sizeof document;
  result.struct_size = 0;
  WRONG(temper_score, w.model, NULL, NULL, NULL, &document, 1, &result, NULL, NULL);
  result.struct_size = sizeof result;

  WRONG(temper_score_estimate, NULL, NULL, NULL, NULL, 16, &value);
  WRONG(temper_score_estimate, w.model, NULL, NULL, NULL, -1, &value);
  WRONG(temper_score_estimate, w.model, NULL, NULL, NULL, 16, NULL);
  options.replicates = -1;
  WRONG(temper_score_estimate, w.model, NULL, NULL, &options, 16, &value);
  options.replicates = 0;
  options.samples = -1;
  WRONG(temper_score_estimate, w.model, NULL, NULL, &options, 16, &value);
  options.samples = 0;
  options.batch = 5000;
  WRONG(temper_score_estimate, w.model, NULL, NULL, &options, 16, &value);
  options.batch = 0;
  options.struct_size = 0;
  WRONG(temper_score_estimate, w.model, NULL, NULL, &options, 16, &value);
  assert_int_equal(temper_score_estimate(w.model, NULL, NULL, NULL, 16, &value, &error), TEMPER_OK);
  assert_true(value > 0);
}

void evaluator(void **state) {
  temper_x_row row = {1, 0, 0, 0, 1, 1, 0.0};
  float logits[300];
  double bytes, flops;
  (void)state;
  WRONG(temper_x_evaluator_create, w.model, 1, 4, 16, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_x_evaluator, temper_x_evaluator_create, NULL, 1, 4, 16);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_x_evaluator, temper_x_evaluator_create, w.model, 0, 4, 16);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_x_evaluator, temper_x_evaluator_create, w.model, 1, 0, 16);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_x_evaluator, temper_x_evaluator_create, w.model, 1, 4, -1);
  note("temper_x_evaluator_destroy");
  temper_x_evaluator_destroy(NULL);
  WRONG(temper_x_evaluator_run, NULL, &row, 1, logits, 300);
  WRONG(temper_x_evaluator_run, w.evaluator, NULL, 1, logits, 300);
  WRONG(temper_x_evaluator_run, w.evaluator, &row, 1, NULL, 300);
  WRONG(temper_x_evaluator_run, w.evaluator, &row, SIZE_MAX, logits, 300);
  REFUSED(TEMPER_E_CAPACITY, temper_x_evaluator_run, w.evaluator, &row, 1, logits, 10);
#define BAD_ROW(field, value)                                             \
  do {                                                                    \
    temper_x_row bad = row;                                               \
    bad.field = value;                                                    \
    WRONG(temper_x_evaluator_run, w.evaluator, &bad, 1, logits, 300);     \
  } while (0)
  BAD_ROW(token, -1);
  BAD_ROW(token, 100000);
  BAD_ROW(position, -1);
  BAD_ROW(position, INT32_MAX);
  BAD_ROW(sequence, -1);
  BAD_ROW(sequence, 1);
  BAD_ROW(visible_begin, -1);
  BAD_ROW(visible_begin, 2);
  BAD_ROW(visible_end, 2);
  BAD_ROW(visible_end, -1);
  WRONG(temper_x_evaluator_keep, NULL, 0, 0);
  WRONG(temper_x_evaluator_keep, w.evaluator, 1, 0);
  WRONG(temper_x_evaluator_keep, w.evaluator, -1, 0);
  WRONG(temper_x_evaluator_keep, w.evaluator, 0, -1);
  WRONG(temper_x_evaluator_keep, w.evaluator, 0, 17);
  WRONG(temper_x_measure_machine, NULL, 0.1, &bytes, &flops);
  WRONG(temper_x_measure_machine, w.model, 0.0, &bytes, &flops);
  WRONG(temper_x_measure_machine, w.model, (double)NAN, &bytes, &flops);
  WRONG(temper_x_measure_machine, w.model, 1e9, &bytes, &flops);
  WRONG(temper_x_measure_machine, w.model, 0.1, NULL, &flops);
  WRONG(temper_x_measure_machine, w.model, 0.1, &bytes, NULL);
}
