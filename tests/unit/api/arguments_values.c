/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong arguments to tokenizers, hyperschedules, noise mixes and samplers. */
#include "arguments.h"

#include <math.h>

void tokenizer(void **state) {
  const int32_t good[2] = {'a', 'b'}, bad[3] = {'a', -1, 1000000};
  int32_t tokens[8], token;
  int64_t value;
  size_t count = 77;
  char text[64];
  (void)state;
  WRONG(temper_tokenizer_open, "/absent", NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_tokenizer, temper_tokenizer_open, NULL);
  NOT_MADE(TEMPER_E_IO, temper_tokenizer, temper_tokenizer_open, "/absent");
  NOT_MADE(TEMPER_E_IO, temper_tokenizer, temper_tokenizer_open, "");
  WRONG(temper_tokenizer_open_memory, "{}", 2, NULL, 0, NULL, 0, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_tokenizer, temper_tokenizer_open_memory, NULL, 5, NULL, 0, NULL, 0);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_tokenizer, temper_tokenizer_open_memory, "{}", 2, NULL, 3, NULL, 0);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_tokenizer, temper_tokenizer_open_memory, "{}", 2, NULL, 0, NULL, 3);
  NOT_MADE(TEMPER_E_FORMAT, temper_tokenizer, temper_tokenizer_open_memory, "[", 1, NULL, 0, NULL, 0);
  note("temper_tokenizer_destroy");
  temper_tokenizer_destroy(NULL);

  WRONG(temper_tokenizer_encode, NULL, "a", 1, 0, tokens, 8, &count);
  WRONG(temper_tokenizer_encode, w.tokenizer, NULL, 1, 0, tokens, 8, &count);
  WRONG(temper_tokenizer_encode, w.tokenizer, "a", 1, 0, NULL, 8, &count);
  WRONG(temper_tokenizer_encode, w.tokenizer, "a", 1, 0, tokens, 8, NULL);
  WRONG(temper_tokenizer_encode, w.tokenizer, "a", 1, 64, tokens, 8, &count);
  WRONG(temper_tokenizer_encode, w.tokenizer, "a", SIZE_MAX, 0, tokens, 8, &count);
  REFUSED(TEMPER_E_CAPACITY, temper_tokenizer_encode, w.tokenizer, "abc", 3, 0, tokens, 2, &count);
  assert_int_equal(count, 3);
  assert_int_equal(temper_tokenizer_encode(w.tokenizer, "abc", 3, 0, NULL, 0, &count, NULL), TEMPER_OK);
  assert_int_equal(temper_tokenizer_encode(w.tokenizer, NULL, 0, 0, tokens, 8, &count, NULL), TEMPER_OK);
  assert_int_equal(count, 0);

  WRONG(temper_tokenizer_decode, NULL, good, 2, 0, text, 64, &count);
  WRONG(temper_tokenizer_decode, w.tokenizer, NULL, 2, 0, text, 64, &count);
  WRONG(temper_tokenizer_decode, w.tokenizer, good, 2, 0, NULL, 64, &count);
  WRONG(temper_tokenizer_decode, w.tokenizer, good, 2, 0, text, 64, NULL);
  WRONG(temper_tokenizer_decode, w.tokenizer, good, 2, 64, text, 64, &count);
  WRONG(temper_tokenizer_decode, w.tokenizer, bad, 2, 0, text, 64, &count);
  WRONG(temper_tokenizer_decode, w.tokenizer, bad + 2, 1, 0, text, 64, &count);
  assert_int_equal(count, 0);
  REFUSED(TEMPER_E_CAPACITY, temper_tokenizer_decode, w.tokenizer, good, 2, 0, text, 1, &count);
  assert_int_equal(count, 2);

  WRONG(temper_tokenizer_get_i64, NULL, TEMPER_TOKENIZER_EOS, &value);
  WRONG(temper_tokenizer_get_i64, w.tokenizer, TEMPER_TOKENIZER_EOS, NULL);
  WRONG(temper_tokenizer_get_i64, w.tokenizer, 0, &value);
  WRONG(temper_tokenizer_get_i64, w.tokenizer, 6, &value);
  WRONG(temper_tokenizer_token_text, NULL, 5, text, 64, &count);
  WRONG(temper_tokenizer_token_text, w.tokenizer, -1, text, 64, &count);
  WRONG(temper_tokenizer_token_text, w.tokenizer, 1000000, text, 64, &count);
  WRONG(temper_tokenizer_token_text, w.tokenizer, 5, NULL, 64, &count);
  WRONG(temper_tokenizer_token_text, w.tokenizer, 5, NULL, 0, NULL);
  REFUSED(TEMPER_E_CAPACITY, temper_tokenizer_token_text, w.tokenizer, 'a', text, 1, &count);
  WRONG(temper_tokenizer_token_id, NULL, "a", 1, &token);
  WRONG(temper_tokenizer_token_id, w.tokenizer, NULL, 1, &token);
  WRONG(temper_tokenizer_token_id, w.tokenizer, "a", 1, NULL);

  WRONG(temper_decoder_create, w.tokenizer, 0, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_decoder, temper_decoder_create, NULL, 0);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_decoder, temper_decoder_create, w.tokenizer, 64);
  WRONG(temper_decoder_push, NULL, good, 2, text, 64, &count);
  WRONG(temper_decoder_push, w.decoder, NULL, 2, text, 64, &count);
  WRONG(temper_decoder_push, w.decoder, good, 2, NULL, 64, &count);
  WRONG(temper_decoder_push, w.decoder, good, 2, text, 64, NULL);
  REFUSED(TEMPER_E_CAPACITY, temper_decoder_push, w.decoder, good, 2, text, 1, &count);
  assert_int_equal(count, 2);
  WRONG(temper_decoder_flush, NULL, text, 64, &count);
  WRONG(temper_decoder_flush, w.decoder, NULL, 64, &count);
  WRONG(temper_decoder_flush, w.decoder, text, 64, NULL);
  note("temper_decoder_reset");
  temper_decoder_reset(NULL);
  note("temper_decoder_destroy");
  temper_decoder_destroy(NULL);
}

