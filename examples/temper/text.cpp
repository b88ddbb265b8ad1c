// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#include <charconv>

namespace program {
namespace {

/// Fills a container by a function of the library: again with more room where it was too small.
template <class Container, class Fill>
Container filled(size_t guess, Fill fill) {
  Container out;
  out.resize(guess);
  for (;;) {
    size_t size = 0;
    temper_error error{};
    const temper_status status = fill(out.data(), out.size(), &size, &error);
    if (status == TEMPER_E_CAPACITY && size > out.size()) {
      out.resize(size);
      continue;
    }
    if (status < 0) {
      throw Failure(error.message);
    }
    out.resize(size);
    return out;
  }
}

} // namespace

Tokenizer tokenizer_of(const temper_model *model) {
  temper_tokenizer *made = nullptr;
  call(temper_model_tokenizer, model, &made);
  return Tokenizer(made);
}

Tokenizer open_tokenizer(const std::string &path) {
  temper_tokenizer *made = nullptr;
  call(temper_tokenizer_open, path.c_str(), &made);
  return Tokenizer(made);
}

std::vector<int32_t> encode(const temper_tokenizer *tokenizer, const std::string &text, int32_t flags) {
  return filled<std::vector<int32_t>>(text.size() + 16, [&](int32_t *out, size_t room, size_t *count, temper_error *error) {
    return temper_tokenizer_encode(tokenizer, text.data(), text.size(), flags, out, room, count, error);
  });
}

std::string decode(const temper_tokenizer *tokenizer, const std::vector<int32_t> &tokens, int32_t flags) {
  return filled<std::string>(tokens.size() * 8 + 64, [&](char *out, size_t room, size_t *bytes, temper_error *error) {
    return temper_tokenizer_decode(tokenizer, tokens.data(), tokens.size(), flags, out, room, bytes, error);
  });
}

std::string spelling(const temper_tokenizer *tokenizer, int32_t token) {
  size_t length = 0;
  call(temper_tokenizer_token_text, tokenizer, token, static_cast<char *>(nullptr), size_t{0}, &length);
  std::string text(length + 1, '\0'); // room for the NUL
  call(temper_tokenizer_token_text, tokenizer, token, text.data(), text.size(), &length);
  text.resize(length);
  return text;
}

int64_t tokenizer_number(const temper_tokenizer *tokenizer, int32_t key) {
  int64_t value = 0;
  call(temper_tokenizer_get_i64, tokenizer, key, &value);
  return value;
}

std::vector<int32_t> parse_ids(const std::string &text) {
  std::vector<int32_t> ids;
  const char *at = text.data();
  const char *const end = at + text.size();
  while (at != end) {
    if (*at == ' ' || *at == ',' || *at == '\n' || *at == '\t' || *at == '\r') {
      ++at;
      continue;
    }
    int32_t id = 0;
    const auto [next, trouble] = std::from_chars(at, end, id);
    if (trouble != std::errc() || id < 0) {
      throw Usage("not a list of token ids: " + text.substr(static_cast<size_t>(at - text.data()), 20));
    }
    ids.push_back(id);
    at = next;
  }
  return ids;
}

std::string join_ids(const std::vector<int32_t> &tokens) {
  std::string text;
  for (const int32_t token : tokens) {
    text += (text.empty() ? "" : " ") + std::to_string(token);
  }
  return text;
}

TextStream::TextStream(const temper_tokenizer *tokenizer) {
  if (tokenizer != nullptr) {
    temper_decoder *made = nullptr;
    call(temper_decoder_create, tokenizer, text_only, &made);
    decoder_.reset(made);
  }
}

std::string TextStream::push(const std::vector<int32_t> &tokens) {
  if (tokens.empty()) {
    return "";
  }
  if (!decoder_) {
    const std::string text = (first_ ? "" : " ") + join_ids(tokens);
    first_ = false;
    return text;
  }
  return filled<std::string>(tokens.size() * 16 + 64, [&](char *out, size_t room, size_t *bytes, temper_error *error) {
    return temper_decoder_push(decoder_.get(), tokens.data(), tokens.size(), out, room, bytes, error);
  });
}

std::string TextStream::finish() {
  if (!decoder_) {
    return "";
  }
  return filled<std::string>(16, [&](char *out, size_t room, size_t *bytes, temper_error *error) {
    return temper_decoder_flush(decoder_.get(), out, room, bytes, error);
  });
}

} // namespace program
