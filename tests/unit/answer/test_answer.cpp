// SPDX-License-Identifier: Apache-2.0
// Answers about rows of logits against a plain implementation of what backends/question.h says, step by step, on many
// random rows and questions.
#include "answer/answer.h"
#include "base/philox.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <utility>
#include <vector>

extern "C" {
#include <cmocka.h>
}

using namespace temper;

namespace {

constexpr double none = -HUGE_VAL;
constexpr int32_t widest = 600;

void near(double value, double expected, double tolerance, uint64_t which, const char *what) {
  const auto number = static_cast<unsigned long long>(which);
  if (!(std::fabs(value - expected) <= tolerance))
    fail_msg("question %llu: %s is %.15g, expected %.15g", number, what, value, expected);
}

// Reproducible numbers in (0, 1).
class Numbers {
 public:
  explicit Numbers(uint64_t seed) : seed_(seed) {}
  double next() { return Draws(seed_, 0, 0, count_++).uniform(DrawTag::gumbel); }
  bool chance(double p) { return next() < p; }
  int32_t below(int32_t n) { return static_cast<int32_t>(next() * n); }
  uint64_t bits() { return Draws(seed_, 1, 0, count_++).bits(DrawTag::gumbel); }

 private:
  uint64_t seed_;
  uint32_t count_ = 0;
};

// A question with the lists that it points to, and a row for it.
struct Asked {
  temper_question question = plain_question();
  std::vector<int32_t> excluded, allowed, banned;
  std::vector<temper_token_count> seen;
  std::vector<temper_token_bias> biases;
  std::vector<float> row;

  explicit Asked(uint64_t seed);
  Asked(const Asked &) = delete;
};

Asked::Asked(uint64_t seed) {
  Numbers numbers(seed);
  temper_question &q = question;
  const int32_t sizes[] = {1, 2, 3, 7, 60, 255, 256, 257, 590};
  q.vocabulary = sizes[numbers.below(9)];
  q.columns = q.vocabulary + numbers.below(4);
  if (numbers.chance(.7)) q.mask = numbers.below(q.columns + 2);
  const auto listed = [&](double share, std::vector<int32_t> &ids) {
    for (int32_t id = -2; id < q.columns + 3; ++id)
      if (numbers.chance(share)) ids.push_back(id);
  };
  if (numbers.chance(.3))
    for (int32_t id = 0; id < q.vocabulary; ++id)
      if (id != q.mask && numbers.chance(.1)) excluded.push_back(id);
  if (numbers.chance(.2)) listed(.6, allowed);
  if (numbers.chance(.3)) listed(.1, banned);
  if (numbers.chance(.3))
    for (int32_t id = -1; id < q.columns + 2; ++id)
      if (numbers.chance(.3)) seen.push_back({id, numbers.below(4)});
  if (numbers.chance(.3))
    for (int32_t id = -1; id < q.columns + 2; ++id)
      if (numbers.chance(.1)) biases.push_back({id, numbers.chance(.3) ? none : 3 * numbers.next() - 1});
  q.excluded = excluded.data(), q.excluded_count = excluded.size();
  q.allowed = allowed.data(), q.allowed_count = allowed.size();
  q.banned = banned.data(), q.banned_count = banned.size();
  q.seen = seen.data(), q.seen_count = seen.size();
  q.biases = biases.data(), q.biases_count = biases.size();
  q.repetition = .5 + numbers.next();
  q.frequency = numbers.next() - .5;
  q.presence = numbers.next() - .5;
  if (numbers.chance(.5)) q.own = numbers.below(q.vocabulary);
  if (q.own == q.mask) q.own = -1;
  if (numbers.chance(.7)) q.seen_here = q.own;
  q.offset = numbers.chance(.5) ? 0 : static_cast<float>(8 * numbers.next() - 4);
  q.filter_scale = numbers.chance(.3) ? 1 : std::exp(2 * numbers.next() - 1);
  q.scale = numbers.chance(.5) ? q.filter_scale : std::exp(2 * numbers.next() - 1);
  if (numbers.chance(.2)) q.top_k = 1 + numbers.below(8);
  if (numbers.chance(.2)) q.top_p = numbers.next();
  if (numbers.chance(.2)) q.min_p = .3 * numbers.next();
  if (numbers.chance(.2)) q.typical_p = numbers.next();
  q.own_weight = numbers.below(3);
  q.shift = 3 * numbers.next() - 1.5;
  q.bits = numbers.bits();
  q.probe = numbers.below(q.vocabulary);
  q.asked = static_cast<uint32_t>(numbers.bits()) & (2 * TEMPER_ASK_MASK_STAYS - 1);
  for (int32_t column = 0; column < q.columns; ++column)
    row.push_back(numbers.chance(.03) ? -HUGE_VALF : static_cast<float>(6 * (numbers.next() + numbers.next())));
}

// The row at one scale: shares, and what follows from them.
struct Shares {
  std::vector<double> p;  // relative to the largest
  double sum = 0, top = none;

