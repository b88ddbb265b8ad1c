// SPDX-License-Identifier: Apache-2.0
// One step of the published programs, draw by draw: frequencies of the compat samplers against the probabilities
// that were worked out from the programs' rules (shared reference: sampler_steps, order_samplers).
#include "sampler/sampler.h"
#include "support/shared.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

extern "C" {
#include <cmocka.h>
}

using namespace temper;
using namespace temper::test;

namespace {

constexpr int draw_count = 20000;

ReferenceCases steps, orders;
size_t compared = 0;  // entries of both files

bool is_law(const std::string &entry) { return entry.size() > 6 && entry.rfind(".probs") == entry.size() - 6; }
bool begins(const std::string &text, const char *with) { return text.rfind(with, 0) == 0; }

// Names of a file's cases that begin so.
std::vector<std::string> cases_of(const ReferenceCases &file, const char *prefix) {
  std::vector<std::string> names;
  for (const std::string &entry : file.names())
    if (is_law(entry) && begins(entry, prefix)) names.push_back(entry.substr(0, entry.size() - 6));
  return names;
}

// A row of logits has a column for every token and the mask.
HeadDescription head_of(const ReferenceCases &file, const std::string &logits, const std::string &mask) {
  HeadDescription head;
  head.columns = head.vocabulary = static_cast<int32_t>(file.shape(logits).at(1));
  head.mask_token = file.integers(mask).at(0);
  return head;
}

// From m = t to m = s.
Transition mask_step(double t, double s, bool last) {
  Transition step = Noise::between({-std::log1p(-t), 0}, {-std::log1p(-s), 0});
  step.t = t;
  step.s = s;
  step.reveal = 1 - s / t;
  step.stay = s / t;
  step.final = last;
  return step;
}

struct Step {
  std::vector<int32_t> tokens;
  std::vector<Transition> transitions;  // one each
  std::vector<bool> moves;              // false: the prompt, or another block
  std::vector<float> logits;            // [positions][columns]
  HeadDescription head;
};

// Share of draws in which a position held an id afterwards, [positions][columns].
std::vector<double> frequencies(const Step &step, const Sampler &sampler, int draws) {
  const size_t length = step.tokens.size(), columns = static_cast<size_t>(step.head.columns);
  std::vector<double> counts(length * columns, 0.0);
  Workspace workspace = std::move(Workspace::create(step.head.columns).value());
  for (int n = 0; n < draws; ++n) {
    std::vector<PositionMemory> memory(length);
    WindowMemory window_memory;
    std::vector<SamplerPosition> positions(length);
    std::vector<Proposal> proposals(length);
    for (size_t i = 0; i < length; ++i) {
      positions[i].position = static_cast<uint32_t>(i);
      positions[i].token = step.tokens[i];
      positions[i].fixed = !step.moves[i];
      positions[i].transition = &step.transitions[i];
      positions[i].memory = &memory[i];
    }
    const SamplerWindow window{positions, proposals, &window_memory, Draws(11, static_cast<uint32_t>(n), 0, sequence_draw)};
    sampler.decide(step.head, window);
    for (size_t i = 0; i < length; ++i)
      if (proposals[i].needs_logits)
        proposals[i] = sampler.propose(step.head, positions[i], proposals[i], window.draws.at(positions[i].position),
                                       std::span(step.logits).subspan(i * columns, columns), workspace);
    sampler.finish(step.head, window);
    for (size_t i = 0; i < length; ++i) {
      assert_true(proposals[i].token >= 0);
      counts[i * columns + static_cast<size_t>(proposals[i].token)] += 1.0 / draws;
    }
  }
  return counts;
}

void compare(const std::string &name, const std::vector<double> &got, const std::vector<double> &expected, int draws) {
  assert_int_equal(got.size(), expected.size());
  ++compared;
  double worst = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double deviation = std::sqrt(expected[i] * (1 - expected[i]) / draws);
    // Probabilities of 0 and 1 must be met exactly, up to their own rounding.
    const double z = std::fabs(got[i] - expected[i]) / std::max(deviation, 2e-6);
    worst = std::max(worst, z);
    if (z > 5) fail_msg("%s: entry %zu is %g, expected %g (z = %.1f)", name.c_str(), i, got[i], expected[i], z);
  }
}