static int32_t rising(void *user, int64_t step, int64_t position) {
  (void)user, (void)position;
  return step == 0 ? 1 : step < 5 ? 2 : 0;
}
static int32_t endless(void *user, int64_t step, int64_t position) {
  (void)user, (void)step, (void)position;
  return 1;
}

void hyperschedule(void **state) {
  const int32_t table[6] = {2, 2, 1, 2, 0, 0}, rises[6] = {1, 2, 2, 2, 0, 0}, open[4] = {2, 2, 0, 1},
                high[4] = {3, 2, 0, 0}, negative[4] = {2, -1, 0, 0};
  temper_hyperschedule *made = NULL;
  int64_t value;
  int32_t level;
  (void)state;
  WRONG(temper_hyperschedule_create, TEMPER_SLIDE, 8, 4, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create, -1, 8, 4);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create, 7, 8, 4);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create, 8, 8, 4);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create, TEMPER_SLIDE, 0, 4);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create, TEMPER_SLIDE, -8, 4);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create, TEMPER_SLIDE, INT64_MAX, 4);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create, TEMPER_FLAT, 8, 0);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create, TEMPER_FLAT, 8, (1 << 20) + 1);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create, TEMPER_FLAT, 8, INT32_MIN);

  WRONG(temper_hyperschedule_create_table, table, 2, 2, 2, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create_table, NULL, 2, 2, 2);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create_table, table, 0, 2, 2);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create_table, table, INT64_MAX, 2, 2);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create_table, table, 2, 0, 2);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create_table, table, 2, INT64_MAX, 2);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create_table, table, 2, 2, 0);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create_table, rises, 2, 2, 2);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create_table, open, 1, 2, 2);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create_table, high, 1, 2, 2);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create_table, negative, 1, 2, 2);

  WRONG(temper_hyperschedule_create_callback, rising, NULL, 2, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create_callback, NULL, NULL, 2);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_hyperschedule, temper_hyperschedule_create_callback, rising, NULL, 0);
  assert_int_equal(temper_hyperschedule_create_callback(rising, NULL, 2, &made, NULL), TEMPER_OK);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_session, temper_session_create, w.model, made, NULL, NULL, 1, 10, 7);
  temper_hyperschedule_destroy(made);
  assert_int_equal(temper_hyperschedule_create_callback(endless, NULL, 2, &made, NULL), TEMPER_OK);
  WRONG(temper_hyperschedule_steps, made, 3, &value);
  temper_hyperschedule_destroy(made);

  assert_int_equal(temper_hyperschedule_create_table(table, 2, 2, 2, &made, NULL), TEMPER_OK);
  WRONG(temper_hyperschedule_steps, made, 3, &value);
  WRONG(temper_hyperschedule_steps, made, -1, &value);
  temper_hyperschedule_destroy(made);
  note("temper_hyperschedule_destroy");
  temper_hyperschedule_destroy(NULL);

  WRONG(temper_hyperschedule_steps, NULL, 3, &value);
  WRONG(temper_hyperschedule_steps, w.schedule, 3, NULL);
  WRONG(temper_hyperschedule_steps, w.schedule, INT64_MIN, &value);
  WRONG(temper_hyperschedule_steps, w.schedule, INT64_MAX, &value);
  WRONG(temper_hyperschedule_level, NULL, 0, 0, &level);
  WRONG(temper_hyperschedule_level, w.schedule, 0, 0, NULL);
  WRONG(temper_hyperschedule_level, w.schedule, -1, 0, &level);
  WRONG(temper_hyperschedule_level, w.schedule, 0, -1, &level);
  WRONG(temper_hyperschedule_level, w.schedule, 0, INT64_MAX, &level);
  WRONG(temper_hyperschedule_span, NULL, 0, 8, &value, &value);
  WRONG(temper_hyperschedule_span, w.schedule, -1, 8, &value, &value);
  WRONG(temper_hyperschedule_span, w.schedule, 0, -1, &value, &value);
  WRONG(temper_hyperschedule_span, w.schedule, 0, INT64_MAX, &value, &value);
  assert_int_equal(temper_hyperschedule_span(w.schedule, 0, 8, NULL, NULL, NULL), TEMPER_OK);
  WRONG(temper_hyperschedule_get_i64, NULL, TEMPER_HYPERSCHEDULE_KIND, &value);
  WRONG(temper_hyperschedule_get_i64, w.schedule, TEMPER_HYPERSCHEDULE_KIND, NULL);
  WRONG(temper_hyperschedule_get_i64, w.schedule, 0, &value);
  WRONG(temper_hyperschedule_get_i64, w.schedule, 4, &value);
}

