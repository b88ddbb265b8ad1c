// SPDX-License-Identifier: Apache-2.0
#include "engine/call.h"

#include <algorithm>

namespace temper {

void Questions::reserve(size_t count) {
  list_.reserve(count);
  rows_.reserve(count);
  answers_.reserve(count);
}

void Questions::clear() noexcept {
  list_.clear();
  rows_.clear();
  answers_.clear();
}

bool Questions::ask(const temper_question &question) noexcept {
  if (list_.size() >= std::min({list_.capacity(), rows_.capacity(), answers_.capacity()})) return false;
  list_.push_back(question);
  rows_.push_back(row_);
  answers_.push_back({});
  return true;
}

void Call::reserve(int32_t rows, int32_t wanted) {
  const auto n = static_cast<size_t>(rows);
  positions_.resize(n);
  for (std::vector<int32_t> *column : {&tokens_, &conditions_, &slots_, &begins_, &ends_}) column->resize(n);
  lanes_.resize(n);
  wanted_.reserve(static_cast<size_t>(wanted));
}

void Call::clear() noexcept {
  count_ = 0;
  wanted_.clear();
  reader_ = nullptr;
  interviewer_ = nullptr;
}

int32_t Call::add(const Row &row) noexcept {
  const auto i = static_cast<size_t>(count_);
  if (i >= positions_.size()) return -1;
  tokens_[i] = row.token;
  positions_[i] = row.position;
  conditions_[i] = row.condition;
  lanes_[i] = row.lane;
  slots_[i] = row.slot;
  begins_[i] = row.visible_begin;
  ends_[i] = row.visible_end;
  return count_++;
}

bool Call::want(int32_t row) noexcept {
  if (wanted_.size() == wanted_.capacity()) return false;
  wanted_.push_back(row);
  return true;
}

temper_rows Call::rows(const int32_t *places) const noexcept {
  return {.count = count_,
          .token = tokens_.data(),
          .position = places,
          .condition = conditions_.data(),
          .lane = lanes_.data(),
          .slot = slots_.data(),
          .visible_begin = begins_.data(),
          .visible_end = ends_.data(),
          .sees_itself = nullptr};
}

}  // namespace temper
