// SPDX-License-Identifier: Apache-2.0
#include "engine/rotary.h"

#include "runtime/runtime.h"

#include <algorithm>
#include <cmath>

namespace temper {
namespace {

constexpr size_t run_rows = 64;  // neighbouring places written at a time

}  // namespace

int64_t Rotary::estimate(const Spec &spec, int64_t span, int32_t max_rows) {
  const auto place = spec.head_dim * static_cast<int64_t>(sizeof(float)) +
                     static_cast<int64_t>(sizeof(int64_t) + sizeof(uint32_t));
  return spec.rotary ? (span + max_rows) * place : 0;
}

Result<Rotary> Rotary::create(const std::shared_ptr<const Model> &model, int64_t span, int32_t max_rows) {
  const Spec &spec = model->spec();
  Rotary rotary;
  rotary.model_ = model;
  rotary.places_.resize(static_cast<size_t>(max_rows));
  if (!spec.rotary) return rotary;
  rotary.size_ = static_cast<size_t>(span);
  const auto half = static_cast<size_t>(spec.head_dim / 2);
  const size_t places = rotary.size_ + static_cast<size_t>(max_rows);
  TEMPER_ASSIGN(rotary.cosines_, DeviceBuffer::floats(model->device(), static_cast<int64_t>(places * half)));
  TEMPER_ASSIGN(rotary.sines_, DeviceBuffer::floats(model->device(), static_cast<int64_t>(places * half)));
  // position * theta^(-2j/d), in double.
  for (size_t pair = 0; pair < half; ++pair)
    rotary.frequencies_.push_back(
        std::pow(spec.rotary_theta, -2.0 * static_cast<double>(pair) / static_cast<double>(spec.head_dim)));
  const temper_allocator &host = model->device()->runtime().allocator();
  TEMPER_ASSIGN(rotary.held_, HostArray<int64_t>::create(host, places));
  TEMPER_ASSIGN(rotary.used_, HostArray<uint32_t>::create(host, places));
  std::fill(rotary.held_.begin(), rotary.held_.end(), -1);
  rotary.angles_.resize(2 * run_rows * half);
  return rotary;
}

// Angles of neighbouring places, at most run_rows of them.
Status Rotary::write(size_t place, std::span<const int64_t> positions) {
  const size_t half = frequencies_.size(), count = positions.size() * half;
  float *cosines = angles_.data(), *sines = cosines + run_rows * half;
  for (size_t i = 0; i < positions.size(); ++i)
    for (size_t pair = 0; pair < half; ++pair) {
      const double angle = static_cast<double>(positions[i]) * frequencies_[pair];
      cosines[i * half + pair] = static_cast<float>(std::cos(angle));
      sines[i * half + pair] = static_cast<float>(std::sin(angle));
    }
  TEMPER_TRY(cosines_.upload(cosines, count * sizeof(float), place * half * sizeof(float)));
  TEMPER_TRY(sines_.upload(sines, count * sizeof(float), place * half * sizeof(float)));
  std::copy(positions.begin(), positions.end(), held_.begin() + place);
  return Status();
}

Result<const int32_t *> Rotary::place(std::span<const int64_t> positions) {
  if (size_ == 0) {
    std::transform(positions.begin(), positions.end(), places_.begin(),
                   [](int64_t position) { return static_cast<int32_t>(position); });
    return places_.data();
  }
  if (++call_ == 0) {
    std::fill(used_.begin(), used_.end(), 0U);
    call_ = 1;
  }
  size_t spare = size_;
  for (size_t i = 0; i < positions.size(); ++i) {
    size_t at = static_cast<size_t>(positions[i]) % size_;
    if (held_[at] != positions[i] && used_[at] == call_) at = spare++;
    places_[i] = static_cast<int32_t>(at);
    used_[at] = call_;
    if (held_[at] == positions[i]) continue;
    // What follows in the call follows in the table as well: written together.
    size_t n = 1;
    while (n < run_rows && i + n < positions.size() && at + n < size_ && at < size_ &&
           positions[i + n] == positions[i] + static_cast<int64_t>(n) && held_[at + n] != positions[i + n] &&
           used_[at + n] != call_)
      ++n;
    TEMPER_TRY(write(at, positions.subspan(i, n)));
  }
  return places_.data();
}

}  // namespace temper
