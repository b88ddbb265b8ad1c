// SPDX-License-Identifier: Apache-2.0
#include "noise/own.h"

#include "base/text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

namespace temper {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double rounding = 4 * std::numeric_limits<double>::epsilon();
constexpr int probes = 1024;  // of a function, at its creation

// A pair of values that is known to be in range; what is left of 1 by rounding alone is no uniform noise.
Clocks clocks_of(double a, double m) noexcept {
  const double visible = 1 - m, u = visible - a;
  Clocks clocks;
  clocks.mu = -std::log1p(-m);
  if (u > rounding) clocks.lam = a > 0 ? std::log1p(u / a) : infinity;
  return clocks;
}

// How far rounding of a and m can move the uniform clock.
double slack(double a, double m) noexcept { return rounding * (1 + 1 / a + 1 / (1 - m)); }

// Whatever a function says when it is asked again must not leave the range.
double in_range(double value, double high) noexcept { return value > 0 ? std::min(value, high) : 0; }

struct Where {
  char text[48];
};

Where level_text(int64_t level) noexcept {
  Where where;
  std::snprintf(where.text, sizeof where.text, "at level %lld", static_cast<long long>(level));
  return where;
}

Where time_text(double t) noexcept {
  Where where;
  std::snprintf(where.text, sizeof where.text, "at t = %s", number_text(t, 9).text);
  return where;
}

}  // namespace

Result<Clocks> OwnPath::next(double a, double m, const Clocks &before, const char *where) {
  if (!(a >= 0 && a <= 1)) return fail(TEMPER_E_ARGUMENT, "noise: a is %g %s, must be 0 to 1", a, where);
  if (!(m >= 0 && m <= 1)) return fail(TEMPER_E_ARGUMENT, "noise: m is %g %s, must be 0 to 1", m, where);
  if (!(a + m <= 1 + rounding))
    return fail(TEMPER_E_ARGUMENT, "noise: a + m is %.17g %s, must be at most 1", a + m, where);
  Clocks now = clocks_of(a, m);
  if (m < before.m() - rounding)
    return fail(TEMPER_E_ARGUMENT, "noise: m falls from %.9g to %.9g %s: the path runs backwards there", before.m(), m,
                where);
  // Pure mask: nothing is left whose retention could be told.
  if (m == 1) return Clocks{infinity, before.lam};
  if (now.lam < before.lam - slack(a, m))
    return fail(TEMPER_E_ARGUMENT, "noise: a/(1-m) rises from %.9g to %.9g %s: the path runs backwards there",
                before.kappa(), now.kappa(), where);
  now.mu = std::max(now.mu, before.mu);
  if (now.lam <= before.lam + slack(a, m)) now.lam = before.lam;
  return now;
}

Result<std::shared_ptr<const OwnPath>> OwnPath::table(const double *a, const double *m, int32_t levels) {
  if (a == nullptr || m == nullptr) return Status(TEMPER_E_ARGUMENT, "noise: a and m must not be NULL");
  if (levels < 1 || levels > 1 << 20)
    return fail(TEMPER_E_ARGUMENT, "noise: a table of %d levels, must be 1 to 2^20", levels);
  if (!(std::fabs(a[0] - 1) <= rounding && std::fabs(m[0]) <= rounding))
    return fail(TEMPER_E_ARGUMENT, "noise: level 0 has a = %.9g and m = %.9g, must be clean: 1 and 0", a[0], m[0]);
  auto path = std::make_shared<OwnPath>();
  path->clocks_.reserve(static_cast<size_t>(levels) + 1);
  path->clocks_.push_back({});
  for (int32_t level = 1; level <= levels; ++level) {
    TEMPER_ASSIGN(const Clocks now, next(a[level], m[level], path->clocks_.back(), level_text(level).text));
    path->clocks_.push_back(now);
  }
  path->masks_ = path->clocks_.back().mu > 0;
  path->replaces_ = path->clocks_.back().lam > 0;
  if (!path->masks_ && !path->replaces_)
    return Status(TEMPER_E_ARGUMENT, "noise: the table has no noise at any level");
  return std::shared_ptr<const OwnPath>(std::move(path));
}

Result<std::shared_ptr<const OwnPath>> OwnPath::callback(NoiseFunction function, void *user) {
  if (function == nullptr) return Status(TEMPER_E_ARGUMENT, "noise: the function must not be NULL");
  auto path = std::make_shared<OwnPath>();
  path->function_ = function;
  path->user_ = user;
  double a = std::nan(""), m = std::nan("");
  function(user, 0, &a, &m);
  if (!(std::fabs(a - 1) <= rounding && std::fabs(m) <= rounding))
    return fail(TEMPER_E_ARGUMENT, "noise: at t = 0 a is %.9g and m is %.9g, must be clean: 1 and 0", a, m);
  Clocks before;
  for (int i = 1; i <= probes; ++i) TEMPER_TRY(path->probe(static_cast<double>(i) / probes, before));
  path->masks_ = before.mu > 0;
  path->replaces_ = before.lam > 0;
  if (!path->masks_ && !path->replaces_) return Status(TEMPER_E_ARGUMENT, "noise: the function gives no noise");
  return std::shared_ptr<const OwnPath>(std::move(path));
}

Status OwnPath::probe(double t, Clocks &clocks) const {
  double a = std::nan(""), m = std::nan("");
  function_(user_, t, &a, &m);
  TEMPER_ASSIGN(clocks, next(a, m, clocks, time_text(t).text));
  return Status();
}

Clocks OwnPath::between(size_t index, double weight) const noexcept {
  const Clocks &low = clocks_[index];
  if (!(weight > 0)) return low;
  const Clocks &high = clocks_[index + 1];
  const double a = (1 - weight) * low.a() + weight * high.a();
  const double u = (1 - weight) * low.u() + weight * high.u();
  const double m = (1 - weight) * low.m() + weight * high.m();
  Clocks clocks;
  clocks.mu = low.mu == high.mu ? low.mu : m < 0.5 ? -std::log1p(-m) : -std::log(a + u);
  clocks.lam = low.lam == high.lam ? low.lam : a > 0 ? std::log1p(u / a) : infinity;
  clocks.mu = std::clamp(clocks.mu, low.mu, high.mu);
  clocks.lam = std::clamp(clocks.lam, low.lam, high.lam);
  return clocks;
}

Clocks OwnPath::at(double time) const noexcept {
  const double t = in_range(time, 1);
  if (function_ != nullptr) {
    double a = 0, m = 1;
    function_(user_, t, &a, &m);
    m = in_range(m, 1);
    return clocks_of(in_range(a, 1 - m), m);
  }
  const double place = t * static_cast<double>(clocks_.size() - 1);
  const size_t index = std::min(static_cast<size_t>(place), clocks_.size() - 2);
  const double weight = place - static_cast<double>(index);
  return weight >= 1 ? clocks_[index + 1] : between(index, weight);
}

Clocks OwnPath::at_part(int64_t numerator, int64_t denominator) const noexcept {
  if (denominator < 1) return {};
  numerator = std::clamp<int64_t>(numerator, 0, denominator);
  if (function_ != nullptr) return at(static_cast<double>(numerator) / static_cast<double>(denominator));
  const auto levels = static_cast<int64_t>(clocks_.size() - 1);
  const int64_t place = numerator * levels;  // below 2^40
  return between(static_cast<size_t>(place / denominator),
                 static_cast<double>(place % denominator) / static_cast<double>(denominator));
}

}  // namespace temper
