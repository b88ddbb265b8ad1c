// SPDX-License-Identifier: Apache-2.0
// Quench is plain autoregression, and a row's tokens don't depend on its company, its threads or (but for
// rounding) its backend.
#include "support/lab.h"

#include "base/philox.h"

#include <algorithm>
#include <cmath>
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

// One forward pass of the plain model over the whole text for every token.
std::vector<double> last_logits(const PlainModel &plain, const std::vector<int32_t> &text) {
  PlainInput input;
  input.tokens = text;
  for (size_t i = 0; i < text.size(); ++i) {
    input.positions.push_back(static_cast<int64_t>(i));
    input.conditions.push_back(0.0);
    std::vector<bool> past(text.size(), false);
    std::fill(past.begin(), past.begin() + static_cast<std::ptrdiff_t>(i) + 1, true);
    input.sees.push_back(std::move(past));
  }
  return plain.run(input).back();
}

int32_t most_probable(const std::vector<double> &logits) {
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

// MATH 4.3, written out once more.
int32_t drawn(const std::vector<double> &logits, double temperature, uint64_t bits) {
  const double most = *std::max_element(logits.begin(), logits.end());
  std::vector<uint64_t> weights;
  uint64_t total = 0;
  for (const double logit : logits) {
    weights.push_back(static_cast<uint64_t>(std::floor(0x1p44 * std::exp((logit - most) / temperature) + 0.5)));
    total += weights.back();
  }
  const auto mark = mul_high(bits, total);
  uint64_t sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    sum += weights[i];
    if (sum > mark) return static_cast<int32_t>(i);
  }
  return -1;
}

void test_quench_is_autoregression(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  for (const char *family : {"gpt2", "llama"})
    for (const size_t prompt : {1U, 6U}) {
      ModelChoice model;
      model.family = family;
      const Subject subject = open_subject(runtime, model);
      SessionChoice choice;
      choice.length = 40;
      choice.temperature = 0.0;
      choice.options.ignore_end = true;
      choice.prompts = {some_tokens(prompt, 19, 4)};
      std::unique_ptr<Session> session = make_session(subject, require(Hyperschedule::quench(), "quench"), choice);
      const std::vector<int32_t> tokens = run_to_end(*session).front();
      std::vector<int32_t> text = choice.prompts.front();
      for (size_t i = 0; i < tokens.size(); ++i) {
        text.push_back(most_probable(last_logits(*subject.plain, text)));
        if (tokens[i] != text.back()) fail_msg("%s: token %zu is %d, not %d", family, i, tokens[i], text.back());
      }
      assert_int_equal(text.size(), 40);
      // One row of the model per token, after the prompt's.
      assert_int_equal(session->figures().rows_computed, 39);
    }
}

void test_quench_draws(void **) {
  const std::shared_ptr<Runtime> runtime = make_runtime();
  for (const char *family : {"gpt2", "llama"})
    for (const double temperature : {1.0, 0.7, 1.5}) {
      ModelChoice model;
      model.family = family;
      const Subject subject = open_subject(runtime, model);
      SessionChoice choice;
      choice.length = 50;
      choice.seed = 0x0123456789ABCDEFU;
      choice.temperature = temperature;
      choice.options.ignore_end = true;
      choice.prompts = {some_tokens(3, 19, 8)};
      choice.ids = {41};
      std::unique_ptr<Session> session = make_session(subject, require(Hyperschedule::quench(), "quench"), choice);
      const std::vector<int32_t> tokens = run_to_end(*session).front();
      std::vector<int32_t> text = choice.prompts.front();
      for (size_t i = 0; i < tokens.size(); ++i) {
        const Draws draws(choice.seed, 41, static_cast<uint32_t>(i), static_cast<uint32_t>(text.size()));
        text.push_back(drawn(last_logits(*subject.plain, text), temperature, draws.bits(DrawTag::token)));
        if (tokens[i] != text.back()) fail_msg("%s: token %zu is %d, not %d", family, i, tokens[i], text.back());
      }
      assert_int_equal(text.size(), 50);
    }
}