void noise(void **state) {
  double low, high, initial;
  int32_t kind, parameter;
  (void)state;
  WRONG(temper_noise_create, TEMPER_NOISE_EPSILON, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_noise, temper_noise_create, -1);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_noise, temper_noise_create, 5);
  note("temper_noise_destroy");
  temper_noise_destroy(NULL);
  WRONG(temper_noise_set, NULL, TEMPER_NOISE_MIX, 0.1);
  WRONG(temper_noise_set, w.noise, 0, 0.1);
  WRONG(temper_noise_set, w.noise, 9, 0.1);
  WRONG(temper_noise_get, NULL, TEMPER_NOISE_MIX, &low);
  WRONG(temper_noise_get, w.noise, TEMPER_NOISE_MIX, NULL);
  WRONG(temper_noise_get, w.noise, 0, &low);
  WRONG(temper_noise_bounds, -1, TEMPER_NOISE_MIX, &low, &high, &initial);
  WRONG(temper_noise_bounds, 5, TEMPER_NOISE_MIX, &low, &high, &initial);
  WRONG(temper_noise_bounds, TEMPER_NOISE_ABSORBING, TEMPER_NOISE_MIX, &low, &high, &initial);
  for (kind = 0; kind <= TEMPER_NOISE_GIDD; ++kind) {
    temper_noise *made = NULL;
    assert_int_equal(temper_noise_create(kind, &made, NULL), TEMPER_OK);
    for (parameter = 1; parameter <= 8; ++parameter) {
      if (temper_noise_bounds(kind, parameter, &low, &high, &initial, NULL) != TEMPER_OK) {
        WRONG(temper_noise_set, made, parameter, 0.5);
        WRONG(temper_noise_get, made, parameter, &low);
        continue;
      }
      assert_true(low <= initial && initial <= high);
      WRONG(temper_noise_set, made, parameter, low - 1.0);
      WRONG(temper_noise_set, made, parameter, high * 1.001 + 0.001);
      WRONG(temper_noise_set, made, parameter, (double)NAN);
      WRONG(temper_noise_set, made, parameter, (double)INFINITY);
      WRONG(temper_noise_set, made, parameter, (double)-INFINITY);
      assert_int_equal(temper_noise_get(made, parameter, &high, NULL), TEMPER_OK);
      assert_true(high == initial);
    }
    temper_noise_destroy(made);
  }
  WRONG(temper_noise_at, NULL, 0.5, &low, &low, &low, &low);
  WRONG(temper_noise_at, w.noise, -0.001, &low, &low, &low, &low);
  WRONG(temper_noise_at, w.noise, 1.001, &low, &low, &low, &low);
  WRONG(temper_noise_at, w.noise, (double)NAN, &low, &low, &low, &low);
  assert_int_equal(temper_noise_at(w.noise, 0.5, NULL, NULL, NULL, NULL, NULL), TEMPER_OK);
  WRONG(temper_noise_level, NULL, 1, 4, &low, &low, &low, &low);
  WRONG(temper_noise_level, w.noise, -1, 4, &low, &low, &low, &low);
  WRONG(temper_noise_level, w.noise, 5, 4, &low, &low, &low, &low);
  WRONG(temper_noise_level, w.noise, 0, 0, &low, &low, &low, &low);
  WRONG(temper_noise_level, w.noise, 0, INT32_MAX, &low, &low, &low, &low);
  assert_int_equal(temper_noise_level(w.noise, 1, 4, NULL, NULL, NULL, NULL, NULL), TEMPER_OK);
}

