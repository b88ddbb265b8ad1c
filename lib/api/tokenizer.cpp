// SPDX-License-Identifier: Apache-2.0
#include "api/tokenizer.h"

#include "api/guard.h"

#include <temper/tokenizer.h>

#include <string>
#include <vector>

namespace {

using temper::fail;
using temper::guard;
using temper::Status;
using temper::Tokenizer;

constexpr int32_t encode_flags = TEMPER_TOKENIZER_ADD_SPECIAL | TEMPER_TOKENIZER_PARSE_SPECIAL;
constexpr int32_t decode_flags = TEMPER_TOKENIZER_SKIP_SPECIAL | TEMPER_TOKENIZER_SKIP_UNKNOWN;

Tokenizer::DecodeOptions decode_options(int32_t flags) {
  return {(flags & TEMPER_TOKENIZER_SKIP_SPECIAL) != 0, (flags & TEMPER_TOKENIZER_SKIP_UNKNOWN) != 0};
}

// Copies a result out as every function here does; `taken` says whether the caller has it now.
template <typename T>
Status copy_out(const T *items, size_t size, T *buffer, size_t capacity, size_t *needed, bool *taken = nullptr) {
  *needed = size;
  if (taken != nullptr) *taken = false;
  if (buffer == nullptr && capacity == 0) return Status();
  TEMPER_REQUIRE(buffer != nullptr, "the buffer is NULL but its capacity is not 0");
  if (size > capacity)
    return fail(TEMPER_E_CAPACITY, "the result has %zu items, the buffer has room for %zu", size, capacity);
  if (size > 0) std::memcpy(buffer, items, size * sizeof(T));
  if (taken != nullptr) *taken = true;
  return Status();
}

std::string_view view(const void *bytes, size_t size) {
  return size == 0 ? std::string_view() : std::string_view(static_cast<const char *>(bytes), size);
}

Status hand_out(temper::Result<Tokenizer::Shared> opened, temper_tokenizer **out) {
  if (!opened.ok()) return opened.status();
  *out = new temper_tokenizer{std::move(opened.value())};
  return Status();
}

}  // namespace

extern "C" {

temper_status temper_tokenizer_open(const char *path, temper_tokenizer **out, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    TEMPER_REQUIRE(path != nullptr, "path is NULL");
    return hand_out(Tokenizer::open(path), out);
  });
}

temper_status temper_tokenizer_open_memory(const void *vocabulary, size_t vocabulary_size, const void *merges,
                                           size_t merges_size, const void *config, size_t config_size,
                                           temper_tokenizer **out, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    TEMPER_REQUIRE(vocabulary != nullptr, "vocabulary is NULL");
    TEMPER_REQUIRE(merges != nullptr || merges_size == 0, "merges is NULL but its size is not 0");
    TEMPER_REQUIRE(config != nullptr || config_size == 0, "config is NULL but its size is not 0");
    temper::TokenizerExtras extras;
    extras.config = view(config, config_size);
    const std::string_view text = view(vocabulary, vocabulary_size);
    if (merges == nullptr) return hand_out(Tokenizer::from_tokenizer_json(text, extras), out);
    return hand_out(Tokenizer::from_vocab_merges(text, view(merges, merges_size), extras), out);
  });
}

void temper_tokenizer_destroy(temper_tokenizer *tokenizer) { delete tokenizer; }

temper_status temper_tokenizer_encode(const temper_tokenizer *tokenizer, const char *text, size_t bytes,
                                      int32_t flags, int32_t *tokens, size_t capacity, size_t *count,
                                      temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(count != nullptr, "count is NULL");
    *count = 0;
    TEMPER_REQUIRE(tokenizer != nullptr, "tokenizer is NULL");
    TEMPER_REQUIRE(text != nullptr || bytes == 0, "text is NULL but its size is not 0");
    TEMPER_REQUIRE((flags & ~encode_flags) == 0, "unknown flags for encoding");
    TEMPER_REQUIRE(tokens != nullptr || capacity == 0, "tokens is NULL but its capacity is not 0");
    Tokenizer::EncodeOptions options;
    options.add_special = (flags & TEMPER_TOKENIZER_ADD_SPECIAL) != 0;
    options.parse_special = (flags & TEMPER_TOKENIZER_PARSE_SPECIAL) != 0;
    std::vector<int32_t> result;
    TEMPER_TRY(tokenizer->impl->encode(view(text, bytes), options, result));
    return copy_out(result.data(), result.size(), tokens, capacity, count);
  });
}

