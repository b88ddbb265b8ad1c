// SPDX-License-Identifier: Apache-2.0
// A sampler says that a parameter does nothing exactly where generations with it are those without it: every kind on
// every head and path that it can follow, every parameter at several values.
#include "scene.h"

#include <string>

using namespace temper;
using namespace temper::test;

namespace {

using P = SamplerParameter;

constexpr size_t length = 9;
constexpr int32_t level_count = 7, end_token = 1;

// Logits that depend on the position and, unless they are `steady`, on its token and the one beside it.
float logit_of(size_t column, size_t position, int32_t own, int32_t beside, bool steady) {
  if (steady) own = beside = 0;
  return 3 * std::sin(1.7F * static_cast<float>(column * column) + 2.3F * static_cast<float>(position) +
                      .3F * static_cast<float>(own * own) + .9F * static_cast<float>(beside));
}

// The tokens of some generations, call after call.
std::vector<int32_t> generated(const Sampler &sampler, const HeadDescription &head, const Noise &noise) {
  const ShapingContext context{.history = {}, .allowed = {}, .end_tokens = {&end_token, 1}};
  std::vector<int32_t> all;
  const std::vector<double> row(static_cast<size_t>(head.columns), 1);
  Scene scene(head, std::vector<std::vector<double>>(length, row), noise.transition(1, 0, level_count));
  scene.shaping = &context;
  for (uint32_t sequence = 0; sequence < 24; ++sequence) {
    std::vector<int32_t> first;
    for (uint32_t i = 0; i < length; ++i)
      first.push_back(Sampler::initial_token(head, noise, Draws(3, sequence, 0, i)));
    scene.restart(first, sequence);
    for (int32_t level = level_count; level > 0; --level) {
      scene.transitions.assign(length, noise.transition(level, level - 1, level_count));
      Verdict verdict = Verdict::hold;
      for (int call = 0; call < 12 && verdict == Verdict::hold; ++call) {
        for (size_t i = 0; i < scene.rows.size(); ++i) {
          const size_t at = i / static_cast<size_t>(head.columns), column = i % static_cast<size_t>(head.columns);
          scene.rows[i] = logit_of(column, at, scene.tokens[at], scene.tokens[(at + 1) % length],
                                   sequence % 2 == 0);
        }
        verdict = scene.call(sampler);
        all.insert(all.end(), scene.tokens.begin(), scene.tokens.end());
        all.push_back(static_cast<int32_t>(verdict));
      }
    }
  }
  return all;
}

// What has to be set besides, so that a parameter has something to do at all.
std::vector<std::pair<P, double>> companions(SamplerKind kind, P parameter) {
  if (kind == SamplerKind::renoise && parameter == P::eta) return {{P::compat, 2}};
  if (kind == SamplerKind::remdm && (parameter == P::t_on || parameter == P::t_off || parameter == P::alpha_on))
    return {{P::rule, TEMPER_REMDM_LOOP}, {P::eta, .05}};
  if (kind == SamplerKind::remdm && parameter == P::compat) return {{P::eta, .1}};
  if (parameter == P::stop_stable) return {{P::stop_entropy, 100}};
  if (parameter == P::stop_entropy) return {{P::stop_stable, 1}};
  if (parameter == P::corrector_positions || parameter == P::patience) return {{P::temperature, 1}};
  return {};
}

std::vector<double> values_of(const ParameterBounds &bounds) {
  std::vector<double> values = {bounds.high};
  for (const double v : {0., 1., 2., 3., .4, .05, .7, 3.5, bounds.low})
    if (v >= bounds.low && v <= bounds.high && (!bounds.integer || v == std::floor(v))) values.push_back(v);
  return values;
}

constexpr NoisePath paths[] = {NoisePath::absorbing, NoisePath::uniform, NoisePath::epsilon, NoisePath::gamma,
                               NoisePath::gidd};

struct Tally {
  int idle = 0, busy = 0;
};

// One parameter of a kind: is there a value that changes what is generated, and does the remark know?
void one(SamplerKind kind, P parameter, const HeadDescription &head, const Noise &noise, Tally &tally) {
  const auto bounds = Sampler::bounds(kind, parameter);
  if (!bounds.ok() || bounds.value().low == bounds.value().high) return;
  SamplerParameters base = Sampler::defaults(kind);
  for (const P off : {P::eta, P::zeta, P::compat}) (void)Sampler::set(kind, base, off, 0);
  for (const auto &[key, value] : companions(kind, parameter)) (void)Sampler::set(kind, base, key, value);
  const Sampler without = Sampler::create(kind, base).value();
  if (!without.check(head, noise).ok()) return;
  assert_true(without.remark(head, noise).empty());
  const std::vector<int32_t> plain = generated(without, head, noise);

  bool changes = false, allowed = false;
  std::string said;
  for (const double value : values_of(bounds.value())) {
    SamplerParameters with = base;
    assert_true(Sampler::set(kind, with, parameter, value).ok());
    const Sampler sampler = Sampler::create(kind, with).value();
    if (!sampler.check(head, noise).ok() || value == Sampler::get(kind, base, parameter).value()) continue;
    allowed = true;
    if (said.empty()) said = sampler.remark(head, noise);
    changes = changes || generated(sampler, head, noise) != plain;
    if (changes && said.empty()) break;
  }
  if (allowed && changes != said.empty())
    fail_msg("kind %d, parameter %d, form %d, %s, path %d, mask %d: changes %d, said '%s'", static_cast<int>(kind),
             static_cast<int>(parameter), static_cast<int>(head.kind), head.carry_over ? "carried over" : "predicted",
             static_cast<int>(noise.parameters().path), head.mask_token, changes, said.c_str());
  if (allowed) ++(changes ? tally.busy : tally.idle);
}

void everywhere(HeadForm form) {
  Tally tally;
  for (const int32_t mask : {7, 8, -1})
    for (const bool carried : {false, true})
      for (const NoisePath path : paths) {
        HeadDescription head;
        head.kind = form;
        head.columns = head.vocabulary = 8;
        head.mask_token = mask;
        head.carry_over = carried;
        NoiseParameters parameters;
        parameters.path = path;
        parameters.mix = .3;
        const Noise noise = Noise::create(parameters).value();
        if (noise.uses_mask() && mask < 0) continue;
        for (int32_t kind = 0; Sampler::create(static_cast<SamplerKind>(kind), {}).ok(); ++kind)
          for (int32_t number = 1; number <= TEMPER_SAMPLER_END_RULE; ++number)
            one(static_cast<SamplerKind>(kind), static_cast<P>(number), head, noise, tally);
      }
  print_message("%d parameters do something, %d don't and say so\n", tally.busy, tally.idle);
  assert_true(tally.busy > 300 && tally.idle > 10);
}

void posterior(void **) { everywhere(HeadForm::posterior); }
void leave_one_out(void **) { everywhere(HeadForm::leave_one_out); }
void scores(void **) { everywhere(HeadForm::score_exact); }
void gamma_scores(void **) { everywhere(HeadForm::score_official_gamma); }

// The words are for people: which sampler, which parameter, why.
void words(void **) {
  HeadDescription head = head_of(5);
  head.carry_over = true;
  const Noise noise = Noise::create({}).value();
  assert_string_equal(make(SamplerKind::acs).remark(head, noise).c_str(),
                      "the adaptive correction sampler's eta does nothing: the model was trained to keep visible "
                      "tokens, so none is drawn anew");
  assert_true(make(SamplerKind::acs, {{P::eta, 0}}).remark(head, noise).empty());
  head.carry_over = false;
  assert_true(make(SamplerKind::acs).remark(head, noise).empty());
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(posterior), cmocka_unit_test(leave_one_out), cmocka_unit_test(scores),
                              cmocka_unit_test(gamma_scores), cmocka_unit_test(words)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