static void all_masked(void *user, double t, double *a, double *m) {
  *m = t;
  *a = *(const double *)user - t;
}

void own_noise(void **state) {
  const double good_a[] = {1.0, 0.5, 0.0}, good_m[] = {0.0, 0.25, 1.0}, bad_m[] = {0.0, 0.5, 0.25};
  double one = 1.0, two = 2.0, low, high, initial;
  int32_t parameter, kind;
  temper_noise *made[2] = {NULL, NULL};
  (void)state;
  NOT_MADE(TEMPER_E_ARGUMENT, temper_noise, temper_noise_create, TEMPER_NOISE_TABLE);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_noise, temper_noise_create, TEMPER_NOISE_CALLBACK);
  WRONG(temper_noise_create_table, good_a, good_m, 2, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_noise, temper_noise_create_table, NULL, good_m, 2);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_noise, temper_noise_create_table, good_a, NULL, 2);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_noise, temper_noise_create_table, good_a, good_m, 0);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_noise, temper_noise_create_table, good_a, good_m, INT32_MAX);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_noise, temper_noise_create_table, good_a, bad_m, 2);
  assert_non_null(strstr(error.message, "level 2"));
  NOT_MADE(TEMPER_E_ARGUMENT, temper_noise, temper_noise_create_table, good_m, good_a, 2);
  WRONG(temper_noise_create_callback, all_masked, &one, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_noise, temper_noise_create_callback, NULL, &one);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_noise, temper_noise_create_callback, all_masked, &two);
  assert_int_equal(temper_noise_create_table(good_a, good_m, 2, &made[0], NULL), TEMPER_OK);
  assert_int_equal(temper_noise_create_callback(all_masked, &one, &made[1], NULL), TEMPER_OK);
  for (kind = 0; kind < 2; ++kind) {
    for (parameter = 1; parameter <= 8; ++parameter) {
      if (temper_noise_bounds(TEMPER_NOISE_TABLE + kind, parameter, &low, &high, &initial, NULL) != TEMPER_OK) {
        WRONG(temper_noise_set, made[kind], parameter, 0.5);
        WRONG(temper_noise_get, made[kind], parameter, &low);
        continue;
      }
      WRONG(temper_noise_set, made[kind], parameter, low - 1.0);
      WRONG(temper_noise_set, made[kind], parameter, high * 1.001 + 0.001);
      assert_int_equal(temper_noise_get(made[kind], parameter, &high, NULL), TEMPER_OK);
      assert_true(high == initial);
    }
    temper_noise_destroy(made[kind]);
  }
}