// Alone, in batches, on 1 to 3 threads.
void test_company_does_not_matter(void **) {
  struct Case {
    const char *family, *context;
    Result<Hyperschedule> schedule;
  };
  const Case cases[] = {{"hdlm-epsilon", "causal", Hyperschedule::slide(6, 3)},
                        {"hdlm-epsilon", "block_causal", Hyperschedule::block(4, 4)},
                        {"hdlm-gamma", "causal", Hyperschedule::block(4, 4)},
                        {"llada", "", Hyperschedule::flat(8)},
                        {"sdar", "", Hyperschedule::block(4, 3)},
                        {"gpt2", "", Hyperschedule::quench()},
                        {"llama", "", Hyperschedule::quench()}};
  const size_t lengths[] = {4, 1, 9, 13, 2};
  for (const std::string &backend : usable_backends()) {
    for (const Case &entry : cases) {
      ModelChoice model;
      model.family = entry.family;
      model.context = entry.context;
      std::vector<std::vector<int32_t>> known(std::size(lengths));
      for (const int threads : {1, 2, 3}) {
        const std::shared_ptr<Runtime> runtime = make_runtime(threads);
        const Subject subject = open_subject(runtime, model, {}, backend, false);
        SessionChoice choice;
        choice.length = 40;
        const auto prompt_of = [&](size_t i) { return some_tokens(lengths[i], 19, static_cast<uint32_t>(i)); };
        // Each alone, then all together, then some of them in another order.
        const std::vector<std::vector<size_t>> batches = {{0}, {1}, {2}, {3}, {4}, {0, 1, 2, 3, 4}, {4, 2, 0}};
        for (const std::vector<size_t> &batch : batches) {
          choice.rows = static_cast<int32_t>(batch.size());
          choice.prompts.clear();
          choice.ids.clear();
          for (const size_t i : batch) {
            choice.prompts.push_back(prompt_of(i));
            choice.ids.push_back(static_cast<uint32_t>(i + 100));
          }
          std::unique_ptr<Session> session =
              make_session(subject, require(Result<Hyperschedule>(entry.schedule), "schedule"), choice);
          const auto tokens = run_to_end(*session);
          for (size_t i = 0; i < batch.size(); ++i) {
            if (known[batch[i]].empty()) known[batch[i]] = tokens[i];
            if (tokens[i] != known[batch[i]])
              fail_msg("%s, %s: row %zu in a batch of %zu on %d threads differs", backend.c_str(), entry.family,
                       batch[i], batch.size(), threads);
          }
        }
      }
    }
    print_message("%s: rows are independent of their company\n", backend.c_str());
  }
}

// Backends round differently: with well separated logits the most probable tokens are the same.
void test_backends_agree(void **) {
  std::vector<std::vector<int32_t>> first;
  for (const std::string &backend : usable_backends()) {
    const std::shared_ptr<Runtime> runtime = make_runtime(2);
    ModelChoice model;
    model.sharpness = 4.0;
    const Subject subject = open_subject(runtime, model, {}, backend, false);
    SessionChoice choice;
    choice.rows = 2;
    choice.length = 40;
    choice.temperature = 0.0;
    choice.prompts = {some_tokens(3, 19, 1), some_tokens(9, 19, 2)};
    std::unique_ptr<Session> session = make_session(subject, require(Hyperschedule::slide(6, 3), "slide"), choice);
    const auto tokens = run_to_end(*session);
    if (first.empty()) first = tokens;
    if (tokens != first) fail_msg("%s gives other tokens than the reference", backend.c_str());
  }
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {
      cmocka_unit_test(test_quench_is_autoregression),
      cmocka_unit_test(test_quench_draws),
      cmocka_unit_test(test_company_does_not_matter),
      cmocka_unit_test(test_backends_agree),
  };
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