Sampler make(SamplerKind kind, std::initializer_list<std::pair<SamplerParameter, double>> values) {
  SamplerParameters parameters = Sampler::defaults(kind);
  for (const auto &[key, value] : values) {
    const Status status = Sampler::set(kind, parameters, key, value);
    if (!status.ok()) fail_msg("%s", status.message().c_str());
  }
  return Sampler::create(kind, parameters).value();
}

double after(const std::string &name, const std::string &key, double otherwise) {
  const size_t at = name.rfind("." + key);
  if (at == std::string::npos) return otherwise;
  return std::strtod(name.c_str() + at + 1 + key.size(), nullptr);
}

void hdlm_steps(void **) {
  const size_t length = steps.integers("x").size(), prompt = steps.get<size_t>("prompt_len").at(0);
  for (const std::string &name : cases_of(steps, "")) {
    if (begins(name, "gamma")) continue;
    const std::vector<double> setting = steps.numbers(name + ".t_s_eta_temp_last");
    Step step;
    step.tokens = steps.integers("x");
    step.logits = steps.floats("logits");
    step.head = head_of(steps, "logits", "mask_id");
    step.transitions.assign(length, mask_step(setting[0], setting[1], setting[4] != 0));
    for (size_t i = 0; i < length; ++i) step.moves.push_back(i >= prompt);
    const double temperature = setting[3], eta = setting[2];
    const std::string kind = name.substr(0, name.find('.'));
    using P = SamplerParameter;
    const Sampler sampler =
        kind == "original"  ? make(SamplerKind::ancestral, {{P::compat, 1}, {P::temperature, temperature}})
        : kind == "acs"     ? make(SamplerKind::acs, {{P::compat, 1}, {P::temperature, temperature}, {P::eta, eta}})
        : kind == "remask"  ? make(SamplerKind::renoise, {{P::compat, 1}, {P::temperature, temperature}})
        : kind == "remask_adhoc_shuffle"
            ? make(SamplerKind::renoise, {{P::compat, 2}, {P::temperature, temperature}, {P::eta, eta}})
            : make(SamplerKind::remdm, {{P::compat, 1}, {P::temperature, temperature}, {P::eta, eta}});
    compare(name, frequencies(step, sampler, draw_count), steps.numbers(name + ".probs"), draw_count);
  }
}

void gamma_steps(void **) {
  for (const std::string &name : cases_of(steps, "gamma_analytic")) {
    Step step;
    step.tokens = steps.integers(name + ".x");
    step.logits = steps.floats(name + ".log_score");
    step.head = head_of(steps, name + ".log_score", "mask_id");
    step.head.kind = HeadForm::score_exact;
    const double gamma = steps.number(name + ".gamma");
    const std::vector<double> from = steps.numbers(name + ".sigma_t"), to = steps.numbers(name + ".sigma_s"),
                              last = steps.numbers(name + ".tokens_to_denoise"), active = steps.numbers(name + ".active");
    for (size_t i = 0; i < step.tokens.size(); ++i) {
      Transition one = Noise::between({(1 - gamma) * from[i], gamma * from[i]}, {(1 - gamma) * to[i], gamma * to[i]});
      one.sigma_t = from[i];
      one.sigma_s = to[i];
      one.final = last[i] != 0;
      step.transitions.push_back(one);
      step.moves.push_back(active[i] != 0);
    }
    const Sampler sampler = make(SamplerKind::analytic, {{SamplerParameter::compat, 1}});
    compare(name, frequencies(step, sampler, 5 * draw_count), steps.numbers(name + ".probs"), 5 * draw_count);
  }
}

