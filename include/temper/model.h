/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file model.h
 * @brief Weights, and what they were trained to do. Immutable; may be shared between threads.
 *
 * A model is a Hugging Face style folder: config.json, model.safetensors (or shards with an index),
 * and tokenizer files. The family is decided by tensors and fields together; what was decided, and
 * why, is text that can be asked for (::TEMPER_MODEL_ASSUMPTIONS), and the caller can override it.
 */
#ifndef TEMPER_MODEL_H
#define TEMPER_MODEL_H

#include <temper/types.h>

TEMPER_EXTERN_C_BEGIN

/** What a settled position attends to (MATH 3.5). */
enum { TEMPER_CONTEXT_CAUSAL = 0, TEMPER_CONTEXT_BLOCK_CAUSAL = 1, TEMPER_CONTEXT_FULL = 2 };

/** What an active position attends to: everything known, the past, or up to the end of its block. */
enum { TEMPER_WINDOW_FULL = 0, TEMPER_WINDOW_CAUSAL = 1, TEMPER_WINDOW_BLOCK = 2 };

/** How weights are kept in memory. */
enum {
  TEMPER_STORAGE_AUTO = 0, /**< bfloat16 for a bfloat16 file, else float32 */
  TEMPER_STORAGE_F32 = 1,
  TEMPER_STORAGE_BF16 = 2
};

/** Facts about a model that the caller knows better than its files. */
typedef struct temper_model_options temper_model_options;

/** Keys of temper_model_options_set_i64(). */
enum {
  TEMPER_MODEL_OPTION_CONTEXT = 1,    /**< TEMPER_CONTEXT_... */
  TEMPER_MODEL_OPTION_WINDOW = 2,     /**< TEMPER_WINDOW_... */
  TEMPER_MODEL_OPTION_SHIFTED = 3,    /**< 1: row i predicts token i+1; 0: its own */
  TEMPER_MODEL_OPTION_NOISE_KEYS = 4, /**< 0: fully noisy inputs aren't attended to */
  TEMPER_MODEL_OPTION_MASK_TOKEN = 5, /**< id of the mask token; -1: there is none */
  TEMPER_MODEL_OPTION_BLOCK = 6,      /**< block size of block-causal rules, positions, >= 1 */
  TEMPER_MODEL_OPTION_MAX_LENGTH = 7, /**< trained length, positions, >= 1 */
  TEMPER_MODEL_OPTION_STORAGE = 8,    /**< TEMPER_STORAGE_... */
  /** Ids below it are tokens; the rows of the head from there on have none and are never drawn, 1..2^31-1 (so the
   *  largest number allows every id). 0 (default): the tokenizer beside the model says which ids have a token, holes
   *  among them included; without one that can be read every id may be drawn. End tokens that the model's files
   *  name may always be drawn. */
  TEMPER_MODEL_OPTION_TOKENS = 9
};

/** @brief Creates an empty set of options. @since 0.1 */
TEMPER_API temper_status temper_model_options_create(temper_model_options **out, temper_error *error);

/** @brief Ends a set of options; models opened with it are unaffected. NULL is fine. @since 0.1 */
TEMPER_API void temper_model_options_destroy(temper_model_options *options);

/**
 * @brief Overrides a number. @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (NULL, unknown key, out of range).
 * Thread: one at a time. @since 0.1
 */
TEMPER_API temper_status temper_model_options_set_i64(temper_model_options *options, int32_t key,
                                                      int64_t value, temper_error *error);

/**
 * @brief Names the family instead of detecting it: "hdlm-epsilon", "hdlm-gamma", "mdlm", "sedd",
 * "bd3lm", "gidd", "gpt2", "diffugpt", "llama", "llada", "dream", "sdar", "fast-dllm-v2", ... An
 * unknown name is found out when the model is opened. NULL: detect. @since 0.1
 */
TEMPER_API temper_status temper_model_options_set_family(temper_model_options *options,
                                                         const char *family, temper_error *error);

/**
 * @brief Opens a model folder, or a .safetensors file beside its config.json: then the weights are those of this
 * file alone, and everything else is read from its folder.
 * @param[in] runtime frozen from now on; kept alive by the model.
 * @param[in] path UTF-8.
 * @param[in] backend "auto" or NULL: the best that opens; or a name, "onednn". A named backend that
 *   can't be used is an error, never a quiet substitution.
 * @param[in] options copied; NULL: none.
 * @param[out] out the model; NULL on error. End it with temper_model_destroy().
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_IO; ::TEMPER_E_FORMAT; ::TEMPER_E_UNSUPPORTED;
 *   ::TEMPER_E_BACKEND; ::TEMPER_E_MEMORY.
 * Weights are packed for the backend once, here. Values aren't inspected: a step whose logits aren't
 * finite is an error of that step. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_model_open_with(temper_runtime *runtime, const char *path,
                                                const char *backend,
                                                const temper_model_options *options,
                                                temper_model **out, temper_error *error);

/** @brief temper_model_open_with() without options. @since 0.1 */
TEMPER_API temper_status temper_model_open(temper_runtime *runtime, const char *path, const char *backend,
                                           temper_model **out, temper_error *error);

/** Tells the owner of borrowed memory that the library needs it no longer. */
typedef void (*temper_release_fn)(void *user);

