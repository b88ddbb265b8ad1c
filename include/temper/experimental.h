/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file experimental.h
 * @brief New things, without a promise: names begin with temper_x_ and may change in any release.
 *
 * The evaluator runs a model on rows that the caller describes, through the same code that a session
 * uses: for checking a port against reference logits and for scoring.
 */
#ifndef TEMPER_EXPERIMENTAL_H
#define TEMPER_EXPERIMENTAL_H

#include <temper/types.h>

TEMPER_EXTERN_C_BEGIN

typedef struct temper_x_evaluator temper_x_evaluator;

/** One row of a call. A row's key and value go to the sequence's next slot, after the kept ones. */
typedef struct temper_x_row {
  int32_t token;         /**< 0..vocabulary-1 */
  int32_t position;      /**< absolute; below the trained length or, if those are more and it is rotary, the slots */
  int32_t sequence;      /**< 0..sequences-1; rows of a sequence stand in slot order */
  int32_t visible_begin; /**< attends to slots [visible_begin, visible_end) of its sequence */
  int32_t visible_end;
  int32_t want_logits;   /**< 1: compute them */
  double condition;      /**< what the model is told of the noise: sigma, or t for GIDD; else ignored */
} temper_x_row;

/**
 * @brief Creates an evaluator with room for @p max_rows rows a call and @p slots slots a sequence.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_MEMORY.
 */
TEMPER_API temper_status temper_x_evaluator_create(temper_model *model, int32_t sequences, int32_t max_rows,
                                                   int32_t slots, temper_x_evaluator **out,
                                                   temper_error *error);
TEMPER_API void temper_x_evaluator_destroy(temper_x_evaluator *evaluator);

/**
 * @brief Runs the model on @p count rows. Logits are raw rows of the model's head (as a score model
 * scales them, without shift), written to @p logits one after another for the rows that want them.
 * @param[in] capacity floats in @p logits. @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_CAPACITY; ...
 */
TEMPER_API temper_status temper_x_evaluator_run(temper_x_evaluator *evaluator, const temper_x_row *rows,
                                                size_t count, float *logits, size_t capacity,
                                                temper_error *error);

/** @brief Keeps the first @p slots slots of a sequence for the following calls; 0 forgets all. */
TEMPER_API temper_status temper_x_evaluator_keep(temper_x_evaluator *evaluator, int32_t sequence,
                                                 int32_t slots, temper_error *error);

/**
 * @brief Measures this machine through the model's backend, for rooflines: streaming read bandwidth and
 * the rate of float32 multiply-adds on all threads of the runtime. Takes about @p seconds.
 * @param[out] bytes_per_second 0 when the backend can't say.
 * @param[out] flops_per_second likewise.
 */
TEMPER_API temper_status temper_x_measure_machine(temper_model *model, double seconds,
                                                  double *bytes_per_second, double *flops_per_second,
                                                  temper_error *error);

TEMPER_EXTERN_C_END

#endif