void llada(void **) {
  using P = SamplerParameter;
  const size_t prompt = orders.get<size_t>("llada.prompt_len").at(0), block = orders.get<size_t>("llada.block_length").at(0);
  for (const std::string &name : cases_of(orders, "llada")) {
    const bool threshold = begins(name, "llada_threshold");
    const std::string group = threshold ? "llada_threshold" : "llada";
    Step step;
    step.tokens = orders.integers(group + ".x");
    step.logits = orders.floats(group + ".logits");
    step.head = head_of(orders, group + ".logits", "llada.mask_id");
    step.head.carry_over = true;
    const double temperature = after(name, "temp", 1);
    const double calls = threshold ? 4 : orders.number(name + ".steps_per_block");
    step.transitions.assign(step.tokens.size(), mask_step(1, 1 - 1 / calls, false));
    // LLaDA's call is one of the first block; all of the other's positions are a block.
    for (size_t i = 0; i < step.tokens.size(); ++i)
      step.moves.push_back(threshold || (i >= prompt && i < prompt + block));
    const Sampler sampler =
        threshold ? make(SamplerKind::threshold, {{P::compat, 1}, {P::temperature, temperature},
                                                  {P::threshold, orders.number(name + ".threshold")}})
                  : make(SamplerKind::confidence, {{P::compat, 1}, {P::temperature, temperature}});
    compare(name, frequencies(step, sampler, draw_count), orders.numbers(name + ".probs"), draw_count);
  }
}

void dream(void **) {
  using P = SamplerParameter;
  const std::vector<float> raw = orders.floats("dream.logits");
  const auto columns = static_cast<std::ptrdiff_t>(orders.shape("dream.logits").at(1));
  for (const std::string &name : cases_of(orders, "dream")) {
    const std::string order = name.substr(6, name.find('.', 6) - 6);
    const std::vector<double> setting = orders.numbers(name + ".t_s_last");
    Step step;
    step.tokens = orders.integers("dream.x");
    // Row i - 1 predicts position i, row 0 itself.
    step.logits.assign(raw.begin(), raw.begin() + columns);
    step.logits.insert(step.logits.end(), raw.begin(), raw.end() - columns);
    step.head = head_of(orders, "dream.logits", "dream.mask_id");
    step.head.carry_over = true;
    step.transitions.assign(step.tokens.size(), mask_step(setting[0], setting[1], setting[2] != 0));
    step.moves.assign(step.tokens.size(), true);
    const SamplerKind kind = order == "origin" ? SamplerKind::ancestral : SamplerKind::confidence;
    SamplerParameters parameters = Sampler::defaults(kind);
    const auto set = [&](P key, double value) {
      const Status status = Sampler::set(kind, parameters, key, value);
      if (!status.ok()) fail_msg("%s", status.message().c_str());
    };
    set(P::compat, 1);
    set(P::temperature, after(name, "temp", 1));
    set(P::top_p, after(name, "topp", 1));
    set(P::top_k, after(name, "topk", 0));
    if (kind == SamplerKind::confidence) {
      set(P::rule, TEMPER_COUNT_FLOOR);
      set(P::order, order == "maskgit_plus"  ? TEMPER_ORDER_FILTERED
                    : order == "topk_margin" ? TEMPER_ORDER_MARGIN
                                             : TEMPER_ORDER_ENTROPY);
      set(P::order_temperature, after(name, "algtemp", 0));
    }
    compare(name, frequencies(step, Sampler::create(kind, parameters).value(), draw_count), orders.numbers(name + ".probs"),
            draw_count);
  }
}

// Whatever the files hold was compared.
void all_of_it(void **) {
  const size_t held = cases_of(steps, "").size() + cases_of(orders, "").size();
  print_message("%zu of %zu cases\n", compared, held);
  assert_true(held > 0 && compared == held);
}

}  // namespace

int main() {
  if (!steps.open("sampler_steps") || !orders.open("order_samplers")) {
    std::printf("skipped: no shared/reference/sampler_steps (set TEMPER_SHARED)\n");
    return 77;
  }
  const CMUnitTest tests[] = {cmocka_unit_test(hdlm_steps), cmocka_unit_test(gamma_steps), cmocka_unit_test(llada),
                              cmocka_unit_test(dream), cmocka_unit_test(all_of_it)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