/**
 * @brief Opens a model bundled in the program: the bytes of config.json and of one safetensors file.
 * Both are borrowed until the call returns or, for @p weights, until @p release is called (once, from
 * the thread that lets go last; also when this call fails). @p release may be NULL for memory that
 * outlives the model. There is no tokenizer; use temper_tokenizer_open_memory(), and
 * ::TEMPER_MODEL_OPTION_TOKENS if the head has more rows than it has tokens.
 * @return as temper_model_open_with(). @since 0.1
 */
TEMPER_API temper_status temper_model_open_memory(temper_runtime *runtime, const void *config,
                                                  size_t config_size, const void *weights,
                                                  size_t weights_size, temper_release_fn release,
                                                  void *user, const char *backend,
                                                  const temper_model_options *options,
                                                  temper_model **out, temper_error *error);

/** @brief Releases the caller's hold; sessions keep the model alive. NULL is fine. @since 0.1 */
TEMPER_API void temper_model_destroy(temper_model *model);

/**
 * @brief Memory a model would take, from its metadata alone. Opens the backend to ask it, and with that freezes the
 * runtime as opening the model would.
 * @param[out] bytes weights as the backend packs them. @return as temper_model_open_with(). @since 0.1
 */
TEMPER_API temper_status temper_model_estimate(temper_runtime *runtime, const char *path,
                                               const char *backend, const temper_model_options *options,
                                               int64_t *bytes, temper_error *error);

/** Keys of temper_model_get_i64(). Token ids are -1 when there is none. */
enum {
  TEMPER_MODEL_VOCABULARY = 1,      /**< rows of the embedding, the mask included */
  TEMPER_MODEL_COLUMNS = 2,         /**< columns of the logits */
  TEMPER_MODEL_MASK_TOKEN = 3,
  TEMPER_MODEL_BOS_TOKEN = 4,
  TEMPER_MODEL_EOS_TOKEN = 5,
  TEMPER_MODEL_MAX_LENGTH = 6,      /**< trained length in positions; 0: unknown */
  TEMPER_MODEL_LAYERS = 7,
  TEMPER_MODEL_WIDTH = 8,
  TEMPER_MODEL_HEADS = 9,
  TEMPER_MODEL_KV_HEADS = 10,
  TEMPER_MODEL_HEAD_DIM = 11,
  TEMPER_MODEL_MLP_WIDTH = 12,
  TEMPER_MODEL_PARAMETERS = 13,
  TEMPER_MODEL_WEIGHT_BYTES = 14,   /**< embeddings and matrices as packed in memory, as the backend says */
  TEMPER_MODEL_STEP_BYTES = 15,     /**< of these, what one step reads, the head included */
  TEMPER_MODEL_CONTEXT = 16,        /**< TEMPER_CONTEXT_... */
  TEMPER_MODEL_WINDOW = 17,         /**< TEMPER_WINDOW_... */
  TEMPER_MODEL_BLOCK = 18,
  TEMPER_MODEL_SHIFTED = 19,
  TEMPER_MODEL_AUTOREGRESSIVE = 20, /**< 1: only the quench hyperschedule makes sense */
  TEMPER_MODEL_STORAGE = 21,        /**< TEMPER_STORAGE_F32 or _BF16 */
  TEMPER_MODEL_DEFAULT_WIDTH = 22,  /**< window width of the default hyperschedule */
  TEMPER_MODEL_DEFAULT_LEVELS = 23, /**< its levels */
  TEMPER_MODEL_DEFAULT_SCHEDULE = 24, /**< its kind, TEMPER_QUENCH, ... */
  TEMPER_MODEL_STEP_PRODUCTS = 25,  /**< multiply-adds that a row of a step takes outside attention */
  /** Rows of the head that no token has and that are never drawn, see ::TEMPER_MODEL_OPTION_TOKENS. May open the
   *  tokenizer. */
  TEMPER_MODEL_WITHOUT_TOKEN = 26
};

/** @brief A number about a model. @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT. Thread: any. @since 0.1 */
TEMPER_API temper_status temper_model_get_i64(const temper_model *model, int32_t key, int64_t *value,
                                              temper_error *error);

/** Keys of temper_model_get_text(). */
enum {
  TEMPER_MODEL_FAMILY = 1,
  TEMPER_MODEL_BACKEND = 2,             /**< name of the backend in use */
  TEMPER_MODEL_BACKEND_DESCRIPTION = 3,
  TEMPER_MODEL_ASSUMPTIONS = 4,         /**< one line each: "what: value (why)" */
  TEMPER_MODEL_PATH = 5,                /**< folder; "" when opened from memory */
  TEMPER_MODEL_NOISE = 6                /**< the noise path it was trained on, as text */
};

/**
 * @brief Text about a model; lives as long as the model. NULL for a NULL model or an unknown key.
 * Thread: any. @since 0.1
 */
TEMPER_API const char *temper_model_get_text(const temper_model *model, int32_t key);

/**
 * @brief The tokenizer of the model's folder, opened on first use and then shared.
 * @param[out] out to be ended with temper_tokenizer_destroy(), in any order. NULL on error.
 * @return ::TEMPER_OK; ::TEMPER_E_IO (no tokenizer files, or opened from memory); ::TEMPER_E_FORMAT; ...
 * Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_model_tokenizer(const temper_model *model, temper_tokenizer **out,
                                                temper_error *error);

TEMPER_EXTERN_C_END

#endif