temper_status temper_tokenizer_decode(const temper_tokenizer *tokenizer, const int32_t *tokens, size_t count,
                                      int32_t flags, char *text, size_t capacity, size_t *bytes,
                                      temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(bytes != nullptr, "bytes is NULL");
    *bytes = 0;
    TEMPER_REQUIRE(tokenizer != nullptr, "tokenizer is NULL");
    TEMPER_REQUIRE(tokens != nullptr || count == 0, "tokens is NULL but its count is not 0");
    TEMPER_REQUIRE((flags & ~decode_flags) == 0, "unknown flags for decoding");
    TEMPER_REQUIRE(text != nullptr || capacity == 0, "text is NULL but its capacity is not 0");
    std::string result;
    TEMPER_TRY(tokenizer->impl->decode({tokens, count}, decode_options(flags), result));
    return copy_out(result.data(), result.size(), text, capacity, bytes);
  });
}

temper_status temper_tokenizer_get_i64(const temper_tokenizer *tokenizer, int32_t key, int64_t *value,
                                       temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(tokenizer != nullptr, "tokenizer is NULL");
    TEMPER_REQUIRE(value != nullptr, "value is NULL");
    const Tokenizer &impl = *tokenizer->impl;
    switch (key) {
      case TEMPER_TOKENIZER_VOCABULARY_SIZE: *value = impl.vocab_size(); return Status();
      case TEMPER_TOKENIZER_BOS: *value = impl.bos().value_or(-1); return Status();
      case TEMPER_TOKENIZER_EOS: *value = impl.eos().value_or(-1); return Status();
      case TEMPER_TOKENIZER_MASK: *value = impl.mask().value_or(-1); return Status();
      case TEMPER_TOKENIZER_PAD: *value = impl.pad().value_or(-1); return Status();
      default: return fail(TEMPER_E_ARGUMENT, "unknown tokenizer key %d", key);
    }
  });
}

temper_status temper_tokenizer_token_text(const temper_tokenizer *tokenizer, int32_t token, char *buffer,
                                          size_t capacity, size_t *length, temper_error *error) {
  return guard(error, [&]() -> Status {
    if (length != nullptr) *length = 0;
    TEMPER_REQUIRE(tokenizer != nullptr, "tokenizer is NULL");
    if (!tokenizer->impl->known(token))
      return fail(TEMPER_E_ARGUMENT, "token %d isn't in the vocabulary", token);
    return temper::copy_text(tokenizer->impl->text(token), buffer, capacity, length);
  });
}

temper_status temper_tokenizer_token_id(const temper_tokenizer *tokenizer, const char *text, size_t bytes,
                                        int32_t *token, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(token != nullptr, "token is NULL");
    *token = -1;
    TEMPER_REQUIRE(tokenizer != nullptr, "tokenizer is NULL");
    TEMPER_REQUIRE(text != nullptr || bytes == 0, "text is NULL but its size is not 0");
    *token = tokenizer->impl->id(view(text, bytes)).value_or(-1);
    return Status();
  });
}

temper_status temper_decoder_create(const temper_tokenizer *tokenizer, int32_t flags, temper_decoder **out,
                                    temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(out != nullptr, "out is NULL");
    *out = nullptr;
    TEMPER_REQUIRE(tokenizer != nullptr, "tokenizer is NULL");
    TEMPER_REQUIRE((flags & ~decode_flags) == 0, "unknown flags for decoding");
    *out = new temper_decoder{temper::StreamDecoder(tokenizer->impl, decode_options(flags))};
    return Status();
  });
}

temper_status temper_decoder_push(temper_decoder *decoder, const int32_t *tokens, size_t count, char *text,
                                  size_t capacity, size_t *bytes, temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(bytes != nullptr, "bytes is NULL");
    *bytes = 0;
    TEMPER_REQUIRE(decoder != nullptr, "decoder is NULL");
    TEMPER_REQUIRE(tokens != nullptr || count == 0, "tokens is NULL but its count is not 0");
    TEMPER_REQUIRE(text != nullptr || capacity == 0, "text is NULL but its capacity is not 0");
    temper::StreamDecoder::State after;
    std::string result;
    TEMPER_TRY(decoder->impl.push({tokens, count}, after, result));
    bool taken = false;
    TEMPER_TRY(copy_out(result.data(), result.size(), text, capacity, bytes, &taken));
    if (taken) decoder->impl.commit(std::move(after));
    return Status();
  });
}

temper_status temper_decoder_flush(temper_decoder *decoder, char *text, size_t capacity, size_t *bytes,
                                   temper_error *error) {
  return guard(error, [&]() -> Status {
    TEMPER_REQUIRE(bytes != nullptr, "bytes is NULL");
    *bytes = 0;
    TEMPER_REQUIRE(decoder != nullptr, "decoder is NULL");
    TEMPER_REQUIRE(text != nullptr || capacity == 0, "text is NULL but its capacity is not 0");
    const std::string result = decoder->impl.rest();
    bool taken = false;
    TEMPER_TRY(copy_out(result.data(), result.size(), text, capacity, bytes, &taken));
    if (taken) decoder->impl.reset();
    return Status();
  });
}

void temper_decoder_reset(temper_decoder *decoder) {
  if (decoder != nullptr) decoder->impl.reset();
}

void temper_decoder_destroy(temper_decoder *decoder) { delete decoder; }

}  // extern "C"
