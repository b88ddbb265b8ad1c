// SPDX-License-Identifier: Apache-2.0
// What lies between the products: activations, gates, residuals, norms and rotary positions.
#include "backends/cpu/kernels.h"

#include "backends/cpu/kernels_parts.h"

#include <algorithm>
#include <cmath>

#include "backends/cpu/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels_rows.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
#include <hwy/contrib/math/math-inl.h>

HWY_BEFORE_NAMESPACE();
namespace temper::cpu::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using Floats = hn::CappedTag<float, 16>;
using V = hn::Vec<Floats>;
constexpr int64_t lanes = static_cast<int64_t>(hn::MaxLanes(Floats()));

// x / (1 + exp(-factor * x)); the exponent is capped where float32 would overflow.
template <class D>
HWY_INLINE hn::Vec<D> logistic_of(D d, hn::Vec<D> x, hn::Vec<D> argument) {
  const auto power = hn::Exp(d, hn::Min(hn::Neg(argument), hn::Set(d, 88.0F)));
  return hn::Div(x, hn::Add(hn::Set(d, 1.0F), power));
}

template <class D>
HWY_INLINE hn::Vec<D> gelu_tanh(D d, hn::Vec<D> x) {
  // 0.5 x (1 + tanh u) = x / (1 + exp(-2u))
  const auto cube = hn::Mul(hn::Mul(x, x), x);
  const auto u = hn::MulAdd(hn::Set(d, 0.044715F), cube, x);
  return logistic_of(d, x, hn::Mul(hn::Set(d, 1.5957691216057308F), u));
}

// erf by Abramowitz and Stegun 7.1.26: absolute error below 1.5e-7 before rounding.
template <class D>
HWY_INLINE hn::Vec<D> gelu_erf(D d, hn::Vec<D> x) {
  const auto one = hn::Set(d, 1.0F);
  const auto z = hn::Mul(x, hn::Set(d, 0.7071067811865476F));
  const auto magnitude = hn::Abs(z);
  const auto t = hn::Div(one, hn::MulAdd(hn::Set(d, 0.3275911F), magnitude, one));
  auto poly = hn::Set(d, 1.061405429F);
  poly = hn::MulAdd(poly, t, hn::Set(d, -1.453152027F));
  poly = hn::MulAdd(poly, t, hn::Set(d, 1.421413741F));
  poly = hn::MulAdd(poly, t, hn::Set(d, -0.284496736F));
  poly = hn::MulAdd(poly, t, hn::Set(d, 0.254829592F));
  const auto square = hn::Min(hn::Mul(z, z), hn::Set(d, 100.0F));
  const auto rest = hn::Mul(hn::Mul(poly, t), hn::Exp(d, hn::Neg(square)));  // erfc(|z|)
  // The smaller half is rest/2 itself, so that no digits cancel far to the left.
  const auto half = hn::Set(d, 0.5F);
  const auto small = hn::Mul(half, rest);
  const auto phi = hn::IfThenElse(hn::Lt(z, hn::Zero(d)), small, hn::Sub(one, small));
  return hn::Mul(x, phi);
}

struct Lane {  // one vector of outputs with what belongs to it
  V sum, up, gate, residual;
};

HWY_INLINE V finished(const Finish &finish, const Lane &lane) {
  const Floats d;
  V y = lane.sum;
  switch (finish.activation) {
    case TEMPER_ACTIVATION_GELU_TANH: y = gelu_tanh(d, y); break;
    case TEMPER_ACTIVATION_GELU_ERF: y = gelu_erf(d, y); break;
    case TEMPER_ACTIVATION_SWIGLU: y = hn::Mul(logistic_of(d, y, y), lane.up); break;
    default: break;
  }
  if (finish.gate != nullptr) y = hn::Mul(y, lane.gate);
  if (finish.residual != nullptr) y = hn::Add(lane.residual, y);
  return y;
}

