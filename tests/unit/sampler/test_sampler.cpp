// SPDX-License-Identifier: Apache-2.0
// Draws, weights, filters, and the one-step samplers against their exact distributions.
#include "noise/posterior.h"
#include "support/single.h"
#include "questions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <vector>

extern "C" {
#include <cmocka.h>
}

using namespace temper;
using namespace temper::test;

namespace {

constexpr uint64_t seed = 0x0123456789abcdef;

void near(double value, double expected, double tolerance) {
  if (!(std::fabs(value - expected) <= tolerance)) fail_msg("%.15g, expected %.15g", value, expected);
}

Sampler made(SamplerKind kind, const SamplerParameters &parameters = {}) {
  auto result = Sampler::create(kind, parameters);
  if (!result.ok()) fail_msg("%s", result.status().message().c_str());
  return result.value();
}

Workspace scratch(int32_t columns) {
  auto result = Workspace::create(columns);
  return std::move(result.value());
}

// Tokens 0..count-1 and the mask behind them.
HeadDescription head_of(int32_t count) {
  HeadDescription head;
  head.columns = head.vocabulary = count + 1;
  head.mask_token = count;
  return head;
}

void philox(void **) {
  const auto a = philox4x32({0, 0, 0, 0}, {0, 0});
  assert_true(a[0] == 0x6627e8d5 && a[1] == 0xe169c58d && a[2] == 0xbc57ac4c && a[3] == 0x9b00dbd8);
  const uint32_t all = 0xffffffff;
  const auto b = philox4x32({all, all, all, all}, {all, all});
  assert_true(b[0] == 0x408f276d && b[3] == 0x6d5451fd);
  const auto c = philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0});
  assert_true(c[0] == 0xd16cfe09 && c[1] == 0x94fdcceb && c[2] == 0x5001e420 && c[3] == 0x24126ea1);

  const Draws draws(seed, 7, 3, 42);
  assert_true(draws.bits(DrawTag::reveal) == 0xd022932d179d9d90 && draws.bits(DrawTag::reveal, 1) == 0x891d5cd2487e85fa);
  near(draws.uniform(DrawTag::reveal), 0.813027571209764, 1e-15);
  near(draws.uniform(DrawTag::reveal, 1), 0.535604287470500, 1e-15);
  assert_true(draws.bits(DrawTag::token) == 0xadf9bee960776222);
  near(Draws(seed, 7, 3, sequence_draw).uniform(DrawTag::first_hitting), 0.058551758059574, 1e-15);
  const uint64_t ids[] = {47106, 15981, 5521, 39002};
  for (uint32_t i = 0; i < 4; ++i) assert_true(Draws(seed, 7, 0, i).integer(DrawTag::initial_noise, 50257) == ids[i]);
  assert_true(Draws::to_uniform(~uint64_t{0}) < 1 && Draws::to_uniform(0) > 0);
  assert_true(mul_high(~uint64_t{0}, ~uint64_t{0}) == ~uint64_t{0} - 1);
}

void weights(void **) {
  const double logits[] = {2, 1, 0, -1, -30};
  const uint64_t expected[] = {17592186044416, 6471803571004, 2380843481072, 875863369334, 0};
  uint64_t got[5];
  weigh(logits, 5, 2, 1, got);
  for (size_t i = 0; i < 5; ++i) assert_true(got[i] == expected[i]);

  // Long enough for vector code and odd tails; within a unit of the library's exponential.
  std::vector<double> row(1003);
  std::vector<uint64_t> sums(4), block(weight_block);
  for (size_t i = 0; i < row.size(); ++i) row[i] = -0.0417 * static_cast<double>((i * 619) % row.size());
  const uint64_t total = weigh_blocks(row.data(), row.size(), 0, 1, sums.data());
  uint64_t sum = 0;
  for (size_t i = 0; i < row.size(); ++i) {
    uint64_t one = 0;
    weigh(&row[i], 1, 0, 1, &one);
    near(static_cast<double>(one), std::floor(0x1p44 * std::exp(row[i]) + .5), 1);
    sum += one;
  }
  assert_true(sum == total && sum == sums[0] + sums[1] + sums[2] + sums[3]);
  near(rough_sum(row.data(), row.size(), 0) * weight_one / static_cast<double>(total), 1, 1e-8);
  for (double x : {-700.0, -3.3, 0.0, 1e-9, 2.0, 699.0}) near(exponential(x) / std::exp(x), 1, 4e-16);
}

