// SPDX-License-Identifier: Apache-2.0
// One random weight matrix and its use on any backend.
#pragma once

#include "harness.h"

#include <algorithm>

namespace temper::test {

struct LinearCase {
  int64_t inputs = 0, outputs = 0, width = 0;
  int32_t format = 0, activation = 0, input_major = 0;
  std::vector<std::vector<float>> weights, biases;
  std::vector<std::vector<uint16_t>> halves;
  std::vector<temper_linear_part> parts;

  LinearCase(Random &random, int64_t in, const std::vector<int64_t> &sizes, int32_t kept, int32_t followed,
             int32_t major, int32_t dtype, bool biased) {
    inputs = in;
    format = kept;
    activation = followed;
    input_major = major;
    weights.reserve(sizes.size());
    halves.reserve(sizes.size());
    biases.reserve(sizes.size());
    for (size_t i = 0; i < sizes.size(); ++i) {
      const auto count = static_cast<size_t>(in * sizes[i]);
      weights.push_back(randoms(random, count, 0.5F / static_cast<float>(std::max<int64_t>(1, in / 16))));
      halves.emplace_back(count);
      // Any bits with a small exponent are a value: 0x2... in float16, 0x3... in bfloat16.
      for (uint16_t &half : halves.back())
        half = static_cast<uint16_t>((random() & 0x83FFU) | (dtype == TEMPER_DTYPE_F16 ? 0x2000U : 0x3880U));
      biases.push_back(randoms(random, static_cast<size_t>(sizes[i])));
      const void *data = dtype == TEMPER_DTYPE_F32 ? static_cast<const void *>(weights.back().data())
                                                   : static_cast<const void *>(halves.back().data());
      // With several parts every other one lacks a bias.
      const bool with = biased && (i % 2 == 0);
      parts.push_back({data, dtype, sizes[i], with ? biases.back().data() : nullptr, nullptr, 0});
      outputs += sizes[i];
    }
    width = followed == TEMPER_ACTIVATION_SWIGLU ? outputs / 2 : outputs;
  }

  temper_linear_desc describe() const {
    return {.inputs = inputs,
            .part_count = static_cast<int32_t>(parts.size()),
            .parts = parts.data(),
            .input_major = input_major,
            .format = format,
            .group = 0,
            .activation = activation};
  }

  temper_linear *make(const Opened &on) const {
    const temper_linear_desc desc = describe();
    temper_linear *linear = nullptr;
    check(on, on.ops->linear_create(on.device, &desc, &linear));
    return linear;
  }

  // Rows [first, first+rows) of `in`, with conditions 0 and 1 in turn.
  std::vector<float> run(const Opened &on, temper_linear *linear, const std::vector<float> &in, int32_t first,
                         int32_t rows, const float *residual, const std::vector<float> *gates,
                         int32_t planned = 0) const {
    StreamOf stream(on, std::max(rows, planned), 8, std::max(inputs, outputs), {linear});
    Rows described;
    for (int32_t r = 0; r < rows; ++r) described.add(0, 0, (first + r) % 2, 0, 0, 0, 0);
    const temper_rows view = described.view();
    check(on, on.ops->begin(stream.stream, &view));
    std::vector<float> before(static_cast<size_t>(rows * width), 7.0F);
    if (residual != nullptr) std::copy_n(residual + first * width, rows * width, before.data());
    const OnDevice out(on, before);
    const OnDevice from(on, in.data() + first * inputs, static_cast<size_t>(rows * inputs) * sizeof(float));
    const OnDevice gate(on, gates != nullptr ? *gates : std::vector<float>{0.0F});
    const temper_modulation modulation{gate.floats(), width + 3, 0, 0, 3};
    check(on, on.ops->linear(stream.stream, out.floats(), from.floats(), rows, linear, activation,
                             residual != nullptr ? out.floats() : nullptr, gates != nullptr ? &modulation : nullptr));
    return out.read();
  }
};

}  // namespace temper::test