void corruption(void **state) {
  const int32_t clean[] = {0, 1, 2}, wrong[] = {0, 4, 2}, low[] = {0, 1, 2}, high[] = {4, 4, 4}, top[] = {9, 4, 4};
  int32_t out[3] = {7, 7, 7};
  double p[4], mask;
  temper_draws draws = {1, 2, 3, 0, 0}, last = {1, 2, 3, UINT32_MAX, 0};
  (void)state;
  WRONG(temper_noise_corrupt, NULL, 3, 3, 4, low, high, 3, &draws, clean, 3, out);
  WRONG(temper_noise_corrupt, w.noise, 0, 3, 4, low, high, 3, &draws, clean, 3, out);
  WRONG(temper_noise_corrupt, w.noise, INT32_MAX, 3, 4, low, high, 3, &draws, clean, 3, out);
  WRONG(temper_noise_corrupt, w.noise, 1, 0, 4, low, high, 3, &draws, clean, 3, out);
  WRONG(temper_noise_corrupt, w.noise, 3, -1, 4, low, high, 3, &draws, clean, 3, out);
  WRONG(temper_noise_corrupt, w.noise, 3, -2, 4, low, high, 3, &draws, clean, 3, out);
  WRONG(temper_noise_corrupt, w.noise, 3, 3, 0, low, high, 3, &draws, clean, 3, out);
  WRONG(temper_noise_corrupt, w.noise, 3, 3, INT32_MAX, low, high, 3, &draws, clean, 3, out);
  WRONG(temper_noise_corrupt, w.noise, 3, 3, 4, high, low, 3, &draws, clean, 3, out);
  WRONG(temper_noise_corrupt, w.noise, 3, 3, 4, low, top, 3, &draws, clean, 3, out);
  WRONG(temper_noise_corrupt, w.noise, 3, 3, 4, low, NULL, 3, &draws, clean, 3, out);
  WRONG(temper_noise_corrupt, w.noise, 3, 3, 4, low, high, 2, &draws, clean, 3, out);
  WRONG(temper_noise_corrupt, w.noise, 3, 3, 4, low, high, 3, NULL, clean, 3, out);
  WRONG(temper_noise_corrupt, w.noise, 3, 3, 4, low, high, 3, &last, clean, 3, out);
  WRONG(temper_noise_corrupt, w.noise, 3, 3, 4, low, high, 3, &draws, NULL, 3, out);
  WRONG(temper_noise_corrupt, w.noise, 3, 3, 4, low, high, 3, &draws, wrong, 3, out);
  WRONG(temper_noise_corrupt, w.noise, 3, 3, 4, low, high, 3, &draws, clean, 3, NULL);
  assert_true(out[0] == 7 && out[1] == 7 && out[2] == 7);
  assert_int_equal(temper_noise_corrupt(w.noise, 3, 3, 4, NULL, high, 1, &draws, clean, 3, out, NULL), TEMPER_OK);
  assert_true(out[0] == 3 && out[1] == 3 && out[2] == 3);
  assert_int_equal(temper_noise_corrupt(w.noise, 3, 3, 4, low, low, 3, &draws, clean, 3, out, NULL), TEMPER_OK);
  assert_true(out[0] == 0 && out[1] == 1 && out[2] == 2);
  assert_int_equal(temper_noise_corrupt(w.noise, 3, 3, 4, NULL, NULL, 0, &draws, NULL, 0, NULL, NULL), TEMPER_OK);

  WRONG(temper_noise_posterior, NULL, 4, 2, 1, 3, -1, 0, p, &mask);
  WRONG(temper_noise_posterior, w.noise, 0, 2, 1, 3, -1, 0, p, &mask);
  WRONG(temper_noise_posterior, w.noise, 4, 5, 1, 3, -1, 0, p, &mask);
  WRONG(temper_noise_posterior, w.noise, 4, 0, 0, 3, -1, 0, p, &mask);
  WRONG(temper_noise_posterior, w.noise, 4, 2, 3, 3, -1, 0, p, &mask);
  WRONG(temper_noise_posterior, w.noise, 4, 2, 1, 0, -1, 0, p, &mask);
  WRONG(temper_noise_posterior, w.noise, 4, 2, 1, 3, 3, 0, p, &mask);
  WRONG(temper_noise_posterior, w.noise, 4, 4, 1, 3, 1, 1, p, &mask);
  WRONG(temper_noise_posterior, w.noise, 4, 2, 1, 3, -1, 3, p, &mask);
  WRONG(temper_noise_posterior, w.noise, 4, 2, 1, 3, -1, 0, NULL, &mask);
  assert_int_equal(temper_noise_posterior(w.noise, 4, 2, 1, 3, -1, 0, p, NULL, NULL), TEMPER_OK);
}