  Shares(const std::vector<double> &logits, double scale) {
    for (const double l : logits) top = std::max(top, l);
    for (const double l : logits) sum += p.emplace_back(l > none ? std::exp((l - top) * scale) : 0);
  }
  double entropy() const {
    double h = 0;
    for (const double w : p) h -= w > 0 ? w / sum * std::log(w / sum) : 0;
    return h;
  }
};

int32_t best_of(const std::vector<double> &logits) {
  const auto best = std::max_element(logits.begin(), logits.end());
  return *best > none ? static_cast<int32_t>(best - logits.begin()) : -1;
}

// Steps 1 to 4.
std::vector<double> shaped(const temper_question &q, const std::vector<float> &row) {
  std::vector<double> logits;
  for (int32_t id = 0; id < q.vocabulary; ++id) {
    double &l = logits.emplace_back(static_cast<double>(row[static_cast<size_t>(id)] - q.offset));
    const auto within = [id](const int32_t *list, size_t count) { return std::binary_search(list, list + count, id); };
    if (id == q.mask && !(q.asked & TEMPER_ASK_MASK_STAYS)) l = none;
    if (within(q.excluded, q.excluded_count) || within(q.banned, q.banned_count)) l = none;
    if (q.allowed_count > 0 && !within(q.allowed, q.allowed_count)) l = none;
    for (size_t i = 0; i < q.seen_count; ++i) {
      const int32_t count = q.seen[i].count - (id == q.seen_here ? 1 : 0);
      if (q.seen[i].token != id || count <= 0) continue;
      l = (l > 0 ? l / q.repetition : l * q.repetition) - q.frequency * count - q.presence;
    }
    for (size_t i = 0; i < q.biases_count; ++i)
      if (q.biases[i].token == id) l += q.biases[i].bias;
  }
  return logits;
}

// Keeps the first of an order until `share` of the mass is there.
void keep(std::vector<double> &logits, const std::vector<size_t> &order, const Shares &shares, double share) {
  double before = 0;
  bool first = true;
  for (const size_t id : order) {
    if (!first && before >= share * shares.sum) logits[id] = none;
    before += shares.p[id];
    first = false;
  }
}

// Step 6. False: a share lies so near a limit that rounding decides.
bool filtered(const temper_question &q, std::vector<double> &logits) {
  std::vector<size_t> order(logits.size());
  for (size_t id = 0; id < order.size(); ++id) order[id] = id;
  const auto by_logit = [&](size_t a, size_t b) { return logits[a] != logits[b] ? logits[a] > logits[b] : a < b; };
  const auto decided = [&](const Shares &shares, double share) {
    double before = 0;
    for (const size_t id : order) {
      if (std::fabs(before / shares.sum - share) < 1e-9) return false;
      before += shares.p[id];
    }
    return true;
  };
  if (q.top_k > 0 && static_cast<size_t>(q.top_k) < logits.size()) {
    std::sort(order.begin(), order.end(), by_logit);
    const double lowest = logits[order[static_cast<size_t>(q.top_k) - 1]];
    for (double &l : logits) l = l < lowest ? none : l;
  }
  if (q.top_p < 1) {
    const Shares shares(logits, q.filter_scale);
    std::sort(order.begin(), order.end(), by_logit);
    if (!decided(shares, q.top_p)) return false;
    keep(logits, order, shares, q.top_p);
  }
  if (q.min_p > 0) {
    const Shares shares(logits, q.filter_scale);
    for (size_t id = 0; id < logits.size(); ++id) {
      if (std::fabs(shares.p[id] - q.min_p) < 1e-9) return false;
      if (shares.p[id] < q.min_p) logits[id] = none;
    }
  }
  if (q.typical_p < 1) {
    const Shares shares(logits, q.filter_scale);
    const double entropy = shares.entropy();
    const auto away = [&](size_t id) { return std::fabs(-std::log(shares.p[id] / shares.sum) - entropy); };
    std::erase_if(order, [&](size_t id) { return !(shares.p[id] > 0); });
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return away(a) < away(b); });
    for (size_t i = 0; i + 1 < order.size(); ++i)
      if (away(order[i + 1]) - away(order[i]) < 1e-9) return false;
    if (!decided(shares, q.typical_p)) return false;
    keep(logits, order, shares, q.typical_p);
  }
  return true;
}