void tokens(void **) {
  const float logits[] = {2, 1, 0, -1, -30, 9};
  HeadDescription head = head_of(5);
  auto workspace = scratch(6);
  const Sampler sampler = made(SamplerKind::ancestral);
  const Noise noise = Noise::create({}).value();
  const Transition last = noise.transition(1, 0, 3), step = noise.transition(3, 2, 3);
  const int32_t expected[] = {1, 0, 1, 2, 3, 0, 0, 0, 0, 0, 0, 0}, stepped[] = {1, -1, -1, 2, -1, 0, 0, -1, -1, -1, -1, 0};
  for (uint32_t i = 0; i < 12; ++i) {
    const Draws draws(seed, 7, 3, 40 + i);
    SamplerPosition at{40 + i, 5, false, &last};
    assert_true(decide(sampler, head, at, draws).needs_logits);
    const Proposal proposal = propose(sampler, head, at, draws, logits, workspace);
    assert_int_equal(proposal.token, expected[i]);
    near(proposal.probability, std::exp(static_cast<double>(logits[proposal.token])) / (std::exp(2.) + std::exp(1.) + 1 + std::exp(-1.)), 1e-9);
    at.transition = &step;
    const bool needed = decide(sampler, head, at, draws).needs_logits;
    assert_int_equal(needed, stepped[i] >= 0);
    assert_int_equal(propose(sampler, head, at, draws, logits, workspace).token, stepped[i] >= 0 ? stepped[i] : 5);
    at.fixed = true;
    assert_false(decide(sampler, head, at, draws).needs_logits);
  }
  // Visible tokens of an absorbing path need nothing.
  const SamplerPosition visible{40, 2, false, &last};
  assert_false(decide(sampler, head, visible, Draws(seed, 7, 3, 40)).needs_logits);
}

void filters(void **) {
  const float logits[] = {2.5F, 2, 1, 0, -1.2F};
  HeadDescription head;
  head.columns = head.vocabulary = 5;
  auto workspace = scratch(5);
  Workspace::Memory &memory = workspace.memory();
  const auto check = [&](const SamplerParameters &parameters, std::initializer_list<double> expected) {
    assert_true(memory.load(plain_question(head), logits));
    memory.scale = 1 / .8;
    memory.filter(filter_question(parameters));
    memory.sum();
    int32_t id = 0;
    for (double e : expected) near(memory.weight(id++) / static_cast<double>(memory.total), e, 6e-9);
  };
  SamplerParameters parameters;
  parameters.top_k = 4;
  check(parameters, {0.57718281, 0.30894370, 0.08851385, 0.02535964, 0});
  parameters.top_p = .9;
  check(parameters, {0.59220081, 0.31698225, 0.09081694, 0, 0});
  parameters.min_p = .05;
  check(parameters, {0.59220081, 0.31698225, 0.09081694, 0, 0});
  parameters.min_p = .6;
  check(parameters, {1, 0, 0, 0, 0});
  parameters = {};
  parameters.top_p = 0;
  check(parameters, {1, 0, 0, 0, 0});

  // Ties: top-k keeps all of them, top-p the lowest ids.
  std::vector<float> flat(100, 1.5F);
  HeadDescription wide;
  wide.columns = wide.vocabulary = 100;
  auto other = scratch(100);
  assert_true(other.memory().load(plain_question(wide), flat));
  parameters = {};
  parameters.top_k = 3;
  other.memory().filter(filter_question(parameters));
  other.memory().sum();
  assert_true(other.memory().total == 100 * (uint64_t{1} << 44));
  parameters = {};
  parameters.top_p = .295;
  other.memory().filter(filter_question(parameters));
  other.memory().sum();
  assert_true(other.memory().total == 30 * (uint64_t{1} << 44));
  assert_true(other.memory().weight(29) > 0 && other.memory().weight(30) == 0);
}