void shaping(void **state) {
  const int32_t tokens[] = {4, 2, 4}, negative[] = {4, -1, 4};
  const double biases[] = {1.0, 2.0, (double)-INFINITY}, wrong[] = {1.0, 2.0, (double)NAN},
               endless[] = {(double)INFINITY, 0.0, 0.0}, large[] = {2e6, 0.0, 0.0};
  double low, high, initial;
  int32_t key;
  temper_sampler *made = NULL;
  (void)state;
  assert_int_equal(temper_sampler_create(TEMPER_SAMPLER_ANCESTRAL, &made, NULL), TEMPER_OK);
  WRONG(temper_sampler_shape, NULL, TEMPER_SHAPE_REPETITION, 1.1);
  WRONG(temper_sampler_get_shape, NULL, TEMPER_SHAPE_REPETITION, &low);
  WRONG(temper_sampler_get_shape, made, TEMPER_SHAPE_REPETITION, NULL);
  WRONG(temper_sampler_get_shape, made, 0, &low);
  WRONG(temper_sampler_shape_bounds, 0, &low, &high, &initial);
  WRONG(temper_sampler_shape_bounds, 7, &low, &high, &initial);
  WRONG(temper_sampler_shape, made, 7, 0.0);
  WRONG(temper_sampler_shape, made, TEMPER_SHAPE_WINDOW, 1.5);
  WRONG(temper_sampler_shape, made, TEMPER_SHAPE_NO_END, 0.5);
  for (key = TEMPER_SHAPE_REPETITION; key <= TEMPER_SHAPE_NO_END; ++key) {
    assert_int_equal(temper_sampler_shape_bounds(key, NULL, NULL, NULL, NULL), TEMPER_OK);
    assert_int_equal(temper_sampler_shape_bounds(key, &low, &high, &initial, NULL), TEMPER_OK);
    assert_true(low <= initial && initial <= high);
    WRONG(temper_sampler_shape, made, key, low - 1.0);
    WRONG(temper_sampler_shape, made, key, high + 1.0);
    WRONG(temper_sampler_shape, made, key, (double)NAN);
    assert_int_equal(temper_sampler_get_shape(made, key, &low, NULL), TEMPER_OK);
    assert_true(low == initial);
    assert_int_equal(temper_sampler_shape(made, key, high, NULL), TEMPER_OK);
    assert_int_equal(temper_sampler_get_shape(made, key, &low, NULL), TEMPER_OK);
    assert_true(low == high);
  }
  WRONG(temper_sampler_bias, NULL, tokens, biases, 3);
  WRONG(temper_sampler_bias, made, NULL, biases, 3);
  WRONG(temper_sampler_bias, made, tokens, NULL, 3);
  WRONG(temper_sampler_bias, made, negative, biases, 3);
  WRONG(temper_sampler_bias, made, tokens, wrong, 3);
  WRONG(temper_sampler_bias, made, tokens, endless, 3);
  WRONG(temper_sampler_bias, made, tokens, large, 3);
  WRONG(temper_sampler_ban, NULL, tokens, 3);
  WRONG(temper_sampler_ban, made, NULL, 3);
  WRONG(temper_sampler_ban, made, negative, 3);
  assert_int_equal(temper_sampler_bias(made, tokens, biases, 3, NULL), TEMPER_OK);
  assert_int_equal(temper_sampler_bias(made, NULL, NULL, 0, NULL), TEMPER_OK);
  assert_int_equal(temper_sampler_ban(made, tokens, 3, NULL), TEMPER_OK);
  note("temper_sampler_clear_shaping");
  temper_sampler_clear_shaping(NULL);
  temper_sampler_clear_shaping(made);
  assert_int_equal(temper_sampler_get_shape(made, TEMPER_SHAPE_REPETITION, &low, NULL), TEMPER_OK);
  assert_true(low == 1.0);
  temper_sampler_destroy(made);
}

