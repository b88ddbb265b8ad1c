// SPDX-License-Identifier: Apache-2.0
// What a session is made of, as an input has it.
#pragma once

#include "check.h"
#include "input.h"

namespace fuzz {

class Parts : protected Answers {
 protected:
  Parts(const uint8_t *data, size_t size) : in_(data, size), model_(choose_model()) { make(); }
  Parts(const Parts &) = delete;
  Parts &operator=(const Parts &) = delete;
  ~Parts() {
    temper_hyperschedule_destroy(schedule_);
    temper_noise_destroy(noise_);
    temper_sampler_destroy(sampler_);
  }

  Input in_;
  const Model &model_;
  temper_hyperschedule *schedule_ = nullptr;
  temper_noise *noise_ = nullptr;
  temper_sampler *sampler_ = nullptr;
  int32_t rows_ = 1, levels_ = 1;
  int64_t length_ = 1, width_ = 1;
  bool masks_end_ = true;  // a row that has ended holds no mask

 private:
  const Model &choose_model() { return world().model(in_.index(world().count())); }

  static int32_t level(void *user, int64_t step, int64_t position) {
    const Parts &parts = *static_cast<const Parts *>(user);
    return static_cast<int32_t>(
        std::clamp<int64_t>(parts.levels_ + position * parts.width_ / 2 - step, 0, parts.levels_));
  }
  static void path(void *, double t, double *a, double *m) {
    *m = t * t;
    *a = (1 - *m) * (1 - t / 4);
  }

  void make() {
    rows_ = 1 + in_.number(3);
    length_ = in_.number(41);
    const int32_t kind = in_.number(11);
    width_ = 1 + in_.number(12);
    levels_ = 1 + in_.number(12);
    if (kind < 8) {
      if (kind > 0) ok(temper_hyperschedule_create(kind - 1, width_, levels_, &schedule_, error()));
    } else if (kind == 8) {
      ok(temper_hyperschedule_create_callback(level, this, levels_, &schedule_, error()));
    } else {
      // Every position begins at a level of its own and falls at its own speed.
      const int64_t positions = 1 + in_.number(41), steps = 12;
      std::vector<int32_t> table;
      const std::vector<uint8_t> bends = in_.bytes(static_cast<size_t>(positions));
      for (int32_t step = 0; step <= steps; ++step)
        for (int64_t p = 0; p < positions; ++p) {
          const int32_t bend = static_cast<size_t>(p) < bends.size() ? bends[static_cast<size_t>(p)] : 0;
          const int32_t start = levels_ - (kind == 10 ? bend / 8 % levels_ : 0);
          table.push_back(step == steps ? 0 : std::max(0, start - std::max(0, step - bend % 8)));
        }
      ok(temper_hyperschedule_create_table(table.data(), steps, positions, levels_, &schedule_, error()));
    }
    // Paths and schedules of the caller's may leave masks where they end.
    masks_end_ = kind < 8;

    const int32_t path_kind = in_.number(8);
    if (path_kind == 6) {
      const double a[] = {1, 0.7, 0.4, 0.1}, m[] = {0, 0.1, 0.4, 0.8};
      ok(temper_noise_create_table(a, m, 3, &noise_, error()));
    } else if (path_kind == 7) {
      ok(temper_noise_create_callback(path, nullptr, &noise_, error()));
    } else if (path_kind > 0) {
      ok(temper_noise_create(path_kind - 1, &noise_, error()));
    }
    masks_end_ = masks_end_ && path_kind < 6;
    for (int32_t i = in_.number(3); i > 0 && noise_ != nullptr; --i) {
      const int32_t key = 1 + in_.number(9);
      double low = 0, high = 1, initial = 0;
      ok(temper_noise_bounds(path_kind - 1, key, &low, &high, &initial, error()));
      ok(temper_noise_set(noise_, key, in_.real(low, high, initial), error()));
    }

    const int32_t sampler = in_.number(15);
    if (!ok(temper_sampler_create(sampler, &sampler_, error()))) return;
    for (int32_t i = in_.number(6); i > 0; --i) {
      const int32_t key = 1 + in_.number(26);
      double low = 0, high = 1, initial = 0;
      ok(temper_sampler_bounds(sampler, key, &low, &high, &initial, error()));
      ok(temper_sampler_set(sampler_, key, in_.real(low, high, initial), error()));
    }
    double compat = 0;
    if (temper_sampler_get(sampler_, TEMPER_SAMPLER_COMPAT, &compat, nullptr) == TEMPER_OK && compat != 0)
      masks_end_ = false;
    for (int32_t i = in_.number(4); i > 0; --i) {
      const int32_t key = in_.number(9);
      double low = 0, high = 1, initial = 0;
      const int32_t token = in_.loose32(model_.vocabulary);
      const double bias = 2.5;
      if (key == 7) ok(temper_sampler_ban(sampler_, &token, 1, error()));
      else if (key == 8) ok(temper_sampler_bias(sampler_, &token, &bias, 1, error()));
      else if (ok(temper_sampler_shape_bounds(key, &low, &high, &initial, error())))
        ok(temper_sampler_shape(sampler_, key, in_.real(low, high, initial), error()));
    }
  }
};

}  // namespace fuzz