// Entropy and margin of what may be drawn, at the temperature.
void shapes(void **) {
  for (const double scale : {1., 1 / .7, 10.})
    for (const size_t size : {1, 2, 255, 256, 1003}) {
      std::vector<float> row(size + 1, 5);  // the mask's own logit doesn't count
      for (size_t i = 0; i < size; ++i) row[i] = -0.0417F * static_cast<float>((i * 619) % size);
      if (size > 9) row[7] = row[3];
      if (size > 9) row[8] = -std::numeric_limits<float>::infinity();
      double sum = 0, weighted = 0, first = 0, second = 0;
      for (size_t i = 0; i < size; ++i) {
        const double x = static_cast<double>(row[i]) * scale, w = std::exp(x);
        sum += w;
        weighted += w > 0 ? w * x : 0;
        second = std::max(second, std::min(first, w));
        first = std::max(first, w);
      }
      auto workspace = scratch(static_cast<int32_t>(size) + 1);
      Workspace::Memory &memory = workspace.memory();
      for (const bool entropy_first : {true, false}) {
        assert_true(memory.load(plain_question(head_of(static_cast<int32_t>(size))), row));
        memory.scale = scale;
        if (!entropy_first) near(memory.margin(), (first - second) / sum, 1e-11);
        near(memory.entropy(), std::log(sum) - weighted / sum, 1e-10);
        near(static_cast<double>(memory.total) / weight_one, sum, 1e-9);
        if (entropy_first) near(memory.margin(), (first - second) / sum, 1e-11);
      }
      assert_int_equal(memory.most_probable(), 0);
      memory.change(0, -100);
      const auto highest = std::max_element(row.begin() + (size > 1 ? 1 : 0), row.end() - 1);
      assert_int_equal(memory.most_probable(), size > 1 ? highest - row.begin() : 0);
    }
  // A row of equal logits: the lowest id. Almost no temperature: the best one, by a finite scale.
  std::vector<float> row(5001, 1);
  auto workspace = scratch(5001);
  assert_true(workspace.memory().load(plain_question(head_of(5000)), row));
  assert_int_equal(workspace.memory().most_probable(), 0);
  near(workspace.memory().margin(), 0, 0);
  row[4321] = 1.5F;
  SamplerParameters p;
  p.temperature = 1e-310;
  const Transition last = Noise::create({}).value().transition(1, 0, 1);
  const SamplerPosition at{0, 5000, false, &last};
  const Proposal proposal = propose(made(SamplerKind::ancestral, p), head_of(5000), at, Draws(1, 0, 0, 0), row, workspace);
  assert_int_equal(proposal.token, 4321);
  near(proposal.probability, 1, 0);
}

void hostile(void **) {
  HeadDescription head = head_of(3);
  auto workspace = scratch(4);
  const Sampler sampler = made(SamplerKind::ancestral);
  const Transition last = Noise::create({}).value().transition(1, 0, 1);
  const SamplerPosition at{0, 3, false, &last};
  const float inf = std::numeric_limits<float>::infinity(), nan = std::nanf("");
  for (const std::vector<float> &row : {std::vector<float>{0, nan, 0, 0}, {inf, 0, 0, 0}, {-inf, -inf, -inf, 5}, {0, 0, 0}})
    assert_int_equal(propose(sampler, head, at, Draws(1, 0, 0, 0), row, workspace).token, -1);
  const std::vector<float> row = {-inf, 1, -inf, 5};
  assert_int_equal(propose(sampler, head, at, Draws(1, 0, 0, 0), row, workspace).token, 1);
  assert_false(Workspace::create(0).ok());
  assert_false(Workspace::create((1 << 18) + 1).ok());
  SamplerParameters p;
  assert_false(Sampler::set(SamplerKind::ancestral, p, SamplerParameter::eta, .1).ok());
  assert_false(Sampler::set(SamplerKind::ancestral, p, SamplerParameter::top_k, 1.5).ok());
  assert_false(Sampler::set(SamplerKind::ancestral, p, SamplerParameter::temperature, std::nan("")).ok());
  assert_true(Sampler::set(SamplerKind::acs, p, SamplerParameter::eta, .25).ok() && p.eta == .25);
}

// Frequencies of 40000 draws against an exact distribution (tokens, then the mask); chi-square.
void frequencies(const Sampler &sampler, const HeadDescription &head, const std::vector<float> &row, const Transition &step,
                 int32_t y, const std::vector<double> &expected) {
  auto workspace = scratch(head.columns);
  constexpr int runs = 40000;
  std::vector<int> counts(expected.size());
  for (int run = 0; run < runs; ++run) {
    const Draws draws(42, static_cast<uint32_t>(run), 5, 9);
    const SamplerPosition at{9, y, false, &step};
    Proposal proposal = decide(sampler, head, at, draws);
    if (proposal.needs_logits) proposal = propose(sampler, head, at, draws, row, workspace);
    ++counts[static_cast<size_t>(proposal.token)];
  }
  double chi = 0;
  int freedom = -1;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double mean = expected[i] * runs;
    if (mean < 1e-9) {
      assert_int_equal(counts[i], 0);
      continue;
    }
    chi += (counts[i] - mean) * (counts[i] - mean) / mean;
    ++freedom;
  }
  if (chi > freedom + 5 * std::sqrt(2.0 * freedom + 1)) fail_msg("chi-square %g of %d", chi, freedom);
}

