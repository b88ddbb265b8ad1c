// SPDX-License-Identifier: Apache-2.0
#include "generation.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace program {

Generation::Generation(temper_session *session, const temper_model *model, std::vector<Prompt> prompts,
                       int64_t limit)
    : Progress(std::move(prompts), static_cast<int32_t>(model_number(model, TEMPER_MODEL_MASK_TOKEN))),
      session_(session), buffer_(1024), limit_(static_cast<size_t>(limit)) {}

bool Generation::step() {
  Step step{};
  step.info.struct_size = sizeof step.info;
  temper_error error{};
  const auto begin = std::chrono::steady_clock::now();
  const temper_status status = temper_session_step(session_, &step.info, &error);
  step.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (status == TEMPER_DONE) {
    for (size_t row = 0; steps_.empty() && row < rows_.size(); ++row) {
      collect(row); // a draft that is kept as it is settles without a step
    }
    return false;
  }
  if (status == TEMPER_E_CANCELLED) {
    cancelled_ = true;
    return false;
  }
  if (status < 0) {
    throw Failure(error.message);
  }
  steps_.push_back(step);
  for (size_t row = 0; row < rows_.size(); ++row) {
    collect(row);
  }
  return true;
}

void Generation::take(size_t index, const int32_t *tokens, size_t count) {
  Row &row = rows_[index];
  const size_t limit = prompts_[index].limit > 0 ? static_cast<size_t>(prompts_[index].limit) : limit_;
  for (size_t i = 0; i < count; ++i) {
    row.taken.push_back(tokens[i]);
    // With prompts of several lengths a row has room for more than it was asked for.
    if (limit == 0 || row.tokens.size() < limit) {
      row.tokens.push_back(tokens[i]);
    }
  }
}

void Generation::collect(size_t index) {
  Row &row = rows_[index];
  const int32_t id = static_cast<int32_t>(index);
  row.taken.clear();
  for (size_t read = buffer_.size(); read == buffer_.size();) {
    call(temper_session_read, session_, id, buffer_.data(), buffer_.size(), &read);
    take(index, buffer_.data(), read);
  }
  size_t count = 0;
  temper_error error{};
  temper_status status = temper_session_window(session_, id, buffer_.data(), buffer_.size(), &count, &error);
  if (status == TEMPER_E_CAPACITY) {
    buffer_.resize(count);
    status = temper_session_window(session_, id, buffer_.data(), buffer_.size(), &count, &error);
  }
  if (status < 0) {
    throw Failure(error.message);
  }
  row.window.assign(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(count));
  temper_row_info info{};
  info.struct_size = sizeof info;
  call(temper_session_row, session_, id, &info);
  row.finished = info.finished;
  row.call = info.step;
  row.settled_begin = info.settled_begin;
  row.settled_end = info.settled_end;
}

void Generation::take_over() {
  for (size_t index = 0; index < rows_.size(); ++index) {
    const int32_t id = static_cast<int32_t>(index);
    size_t count = 0;
    temper_error error{};
    std::vector<int32_t> tokens;
    while (temper_session_tokens(session_, id, tokens.data(), tokens.size(), &count, &error) == TEMPER_E_CAPACITY) {
      tokens.resize(count);
    }
    collect(index); // what settled and hadn't been read yet is among the tokens
    Row &row = rows_[index];
    row.tokens.clear();
    const size_t prompt = std::min(prompts_[index].tokens.size(), tokens.size());
    take(index, tokens.data() + prompt, tokens.size() - prompt);
  }
}

std::vector<temper_token_record> Generation::provenance(size_t row) const {
  std::vector<temper_token_record> records(rows_[row].tokens.size());
  temper_error error{};
  if (temper_session_provenance(session_, static_cast<int32_t>(row), static_cast<int64_t>(prompts_[row].tokens.size()),
                                records.data(), records.size(), &error) < 0) {
    records.clear();
  }
  return records;
}

std::vector<int32_t> Progress::ahead(size_t row) const {
  const Prompt &prompt = prompts_[row];
  const size_t generated = rows_[row].tokens.size() + rows_[row].window.size();
  const int64_t begin = static_cast<int64_t>(prompt.tokens.size() + generated);
  std::vector<int32_t> out;
  for (size_t i = 0; i < prompt.fixed_positions.size(); ++i) {
    const int64_t at = prompt.fixed_positions[i] - begin;
    if (at >= 0 && rows_[row].finished == TEMPER_ROW_RUNNING) {
      out.resize(std::max(out.size(), static_cast<size_t>(at) + 1), -1);
      out[static_cast<size_t>(at)] = prompt.fixed_tokens[i];
    }
  }
  return out;
}

double Progress::seconds() const {
  double sum = 0.0;
  for (const Step &step : steps_) {
    sum += step.seconds;
  }
  return sum;
}

int64_t Progress::tokens() const {
  int64_t sum = 0;
  for (const Row &row : rows_) {
    sum += static_cast<int64_t>(row.tokens.size());
  }
  return sum;
}

std::string Progress::summary() const {
  int64_t computed = 0, cached = 0, stale = 0;
  double difference = -1.0;
  for (const Step &step : steps_) {
    computed += step.info.rows_computed;
    cached += step.info.rows_cached;
    stale += step.info.rows_stale;
    difference = std::max(difference, step.info.cache_difference);
  }
  const double time = std::max(seconds(), 1e-9);
  char text[256];
  std::snprintf(text, sizeof text,
                "%lld tokens in %zu steps and %.2f s: %.1f tokens/s, %.2f ms a step; %lld rows computed, %lld served "
                "from the cache",
                static_cast<long long>(tokens()), steps_.size(), time, static_cast<double>(tokens()) / time,
                steps_.empty() ? 0.0 : 1e3 * time / static_cast<double>(steps_.size()),
                static_cast<long long>(computed), static_cast<long long>(cached));
  std::string out = text;
  if (stale > 0) {
    out += ", " + std::to_string(stale) + " reused that an exact call would have computed";
  }
  if (difference >= 0.0) {
    std::snprintf(text, sizeof text, "; largest difference of a logit from an exact call's: %.3g", difference);
    out += text;
  }
  return out;
}

const char *finished_text(int32_t finished) {
  switch (finished) {
  case TEMPER_ROW_LENGTH: return "length";
  case TEMPER_ROW_END_TOKEN: return "end token";
  case TEMPER_ROW_MODEL_LIMIT: return "model's trained length";
  default: return "stopped";
  }
}

} // namespace program
