// SPDX-License-Identifier: Apache-2.0
#include "generation.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace program {

Generation::Generation(temper_session *session, const temper_model *model, std::vector<Prompt> prompts,
                       int64_t limit)
    : session_(session), prompts_(std::move(prompts)), rows_(prompts_.size()), buffer_(1024),
      limit_(static_cast<size_t>(limit)),
      mask_(static_cast<int32_t>(model_number(model, TEMPER_MODEL_MASK_TOKEN))) {}

bool Generation::step() {
  Step step{};
  step.info.struct_size = sizeof step.info;
  temper_error error{};
  const auto begin = std::chrono::steady_clock::now();
  const temper_status status = temper_session_step(session_, &step.info, &error);
  step.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  if (status == TEMPER_DONE) {
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

void Generation::collect(size_t index) {
  Row &row = rows_[index];
  const int32_t id = static_cast<int32_t>(index);
  row.fresh.clear();
  for (size_t count = buffer_.size(); count == buffer_.size();) {
    call(temper_session_read, session_, id, buffer_.data(), buffer_.size(), &count);
    for (size_t i = 0; i < count; ++i) {
      // With prompts of several lengths a row has room for more than it was asked for.
      if (limit_ == 0 || row.tokens.size() < limit_) {
        row.tokens.push_back(buffer_[i]);
        row.fresh.push_back(buffer_[i]);
      }
    }
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
}

double Generation::seconds() const {
  double sum = 0.0;
  for (const Step &step : steps_) {
    sum += step.seconds;
  }
  return sum;
}

int64_t Generation::tokens() const {
  int64_t sum = 0;
  for (const Row &row : rows_) {
    sum += static_cast<int64_t>(row.tokens.size());
  }
  return sum;
}

std::string Generation::summary() const {
  int64_t computed = 0, cached = 0;
  for (const Step &step : steps_) {
    computed += step.info.rows_computed;
    cached += step.info.rows_cached;
  }
  const double time = std::max(seconds(), 1e-9);
  char text[256];
  std::snprintf(text, sizeof text,
                "%lld tokens in %zu steps and %.2f s: %.1f tokens/s, %.2f ms a step; %lld rows computed, %lld served "
                "from the cache",
                static_cast<long long>(tokens()), steps_.size(), time, static_cast<double>(tokens()) / time,
                steps_.empty() ? 0.0 : 1e3 * time / static_cast<double>(steps_.size()),
                static_cast<long long>(computed), static_cast<long long>(cached));
  return text;
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