void distributions(void **) {
  const std::vector<double> pi = {.5, .25, .15, .1};
  std::vector<float> row;
  for (double p : pi) row.push_back(static_cast<float>(std::log(p)));
  row.push_back(3);  // the mask's own entry is ignored
  const Transition step = Noise::between({-std::log1p(-.6), .5}, {-std::log1p(-.3), .2});
  HeadDescription head = head_of(4);
  std::vector<double> expected(5), prediction(4);
  const Sampler ancestral = made(SamplerKind::ancestral);
  for (int32_t y : {-1, 0, 1, 3}) {
    const int32_t token = y < 0 ? 4 : y;
    head.kind = HeadForm::posterior;
    step_from_posterior(step, 4, y, pi.data(), expected.data(), &expected[4]);
    frequencies(ancestral, head, row, step, token, expected);
    head.kappa_eff = .5;
    prediction = pi;
    if (y >= 0) recalibrate_posterior(.5, step.kappa_t, 4, y, pi.data(), prediction.data());
    step_from_posterior(step, 4, y, prediction.data(), expected.data(), &expected[4]);
    frequencies(ancestral, head, row, step, token, expected);
    head.kappa_eff = std::nan("");
    head.kind = HeadForm::leave_one_out;
    step_from_leave_one_out(step, 4, y, pi.data(), expected.data(), &expected[4]);
    frequencies(ancestral, head, row, step, token, expected);
    // Exact scores of the same prediction.
    head.kind = HeadForm::score_exact;
    std::vector<float> scores(5, -2);
    for (size_t x = 0; x < 4; ++x) {
      const auto noisy = [&](size_t z) { return step.kappa_t * pi[z] + step.one_minus_kappa_t / 4; };
      scores[x] = static_cast<float>(std::log(noisy(x) / (y < 0 ? 1 : noisy(static_cast<size_t>(y)))));
    }
    frequencies(ancestral, head, scores, step, token, expected);
  }
  // Scores as the published gamma loss leaves them (sigma .7, y = 1), and ACS.
  Transition gamma = step;
  gamma.sigma_t = .7;
  head.kind = HeadForm::score_official_gamma;
  const double official[] = {2.773416326622, 1, 1.392408917534, 1.195122144807};
  std::vector<float> scores;
  for (double s : official) scores.push_back(static_cast<float>(std::log(s)));
  scores.push_back(0);
  step_from_posterior(step, 4, 1, pi.data(), expected.data(), &expected[4]);
  frequencies(ancestral, head, scores, gamma, 1, expected);

  head.kind = HeadForm::posterior;
  SamplerParameters p;
  p.eta = .25;
  const double edit = .25 * .5;
  frequencies(made(SamplerKind::acs, p), head, row, step, 1, {edit * .5, 1 - edit + edit * .25, edit * .15, edit * .1, 0});
  frequencies(made(SamplerKind::acs, p), head, row, step, 4, {.25, .125, .075, .05, .5});
  frequencies(made(SamplerKind::greedy), head, row, step, 4, {.5, 0, 0, 0, .5});
  p = {};
  p.temperature = .5;
  const double scale = .25 + .0625 + .0225 + .01;
  const Transition last = Noise::create({}).value().transition(1, 0, 1);
  frequencies(made(SamplerKind::ancestral, p), head, row, last, 4, {.25 / scale, .0625 / scale, .0225 / scale, .01 / scale, 0});
  p.temperature = 0;
  frequencies(made(SamplerKind::ancestral, p), head, row, last, 4, {1, 0, 0, 0, 0});
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(philox), cmocka_unit_test(weights), cmocka_unit_test(tokens),
                              cmocka_unit_test(filters), cmocka_unit_test(shapes), cmocka_unit_test(hostile), cmocka_unit_test(distributions)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
