// SPDX-License-Identifier: Apache-2.0
// Rules against plain implementations of them: what happens to a row of logits in what order (MATH 4.1), and how many
// positions of a window a call reveals (MATH 4.2), on many random rows and windows.
#include "questions.h"
#include "scene.h"

#include <algorithm>
#include <numeric>

using namespace temper;
using namespace temper::test;

namespace {

using P = SamplerParameter;

// Reproducible numbers in (0, 1).
class Numbers {
 public:
  explicit Numbers(uint32_t seed) : seed_(seed) {}
  double next() { return Draws(seed_, 0, 0, count_++).uniform(DrawTag::gumbel); }
  size_t below(size_t n) { return static_cast<size_t>(next() * static_cast<double>(n)); }

 private:
  uint32_t seed_, count_ = 0;
};

// Penalty, temperature, top-k, top-p, min-p: MATH's vector, from the raw row to the probability of what is drawn.
void order_of_operations(void **) {
  const TokenCount history[] = {{0, 2}, {4, 1}};
  ShapingContext context;
  context.history = history;
  const auto probabilities = [&](std::initializer_list<std::pair<P, double>> values) {
    SamplerParameters parameters = Sampler::defaults(SamplerKind::ancestral);
    for (const auto &[key, value] : values) assert_true(Sampler::set(SamplerKind::ancestral, parameters, key, value).ok());
    parameters.shaping.repetition = 1.2;
    const Sampler sampler = Sampler::create(SamplerKind::ancestral, parameters).value();
    Scene scene(head_of(5), {{1, 1, 1, 1, 1}}, mask_step(1, 0));
    for (size_t id = 0; id < 5; ++id) scene.rows[id] = 3 - static_cast<float>(id);
    scene.shaping = &context;
    std::vector<double> seen(5);
    for (uint32_t run = 0; run < 2000; ++run) {
      scene.restart({5}, run);
      scene.call(sampler);
      seen[static_cast<size_t>(scene.tokens[0])] = scene.proposals[0].probability;
    }
    return seen;
  };
  const auto check = [](const std::vector<double> &got, std::initializer_list<double> expected) {
    size_t id = 0;
    for (const double p : expected) near(got[id++], p, 6e-9);
  };
  check(probabilities({{P::temperature, .8}, {P::top_k, 4}}), {0.57718281, 0.30894370, 0.08851385, 0.02535964, 0});
  check(probabilities({{P::temperature, .8}, {P::top_k, 4}, {P::top_p, .9}}), {0.59220081, 0.31698225, 0.09081694, 0, 0});
  check(probabilities({{P::temperature, .8}, {P::top_k, 4}, {P::top_p, .9}, {P::min_p, .05}}),
        {0.59220081, 0.31698225, 0.09081694, 0, 0});
  // The penalty comes before the temperature: 2.5 and -1.2, not 3 and -1.
  const double z = std::exp(1.25) + std::exp(1.0) + std::exp(.5) + 1 + std::exp(-.6);
  check(probabilities({{P::temperature, 2}}), {std::exp(1.25) / z, std::exp(1.0) / z, std::exp(.5) / z, 1 / z, std::exp(-.6) / z});
}

std::vector<double> softmax(const std::vector<double> &logits) {
  const double top = *std::max_element(logits.begin(), logits.end());
  std::vector<double> p;
  double sum = 0;
  for (const double l : logits) sum += p.emplace_back(std::exp(l - top));
  for (double &value : p) value /= sum;
  return p;
}

// Keeps the longest begin of `ids` with less than `mass` before its last one, at least one.
void keep(std::vector<double> &logits, const std::vector<size_t> &ids, const std::vector<double> &p, double mass) {
  double before = 0;
  for (const size_t id : ids) {
    if (before > 0 && before >= mass) logits[id] = -HUGE_VAL;
    before += p[id];
  }
}

// As written in the papers, one after the other, a softmax in between.
std::vector<double> plain_filters(std::vector<double> logits, const SamplerParameters &parameters) {
  for (double &l : logits) l /= parameters.temperature;
  std::vector<size_t> ids(logits.size());
  std::iota(ids.begin(), ids.end(), size_t{0});
  if (parameters.top_k > 0 && static_cast<size_t>(parameters.top_k) < logits.size()) {
    std::vector<double> sorted = logits;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    for (double &l : logits)
      if (l < sorted[static_cast<size_t>(parameters.top_k) - 1]) l = -HUGE_VAL;
  }
  if (parameters.top_p < 1) {
    std::stable_sort(ids.begin(), ids.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
    keep(logits, ids, softmax(logits), parameters.top_p);
  }
  if (parameters.min_p > 0) {
    const std::vector<double> p = softmax(logits);
    const double most = *std::max_element(p.begin(), p.end());
    for (size_t id = 0; id < p.size(); ++id)
      if (p[id] < parameters.min_p * most) logits[id] = -HUGE_VAL;
  }
  if (parameters.typical_p < 1) {
    const std::vector<double> p = softmax(logits);
    double entropy = 0;
    for (const double value : p) entropy -= value > 0 ? value * std::log(value) : 0;
    std::vector<double> distance;
    for (const double value : p) distance.push_back(value > 0 ? std::fabs(-std::log(value) - entropy) : HUGE_VAL);
    std::iota(ids.begin(), ids.end(), size_t{0});
    std::stable_sort(ids.begin(), ids.end(), [&](size_t a, size_t b) { return distance[a] < distance[b]; });
    keep(logits, ids, p, parameters.typical_p);
  }
  return softmax(logits);
}

void filters(void **) {
  Numbers numbers(1);
  for (int round = 0; round < 600; ++round) {
    const size_t size = 2 + numbers.below(round % 10 == 0 ? 600 : 40);
    const double spread = 6 * numbers.next();
    std::vector<float> row(size + 1, 9);
    for (size_t id = 0; id < size; ++id) row[id] = static_cast<float>(spread * (2 * numbers.next() - 1));
    SamplerParameters parameters;
    parameters.temperature = .4 + 1.5 * numbers.next();
    if (round % 2 == 0) parameters.top_k = 1 + static_cast<int32_t>(numbers.below(size));
    if (round % 3 == 0) parameters.top_p = numbers.next();
    if (round % 5 == 0) parameters.min_p = .3 * numbers.next();
    if (round % 4 == 1) parameters.typical_p = .1 + .89 * numbers.next();
    const std::vector<double> expected = plain_filters({row.begin(), row.end() - 1}, parameters);

    Workspace workspace = std::move(Workspace::create(static_cast<int32_t>(size) + 1).value());
    Workspace::Memory &memory = workspace.memory();
    assert_true(memory.load(plain_question(head_of(static_cast<int32_t>(size))), row));
    memory.scale = 1 / parameters.temperature;
    memory.filter(filter_question(parameters));
    memory.sum();
    for (size_t id = 0; id < size; ++id) {
      const double got = memory.weight(static_cast<int32_t>(id)) / static_cast<double>(memory.total);
      if (!(std::fabs(got - expected[id]) < 1e-12 * static_cast<double>(size)))
        fail_msg("round %d, token %zu of %zu: %.15g, expected %.15g", round, id, size, got, expected[id]);
    }
  }
}

// LLaDA: base = masks div calls, the first (masks mod calls) calls get one more. Dream: floor(masks (1 - s/t)).
void counts(void **) {
  for (int masks = 1; masks <= 17; ++masks)
    for (int calls = 1; calls <= 9; ++calls) {
      const auto size = static_cast<size_t>(masks);
      Scene scene(head_of(2), std::vector<std::vector<double>>(size, {.7, .3}), mask_step(1, .5));
      const auto step = [&](int call) {
        scene.transitions.assign(size, mask_step(1 - static_cast<double>(call) / calls, 1 - (call + 1.0) / calls));
        if (call + 1 == calls) scene.transitions.assign(size, mask_step(1.0 / calls, 0));
      };
      const Sampler even = make(SamplerKind::confidence), dream = make(SamplerKind::confidence, {{P::rule, 1}, {P::compat, 1}});
      scene.restart(std::vector<int32_t>(size, 2), static_cast<uint32_t>(masks));
      for (int call = 0; call < calls; ++call) {
        const int before = scene.masks();
        step(call);
        scene.call(even);
        assert_int_equal(before - scene.masks(), masks / calls + (call < masks % calls ? 1 : 0));
      }
      // The mask's own column must not be drawn here, as it may be in the published program.
      for (size_t i = 2; i < scene.rows.size(); i += 3) scene.rows[i] = -100;
      scene.restart(std::vector<int32_t>(size, 2), static_cast<uint32_t>(masks));
      for (int call = 0; call < calls; ++call) {
        const int before = scene.masks();
        step(call);
        scene.call(dream);
        // 1 - s/t = 1 / (calls left).
        assert_int_equal(before - scene.masks(), before / (calls - call));
      }
    }
}

// Which of the masked positions a rule reveals, from confidences and entropies alone.
void windows(void **) {
  Numbers numbers(2);
  for (int round = 0; round < 400; ++round) {
    const size_t size = 1 + numbers.below(9);
    std::vector<std::vector<double>> rows;
    std::vector<double> confidence, entropy;
    for (size_t i = 0; i < size; ++i) {
      const double p = .5 + .5 * numbers.next(), q = (1 - p) * numbers.next();
      rows.push_back({p, q, 1 - p - q});
      confidence.push_back(p);
      double h = 0;
      for (const double x : rows.back()) h -= x * std::log(x);
      entropy.push_back(h);
    }
    std::vector<size_t> ids(size);
    std::iota(ids.begin(), ids.end(), size_t{0});
    Scene scene(head_of(3), rows, mask_step(1, .999));
    const auto check = [&](const Sampler &sampler, const std::vector<bool> &expected, const char *what) {
      scene.restart(std::vector<int32_t>(size, 3), static_cast<uint32_t>(round));
      const Verdict verdict = scene.call(sampler);
      for (size_t i = 0; i < size; ++i)
        if ((scene.tokens[i] != 3) != expected[i]) fail_msg("%s, round %d, position %zu of %zu", what, round, i, size);
      assert_true((verdict == Verdict::settle) == (scene.masks() == 0));
    };

    const double threshold = .4 + .6 * numbers.next();
    std::vector<bool> accepted(size, false);
    std::sort(ids.begin(), ids.end(), [&](size_t a, size_t b) { return confidence[a] > confidence[b]; });
    for (const size_t i : ids) accepted[i] = confidence[i] >= threshold || i == ids[0];
    check(make(SamplerKind::threshold, {{P::temperature, 0}, {P::threshold, threshold}}), accepted, "threshold");
    check(make(SamplerKind::edit, {{P::temperature, 0}, {P::threshold, threshold}, {P::extra_steps, 0}}), accepted, "edit");

    // Fast-dLLM's factor: the largest n with (n + 1)(1 - the n-th confidence) < f, at least 1.
    const double factor = 3 * numbers.next();
    accepted.assign(size, false);
    for (size_t n = 1; n <= size; ++n) {
      if (n > 1 && !(static_cast<double>(n + 1) * (1 - confidence[ids[n - 1]]) < factor)) break;
      accepted[ids[n - 1]] = true;
    }
    check(make(SamplerKind::threshold, {{P::temperature, 0}, {P::factor, factor}}), accepted, "factor");

    // EB: the longest begin of rising entropies whose sum without its largest one is within the bound.
    const double bound = numbers.next() * static_cast<double>(size) * .4;
    std::sort(ids.begin(), ids.end(), [&](size_t a, size_t b) { return entropy[a] < entropy[b]; });
    accepted.assign(size, false);
    for (size_t n = 1; n <= size; ++n) {
      double sum = 0;
      for (size_t i = 0; i + 1 < n; ++i) sum += entropy[ids[i]];
      if (sum <= bound) accepted[ids[n - 1]] = true;
    }
    check(make(SamplerKind::entropy_bound, {{P::entropy_bound, bound}}), accepted, "entropy bound");
  }
}

// A chance of one in a thousand is met by its own draw, not as what the tokens leave over (MATH 4.3).
void rare_reveals(void **) {
  constexpr uint32_t decisions = 4000000;
  const Noise noise = Noise::create({}).value();
  const Transition step = noise.transition(1000, 999, 1000);
  near(step.reveal, 1e-3, 1e-18);
  const HeadDescription head = head_of(3);
  const Sampler sampler = make(SamplerKind::ancestral);
  PositionMemory position_memory;
  WindowMemory window_memory;
  SamplerPosition at{0, head.mask_token, false, &step};
  at.memory = &position_memory;
  double revealed = 0;
  for (uint32_t i = 0; i < decisions; ++i) {
    Proposal proposal;
    at.position = i & 0xffff;
    sampler.decide(head, {{&at, 1}, {&proposal, 1}, &window_memory, Draws(5, i >> 16, 0, sequence_draw)});
    revealed += proposal.needs_logits ? 1 : 0;
  }
  near(revealed / decisions, 1e-3, 4 * std::sqrt(1e-3 / decisions));
  // The draw's grid is 2^-52: a thousandth of it is hit by as many of its points as there are.
  near(Draws::to_uniform(0), 0x1p-53, 0);
  assert_true(Draws::to_uniform(~uint64_t{0}) < 1);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(order_of_operations), cmocka_unit_test(filters), cmocka_unit_test(counts),
                              cmocka_unit_test(windows), cmocka_unit_test(rare_reveals)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