void sampler(void **state) {
  double low, high, initial;
  int32_t kind, parameter;
  (void)state;
  WRONG(temper_sampler_create, TEMPER_SAMPLER_ACS, NULL);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_sampler, temper_sampler_create, -1);
  NOT_MADE(TEMPER_E_ARGUMENT, temper_sampler, temper_sampler_create, 1000);
  note("temper_sampler_destroy");
  temper_sampler_destroy(NULL);
  WRONG(temper_sampler_set, NULL, TEMPER_SAMPLER_TOP_P, 0.5);
  WRONG(temper_sampler_set, w.sampler, 0, 0.5);
  WRONG(temper_sampler_set, w.sampler, 1000, 0.5);
  WRONG(temper_sampler_set, w.sampler, TEMPER_SAMPLER_ETA, 0.5);
  WRONG(temper_sampler_set, w.sampler, TEMPER_SAMPLER_TOP_K, 1.5);
  WRONG(temper_sampler_get, NULL, TEMPER_SAMPLER_TOP_P, &low);
  WRONG(temper_sampler_get, w.sampler, TEMPER_SAMPLER_TOP_P, NULL);
  WRONG(temper_sampler_get, w.sampler, 0, &low);
  WRONG(temper_sampler_bounds, -1, TEMPER_SAMPLER_TOP_P, &low, &high, &initial);
  WRONG(temper_sampler_bounds, TEMPER_SAMPLER_ACS, 0, &low, &high, &initial);
  assert_int_equal(temper_sampler_bounds(TEMPER_SAMPLER_ACS, TEMPER_SAMPLER_ETA, NULL, NULL, NULL, NULL), TEMPER_OK);
  for (kind = 0; kind <= TEMPER_SAMPLER_EDIT; ++kind) {
    temper_sampler *made = NULL;
    assert_int_equal(temper_sampler_create(kind, &made, NULL), TEMPER_OK);
    for (parameter = 1; parameter <= TEMPER_SAMPLER_END_RULE; ++parameter) {
      if (temper_sampler_bounds(kind, parameter, &low, &high, &initial, NULL) != TEMPER_OK) {
        WRONG(temper_sampler_set, made, parameter, 0.5);
        continue;
      }
      assert_true(low <= initial && initial <= high);
      WRONG(temper_sampler_set, made, parameter, low - 1.0);
      WRONG(temper_sampler_set, made, parameter, high + 1.0);
      WRONG(temper_sampler_set, made, parameter, (double)NAN);
      WRONG(temper_sampler_set, made, parameter, (double)INFINITY);
      assert_int_equal(temper_sampler_get(made, parameter, &high, NULL), TEMPER_OK);
      assert_true(high == initial);
    }
    temper_sampler_destroy(made);
  }
}
