/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file tokenizer.h
 * @brief Text to tokens and back: byte-pair encoding as Hugging Face and GPT-2 files describe it.
 *
 * Texts are bytes with a length, never NUL-terminated; UTF-8 is expected. A byte-level vocabulary
 * (GPT-2, Llama 3, Qwen, ...) can express every byte string, and encoding then decoding gives it back
 * byte for byte unless the file asks for changes (a normalizer, a prefix space).
 *
 * Tokens are ids from 0 to ::TEMPER_TOKENIZER_VOCABULARY_SIZE - 1; ids may have gaps.
 *
 * Sizes: where a function fills a buffer, NULL with capacity 0 only asks for the size (::TEMPER_OK). A
 * buffer that is too small gives ::TEMPER_E_CAPACITY and the needed size; the buffer is then untouched.
 *
 * A tokenizer is immutable: any number of threads may use it. Opening one needs no runtime.
 */
#ifndef TEMPER_TOKENIZER_H
#define TEMPER_TOKENIZER_H

#include <temper/types.h>

TEMPER_EXTERN_C_BEGIN

/** Flags of encoding and decoding, to be combined with |. */
enum {
  /** Encode: put the special tokens around the text that the model was trained with (beginning, end). */
  TEMPER_TOKENIZER_ADD_SPECIAL = 1,
  /** Encode: special tokens spelled in the text become those tokens. Without it they are plain text, so
   * that a text from outside can't forge them. */
  TEMPER_TOKENIZER_PARSE_SPECIAL = 2,
  /** Decode: special tokens give no text; without it, their spelling. */
  TEMPER_TOKENIZER_SKIP_SPECIAL = 4,
  /** Decode: ids that aren't in the vocabulary (a mask, padding rows of the model) give no text; without
   * it they are an error. */
  TEMPER_TOKENIZER_SKIP_UNKNOWN = 8
};

/**
 * @brief Opens the tokenizer of a model folder (or of the .safetensors file in it), or a tokenizer.json by its path.
 *
 * In a folder, tokenizer.json is taken before vocab.json with merges.txt, and that before GPT-2's
 * encoder.json with vocab.bpe; tokenizer_config.json, special_tokens_map.json and added_tokens.json are
 * read when there. Files are not kept open.
 * @param[in] path UTF-8.
 * @param[out] out the tokenizer; NULL on error. End it with temper_tokenizer_destroy().
 * @param[out] error optional.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (NULL); ::TEMPER_E_IO (no such files, unreadable);
 * ::TEMPER_E_FORMAT (malformed); ::TEMPER_E_UNSUPPORTED (another kind of model, or a step that this
 * library doesn't have; the message names it); ::TEMPER_E_MEMORY. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_tokenizer_open(const char *path, temper_tokenizer **out,
                                               temper_error *error);

/**
 * @brief Opens a tokenizer from the bytes of its files, which are needed during the call only.
 * @param[in] vocabulary @p vocabulary_size bytes: a tokenizer.json when @p merges is NULL, else a vocab.json.
 * @param[in] merges @p merges_size bytes of a merges.txt; NULL and 0 for a tokenizer.json.
 * @param[in] config @p config_size bytes of a tokenizer_config.json; NULL and 0 when there is none.
 * @param[out] out the tokenizer; NULL on error. End it with temper_tokenizer_destroy().
 * @param[out] error optional.
 * @return as temper_tokenizer_open(), without ::TEMPER_E_IO. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_tokenizer_open_memory(const void *vocabulary, size_t vocabulary_size,
                                                      const void *merges, size_t merges_size,
                                                      const void *config, size_t config_size,
                                                      temper_tokenizer **out, temper_error *error);

/** @brief Releases the caller's hold; decoders and models keep what they need. NULL is fine. @since 0.1 */
TEMPER_API void temper_tokenizer_destroy(temper_tokenizer *tokenizer);

/**
 * @brief Turns text into tokens.
 * @param[in] text @p bytes bytes, at most 2^30; NULL only with 0. Need not be valid UTF-8.
 * @param[in] flags ::TEMPER_TOKENIZER_ADD_SPECIAL, ::TEMPER_TOKENIZER_PARSE_SPECIAL.
 * @param[out] tokens room for @p capacity tokens, or NULL and 0. A text never gives more tokens than
 * it has bytes, apart from special tokens and what a normalizer adds.
 * @param[out] count tokens of the text, also on ::TEMPER_E_CAPACITY; 0 on other errors. Not NULL.
 * @param[out] error optional.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (NULL, unknown flags, text too long); ::TEMPER_E_CAPACITY;
 * ::TEMPER_E_UNSUPPORTED (the vocabulary has no token for a character and none for unknown ones);
 * ::TEMPER_E_FORMAT (the file's pattern takes too much memory or time on this text); ::TEMPER_E_MEMORY.
 * Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_tokenizer_encode(const temper_tokenizer *tokenizer, const char *text,
                                                 size_t bytes, int32_t flags, int32_t *tokens,
                                                 size_t capacity, size_t *count, temper_error *error);

/**
 * @brief Turns tokens into the exact bytes that they stand for, which may end inside a character.
 * @param[in] tokens @p count ids; NULL only with 0.
 * @param[in] flags ::TEMPER_TOKENIZER_SKIP_SPECIAL, ::TEMPER_TOKENIZER_SKIP_UNKNOWN.
 * @param[out] text room for @p capacity bytes, or NULL and 0. No NUL is added.
 * @param[out] bytes length of the text, also on ::TEMPER_E_CAPACITY; 0 on other errors. Not NULL.
 * @param[out] error optional.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (NULL, unknown flags, an id that isn't in the vocabulary);
 * ::TEMPER_E_CAPACITY; ::TEMPER_E_MEMORY. Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_tokenizer_decode(const temper_tokenizer *tokenizer, const int32_t *tokens,
                                                 size_t count, int32_t flags, char *text, size_t capacity,
                                                 size_t *bytes, temper_error *error);

/** Keys of temper_tokenizer_get_i64(). */
enum {
  TEMPER_TOKENIZER_VOCABULARY_SIZE = 1, /**< one past the highest id */
  TEMPER_TOKENIZER_BOS = 2,             /**< token that begins a text; -1: none */
  TEMPER_TOKENIZER_EOS = 3,             /**< token that ends a text; -1: none */
  TEMPER_TOKENIZER_MASK = 4,            /**< mask token as the files name it; -1: none */
  TEMPER_TOKENIZER_PAD = 5              /**< filler; -1: none */
};

