// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

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

/// Bytes at the end that begin a character without ending it.
size_t unfinished(const std::string &text) {
  for (size_t back = 1; back <= std::min<size_t>(3, text.size()); ++back) {
    const unsigned char c = static_cast<unsigned char>(text[text.size() - back]);
    if ((c & 0xc0) != 0x80) {
      const size_t whole = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
      return whole > back ? back : 0;
    }
  }
  return 0;
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
  const auto fill = [&](int32_t *out, size_t room, size_t *count, temper_error *error) {
    return temper_tokenizer_encode(tokenizer, text.data(), text.size(), flags, out, room, count, error);
  };
  return filled<std::vector<int32_t>>(text.size() + 16, fill);
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

std::string bytes_of(const temper_tokenizer *tokenizer, int32_t token) {
  // A decoder may drop the blank in front of a text: a second time the token isn't in front.
  const std::string once = decode(tokenizer, {token}), twice = decode(tokenizer, {token, token});
  return twice.compare(0, once.size(), once) == 0 ? twice.substr(once.size()) : once;
}

TextStream::TextStream(const Words &words) : words_(words) {
  if (words.tokenizer_ != nullptr) {
    temper_decoder *made = nullptr;
    call(temper_decoder_create, words.tokenizer_, text_only, &made);
    decoder_.reset(made);
  }
}

std::string TextStream::push(const std::vector<int32_t> &tokens) {
  if (tokens.empty()) {
    return "";
  }
  if (words_.ids()) {
    const std::string text = (first_ ? "" : " ") + join_ids(tokens);
    first_ = false;
    return text;
  }
  if (!decoder_) {
    std::string text = held_ + words_.from_table(tokens);
    held_ = text.substr(text.size() - unfinished(text));
    text.resize(text.size() - held_.size());
    return text;
  }
  return filled<std::string>(tokens.size() * 16 + 64, [&](char *out, size_t room, size_t *bytes, temper_error *error) {
    return temper_decoder_push(decoder_.get(), tokens.data(), tokens.size(), out, room, bytes, error);
  });
}

std::string TextStream::finish() {
  if (!decoder_) {
    const bool incomplete = !held_.empty();
    held_.clear();
    return incomplete ? "\xef\xbf\xbd" : ""; // the replacement character, as a tokenizer's decoder does it
  }
  return filled<std::string>(16, [&](char *out, size_t room, size_t *bytes, temper_error *error) {
    return temper_decoder_flush(decoder_.get(), out, room, bytes, error);
  });
}

std::string Words::from_table(const std::vector<int32_t> &tokens) const {
  std::string out;
  for (const int32_t token : tokens) {
    if (const auto found = table_->find(token); found != table_->end()) {
      out += found->second;
    }
  }
  return out;
}

std::string Words::text(const std::vector<int32_t> &tokens) const {
  return tokenizer_ != nullptr ? decode(tokenizer_, tokens) : table_ != nullptr ? from_table(tokens) : join_ids(tokens);
}

std::string Words::quoted(int32_t token) const {
  if (ids()) {
    return std::to_string(token);
  }
  const std::string bytes = tokenizer_ != nullptr ? bytes_of(tokenizer_, token) : from_table({token});
  if (bytes.empty()) {
    return "#" + std::to_string(token);
  }
  std::string out = "\"";
  for (const char c : bytes) {
    char code[8];
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      std::snprintf(code, sizeof code, "\\x%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : code;
    } else {
      out += c;
    }
  }
  return out + "\"";
}

} // namespace program
