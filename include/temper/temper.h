/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file temper.h
 * @brief All of Temper: sequence generation anywhere between autoregression and diffusion.
 *
 * A hyperschedule says how noisy every position is at every step; a model guesses the clean tokens; a
 * sampler moves each position from one noise level to the next. GPT-like decoding (quench), plain
 * diffusion (flat) and everything between (block, slide) are hyperschedules.
 *
 * The whole sampling loop; a test compiles and runs this very text:
 *
 * @code
 * #include <temper/temper.h>
 * #include <stdio.h>
 * #include <string.h>
 *
 * int main(int argc, char **argv) {
 *   const char *path = argc > 1 ? argv[1] : "examples/model";
 *   const char *prompt = argc > 2 ? argv[2] : "Once upon a time";
 *   temper_error error;
 *   temper_runtime *runtime = NULL;
 *   temper_model *model = NULL;
 *   temper_tokenizer *tokenizer = NULL;
 *   temper_hyperschedule *schedule = NULL;
 *   temper_session *session = NULL;
 *   int32_t tokens[256], window[256];
 *   char text[4096];
 *   size_t count = 0, size = 0;
 *   temper_status status;
 *
 *   if (temper_runtime_create(NULL, &runtime, &error) < 0 ||
 *       temper_model_open(runtime, path, "auto", &model, &error) < 0 ||
 *       temper_model_tokenizer(model, &tokenizer, &error) < 0 ||
 *       temper_hyperschedule_create(TEMPER_SLIDE, 16, 8, &schedule, &error) < 0 ||
 *       temper_session_create(model, schedule, NULL, NULL, 1, 128, 7, &session, &error) < 0 ||
 *       temper_tokenizer_encode(tokenizer, prompt, strlen(prompt), TEMPER_TOKENIZER_ADD_SPECIAL, tokens,
 *                               256, &count, &error) < 0 ||
 *       temper_session_prompt(session, 0, tokens, count, &error) < 0) {
 *     fprintf(stderr, "%s\n", error.message);
 *     return 1;
 *   }
 *   while ((status = temper_session_step(session, NULL, &error)) != TEMPER_DONE) {
 *     if (status < 0) {
 *       fprintf(stderr, "%s\n", error.message);
 *       return 1;
 *     }
 *     temper_session_read(session, 0, tokens, 256, &count, NULL);
 *     temper_tokenizer_decode(tokenizer, tokens, count, TEMPER_TOKENIZER_SKIP_UNKNOWN, text, sizeof text, &size, NULL);
 *     fwrite(text, 1, size, stdout);
 *     temper_session_window(session, 0, window, 256, &count, NULL);
 *   }
 *   printf("\n");
 *   temper_session_destroy(session);
 *   temper_hyperschedule_destroy(schedule);
 *   temper_tokenizer_destroy(tokenizer);
 *   temper_model_destroy(model);
 *   temper_runtime_destroy(runtime);
 *   return 0;
 * }
 * @endcode
 *
 * Text arrives token by token: a character may need several tokens, so a program that shows text as it
 * comes uses a ::temper_decoder, which holds back incomplete ones. What the window holds is tentative:
 * show it, don't keep it.
 */
#ifndef TEMPER_TEMPER_H
#define TEMPER_TEMPER_H

#include <temper/hyperschedule.h>
#include <temper/model.h>
#include <temper/noise.h>
#include <temper/runtime.h>
#include <temper/sampler.h>
#include <temper/score.h>
#include <temper/session.h>
#include <temper/shaping.h>
#include <temper/tokenizer.h>
#include <temper/types.h>
#include <temper/version.h>

#endif