/**
 * @brief Asks for a number. Roles are those that the config files give; without a word there, a special
 * token with a usual spelling ("</s>", "<|endoftext|>", "[MASK]", ...).
 * @param[out] value not NULL.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (NULL, unknown key). Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_tokenizer_get_i64(const temper_tokenizer *tokenizer, int32_t key,
                                                  int64_t *value, temper_error *error);

/**
 * @brief A token as its vocabulary spells it ("Ġthe", "<0x0A>", "▁a"), NUL-terminated UTF-8. For the
 * bytes that it stands for, decode it.
 * @param[out] buffer room for @p capacity bytes, the NUL included, or NULL and 0.
 * @param[out] length bytes without the NUL; optional when @p buffer is given.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (NULL, no such token); ::TEMPER_E_CAPACITY.
 * Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_tokenizer_token_text(const temper_tokenizer *tokenizer, int32_t token,
                                                     char *buffer, size_t capacity, size_t *length,
                                                     temper_error *error);

/**
 * @brief The token with exactly this spelling; the inverse of temper_tokenizer_token_text().
 * @param[in] text @p bytes bytes; NULL only with 0.
 * @param[out] token its id, or -1 when there is none (which is no error). Not NULL.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (NULL). Thread: any. @since 0.1
 */
TEMPER_API temper_status temper_tokenizer_token_id(const temper_tokenizer *tokenizer, const char *text,
                                                   size_t bytes, int32_t *token, temper_error *error);

/**
 * @brief Creates a decoder for tokens that come one by one. It gives out whole characters only, holding
 * back the first bytes of one; bytes that can't become a character come out as U+FFFD, so its output
 * always is UTF-8. (For exact bytes use temper_tokenizer_decode().)
 * @param[in] flags ::TEMPER_TOKENIZER_SKIP_SPECIAL, ::TEMPER_TOKENIZER_SKIP_UNKNOWN.
 * @param[out] out the decoder; NULL on error. End it with temper_decoder_destroy(). It keeps the
 * tokenizer alive.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT; ::TEMPER_E_MEMORY. Thread: any; the decoder is used by one
 * thread at a time. @since 0.1
 */
TEMPER_API temper_status temper_decoder_create(const temper_tokenizer *tokenizer, int32_t flags,
                                               temper_decoder **out, temper_error *error);

/**
 * @brief Takes the next tokens and gives the text that is complete with them.
 *
 * The tokens are taken only on ::TEMPER_OK with a buffer. On an error, and when only the size is asked
 * for (NULL and 0), the decoder is as before and the same tokens can be pushed again.
 * @param[in] tokens @p count ids; NULL only with 0.
 * @param[out] text room for @p capacity bytes, or NULL and 0. No NUL is added.
 * @param[out] bytes length of the text, may be 0; the needed size on ::TEMPER_E_CAPACITY; 0 on other
 * errors. Not NULL.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (NULL, an id that isn't in the vocabulary);
 * ::TEMPER_E_CAPACITY; ::TEMPER_E_MEMORY. Thread: one at a time. @since 0.1
 */
TEMPER_API temper_status temper_decoder_push(temper_decoder *decoder, const int32_t *tokens, size_t count,
                                             char *text, size_t capacity, size_t *bytes,
                                             temper_error *error);

/**
 * @brief Ends the text: gives what is still held back, which is U+FFFD for an incomplete character or
 * nothing, and makes the decoder ready for a new text. Sizes as for temper_decoder_push(); 3 bytes are
 * always enough.
 * @return ::TEMPER_OK; ::TEMPER_E_ARGUMENT (NULL); ::TEMPER_E_CAPACITY. Thread: one at a time. @since 0.1
 */
TEMPER_API temper_status temper_decoder_flush(temper_decoder *decoder, char *text, size_t capacity,
                                              size_t *bytes, temper_error *error);

/** @brief Forgets what is held back; ready for a new text. NULL is fine. Thread: one at a time. @since 0.1 */
TEMPER_API void temper_decoder_reset(temper_decoder *decoder);

/** @brief Ends a decoder. NULL is fine. @since 0.1 */
TEMPER_API void temper_decoder_destroy(temper_decoder *decoder);

TEMPER_EXTERN_C_END

#endif