// Steps 7 and 8 against the answer.
void compare(const Asked &asked, const temper_answer &answer, uint64_t which) {
  const temper_question &q = asked.question;
  const auto is_asked = [&](uint32_t bit) { return (q.asked & bit) != 0; };
  std::vector<double> logits = shaped(q, asked.row);
  assert_int_equal(answer.status, best_of(logits) >= 0 ? TEMPER_ANSWER_GIVEN : TEMPER_ANSWER_NOTHING);
  if (answer.status != TEMPER_ANSWER_GIVEN) {
    assert_true(answer.token == -1 && answer.best == -1 && answer.favourite == -1);
    assert_true(answer.total == 0 && answer.own == 0);
    return;
  }
  const Shares belief(logits, 1);
  if (!filtered(q, logits)) return;

  const Shares looked(logits, q.filter_scale);
  assert_int_equal(answer.favourite, is_asked(TEMPER_ASK_FAVOURITE) ? best_of(logits) : -1);
  near(answer.entropy, is_asked(TEMPER_ASK_ENTROPY) ? looked.entropy() : 0, 1e-9, which, "entropy");
  std::vector<double> shares = looked.p;
  std::sort(shares.rbegin(), shares.rend());
  const double margin = (shares[0] - (shares.size() > 1 ? shares[1] : 0)) / looked.sum;
  near(answer.margin, is_asked(TEMPER_ASK_MARGIN) ? margin : 0, 1e-9, which, "margin");

  double own_logit = none;
  if (q.own >= 0) {
    double &own = logits[static_cast<size_t>(q.own)];
    own_logit = own;
    if (q.own_weight == TEMPER_OWN_SHIFTED) own += q.shift / q.scale;
    if (q.own_weight == TEMPER_OWN_APART) own = none;
  }
  const Shares drawn(logits, q.scale);
  const bool apart = q.own >= 0 && q.own_weight == TEMPER_OWN_APART, left = best_of(logits) >= 0;
  const double one = TEMPER_WEIGHT_ONE, unit = one * 1e-12 * static_cast<double>(logits.size());
  const double own = !left ? one : own_logit > none ? one * std::exp((own_logit - drawn.top) * q.scale + q.shift) : 0;
  near(answer.own, apart ? own : 0, 1e-11 * (one + own), which, "own");

  const bool draws = is_asked(TEMPER_ASK_DRAW) && left, probes = is_asked(TEMPER_ASK_PROBE) && left;
  assert_int_equal(answer.best, is_asked(TEMPER_ASK_BEST) && left ? best_of(logits) : -1);
  const bool summed = draws || probes || (is_asked(TEMPER_ASK_TOTAL) && left);
  near(answer.total, summed ? one * drawn.sum : 0, unit, which, "total");
  near(answer.probe, probes ? one * drawn.p[static_cast<size_t>(q.probe)] : 0, unit, which, "probe");
  assert_true((answer.token >= 0) == draws);
  const auto believed = [&](int32_t id) {
    return id >= 0 && is_asked(TEMPER_ASK_BELIEF) ? belief.p[static_cast<size_t>(id)] / belief.sum : 0;
  };
  const double tolerance = is_asked(TEMPER_ASK_ROUGH) ? 1e-7 : 1e-10;
  near(answer.belief, believed(answer.token), tolerance, which, "belief");
  near(answer.best_belief, believed(answer.best), tolerance, which, "belief in the best");
  if (!draws) return;
  near(answer.weight, one * drawn.p[static_cast<size_t>(answer.token)], unit, which, "weight");
  // The inverse CDF: the drawn token's share lies where the bits point.
  double before = 0;
  for (int32_t id = 0; id < answer.token; ++id) before += drawn.p[static_cast<size_t>(id)];
  const double at = static_cast<double>(q.bits) * 0x1p-64 * drawn.sum, slack = 1e-9 * drawn.sum;
  assert_true(at >= before - slack && at <= before + drawn.p[static_cast<size_t>(answer.token)] + slack);
}