void finish(const Finish &finish, const float *sums, float *out, int64_t columns) {
  const Floats d;
  const bool paired = finish.activation == TEMPER_ACTIVATION_SWIGLU;
  float gate_tail[lanes], residual_tail[lanes], out_tail[lanes];
  for (int64_t c = 0; c < columns; c += lanes) {
    const int64_t at = paired ? c / panel_width * 2 * panel_width + c % panel_width : c;
    Lane lane{hn::LoadU(d, sums + at), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
    if (paired) lane.up = hn::LoadU(d, sums + at + panel_width);
    if (finish.bias != nullptr) {
      lane.sum = hn::Add(lane.sum, hn::LoadU(d, finish.bias + at));
      if (paired) lane.up = hn::Add(lane.up, hn::LoadU(d, finish.bias + at + panel_width));
    }
    const int64_t left = columns - c;
    if (left >= lanes) {
      if (finish.gate != nullptr) lane.gate = hn::LoadU(d, finish.gate + c);
      if (finish.residual != nullptr) lane.residual = hn::LoadU(d, finish.residual + c);
      hn::StoreU(finished(finish, lane), d, out + c);
    } else {
      std::fill_n(gate_tail, lanes, 0.0F);
      std::fill_n(residual_tail, lanes, 0.0F);
      if (finish.gate != nullptr) std::copy_n(finish.gate + c, left, gate_tail);
      if (finish.residual != nullptr) std::copy_n(finish.residual + c, left, residual_tail);
      lane.gate = hn::LoadU(d, gate_tail);
      lane.residual = hn::LoadU(d, residual_tail);
      hn::StoreU(finished(finish, lane), d, out_tail);
      std::copy_n(out_tail, left, out + c);
    }
  }
}

// Sum of f(x[i]) in four chains; the order depends on the width alone.
template <class F, class G>
HWY_INLINE float sum_of(const float *x, int64_t width, F &&vector, G &&scalar) {
  const Floats d;
  V chains[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  int64_t i = 0;
  for (; i + 4 * lanes <= width; i += 4 * lanes)
#pragma GCC unroll 4
    for (int c = 0; c < 4; ++c) chains[c] = vector(hn::LoadU(d, x + i + c * lanes), chains[c]);
  for (; i + lanes <= width; i += lanes) chains[0] = vector(hn::LoadU(d, x + i), chains[0]);
  float total = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(chains[0], chains[1]), hn::Add(chains[2], chains[3]))));
  for (; i < width; ++i) total = scalar(x[i], total);
  return total;
}

void norm(const temper_norm &norm, const float *in, float *out, const float *shift, const float *scale) {
  const Floats d;
  const int64_t width = norm.width;
  const auto divisor = static_cast<float>(width);
  float mean = 0.0F;
  if (norm.kind == TEMPER_NORM_LAYER)
    mean = sum_of(in, width, [](V x, V sum) { return hn::Add(sum, x); }, [](float x, float sum) { return sum + x; }) /
           divisor;
  const V mean_v = hn::Set(d, mean);
  const float squares = sum_of(
      in, width,
      [&](V x, V sum) {
        const V centred = hn::Sub(x, mean_v);
        return hn::MulAdd(centred, centred, sum);
      },
      [&](float x, float sum) { return sum + (x - mean) * (x - mean); });
  const float inverse = 1.0F / std::sqrt(squares / divisor + norm.epsilon);
  const V inverse_v = hn::Set(d, inverse), one = hn::Set(d, 1.0F);
  int64_t i = 0;
  for (; i + lanes <= width; i += lanes) {
    V y = hn::Mul(hn::Sub(hn::LoadU(d, in + i), mean_v), inverse_v);
    if (norm.weight != nullptr) y = hn::Mul(y, hn::LoadU(d, norm.weight + i));
    if (norm.bias != nullptr) y = hn::Add(y, hn::LoadU(d, norm.bias + i));
    if (scale != nullptr)
      y = hn::Add(hn::Mul(y, hn::Add(one, hn::LoadU(d, scale + i))), hn::LoadU(d, shift + i));
    hn::StoreU(y, d, out + i);
  }
  for (; i < width; ++i) {
    float y = (in[i] - mean) * inverse;
    if (norm.weight != nullptr) y *= norm.weight[i];
    if (norm.bias != nullptr) y += norm.bias[i];
    if (scale != nullptr) y = y * (1.0F + scale[i]) + shift[i];
    out[i] = y;
  }
}

void head(float *head, int32_t size, const float *weight, float epsilon, const float *cosines, const float *sines) {
  const Floats d;
  if (weight != nullptr) {
    const float squares = sum_of(
        head, size, [](V x, V sum) { return hn::MulAdd(x, x, sum); }, [](float x, float sum) { return sum + x * x; });
    const float inverse = 1.0F / std::sqrt(squares / static_cast<float>(size) + epsilon);
    for (int32_t i = 0; i < size; ++i) head[i] *= inverse * weight[i];
  }
  if (cosines == nullptr) return;
  const int64_t half = size / 2;
  float *low = head, *high = head + half;
  int64_t i = 0;
  for (; i + lanes <= half; i += lanes) {
    const V a = hn::LoadU(d, low + i), b = hn::LoadU(d, high + i);
    const V c = hn::LoadU(d, cosines + i), s = hn::LoadU(d, sines + i);
    hn::StoreU(hn::Sub(hn::Mul(a, c), hn::Mul(b, s)), d, low + i);
    hn::StoreU(hn::Add(hn::Mul(b, c), hn::Mul(a, s)), d, high + i);
  }
  for (; i < half; ++i) {
    const float a = low[i], b = high[i];
    low[i] = a * cosines[i] - b * sines[i];
    high[i] = b * cosines[i] + a * sines[i];
  }
}

}  // namespace temper::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace temper::cpu {
void choose_rows(Kernels *kernels) {
  kernels->finish = TEMPER_CHOOSE(finish, kernels->set);
  kernels->norm = TEMPER_CHOOSE(norm, kernels->set);
  kernels->head = TEMPER_CHOOSE(head, kernels->set);
}
}  // namespace temper::cpu
#endif