void plain(void **) {
  Workspace workspace = std::move(Workspace::create(widest).value());
  int nothing = 0;
  for (uint64_t seed = 0; seed < 20000; ++seed) {
    const Asked asked(seed);
    const temper_answer answer = answer_row(asked.question, asked.row, workspace);
    compare(asked, answer, seed);
    nothing += answer.status == TEMPER_ANSWER_NOTHING ? 1 : 0;
  }
  assert_true(nothing > 100 && nothing < 4000);
}

bool same(const temper_answer &a, const temper_answer &b) { return std::memcmp(&a, &b, sizeof a) == 0; }

// To the bit: the offset is what subtracting it beforehand is, and nothing is left of the rows before.
void alone(void **) {
  Workspace used = std::move(Workspace::create(widest).value());
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Asked asked(seed);
    const temper_answer answer = answer_row(asked.question, asked.row, used);
    Workspace fresh = std::move(Workspace::create(asked.question.columns).value());
    assert_true(same(answer, answer_row(asked.question, asked.row, fresh)));
    for (float &l : asked.row) l -= asked.question.offset;
    asked.question.offset = 0;
    assert_true(same(answer, answer_row(asked.question, asked.row, used)));
    // Asking for more doesn't move what was asked, but for what is then exact.
    asked.question.asked |= TEMPER_ASK_FAVOURITE | TEMPER_ASK_MARGIN | TEMPER_ASK_ENTROPY;
    const temper_answer more = answer_row(asked.question, asked.row, used);
    assert_true(more.token == answer.token && more.total == answer.total && more.weight == answer.weight &&
                more.own == answer.own && more.best == answer.best && more.belief == answer.belief);
  }
}

void unusable(void **) {
  Workspace workspace = std::move(Workspace::create(4).value());
  temper_question question = plain_question();
  question.columns = question.vocabulary = 4;
  question.mask = 3;
  question.asked = TEMPER_ASK_DRAW | TEMPER_ASK_BEST;
  const auto status = [&](const std::vector<float> &row) { return answer_row(question, row, workspace).status; };
  const float inf = HUGE_VALF, nan = std::nanf("");
  const std::vector<float> bad[] = {{0, nan, 0, 0}, {0, inf, 0, 0}, {-inf, -inf, -inf, 0}, {0, 0, 0}};
  for (const std::vector<float> &row : bad) assert_int_equal(status(row), TEMPER_ANSWER_NOTHING);
  // The mask's column isn't looked at unless it is a token like others.
  assert_int_equal(status({0, 1, -inf, nan}), TEMPER_ANSWER_GIVEN);
  question.asked |= TEMPER_ASK_MASK_STAYS;
  assert_int_equal(status({0, 1, -inf, nan}), TEMPER_ANSWER_NOTHING);
  // An offset may take a row beyond what floats can hold.
  question.offset = -3e38F;
  assert_int_equal(status({0, 3e38F, 0, 0}), TEMPER_ANSWER_NOTHING);
  question.columns = 5;
  assert_int_equal(status({0, 0, 0, 0, 0}), TEMPER_ANSWER_NOTHING);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(plain), cmocka_unit_test(alone), cmocka_unit_test(unusable)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
