// SPDX-License-Identifier: Apache-2.0
// A step without a model: a window is prepared and settled by functions of a frame and a sequence alone.
#include "session/settle.h"
#include "session/window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
extern "C" {
#include <cmocka.h>
}

using namespace temper;

namespace {

constexpr int32_t mask = 19;

template <typename T>
T made(Result<T> result) {
  if (!result.ok()) fail_msg("%s", result.status().message().c_str());
  return std::move(result.value());
}

std::shared_ptr<const Spec> causal_spec() {
  auto spec = std::make_shared<Spec>();
  spec->family = "hdlm-epsilon";
  spec->vocabulary = spec->columns = 20;
  spec->mask_token = mask;
  spec->carry_over = true;
  spec->end_tokens = {7};
  return spec;
}

// A frame of a masked chain over blocks of 4, two levels, 12 positions.
std::unique_ptr<Frame> make_frame(SamplerKind kind) {
  NoiseParameters noise;
  noise.path = NoisePath::absorbing;
  const std::shared_ptr<const Spec> spec = causal_spec();
  auto frame = std::make_unique<Frame>(
      SessionParts{nullptr, made(Hyperschedule::block(4, 2)), made(Noise::create(noise)),
                   made(Sampler::create(kind, Sampler::defaults(kind)))},
      spec);
  frame->length = 12;
  frame->seed = 5;
  frame->options.end_tokens = {7};
  frame->plan = made(plan_session(*spec, frame->parts.schedule, 1, frame->length, frame->options));
  return frame;
}

Sequence make_sequence(const Frame &frame) {
  Sequence sequence;
  make_room(frame, sequence);
  sequence.tokens[0] = 3;
  sequence.tokens[1] = 4;
  sequence.prompt = 2;
  const Status status = begin_sequences(frame, std::span(&sequence, 1));
  assert_true(status.ok());
  return sequence;
}

// What a model would have made of every position that asks for logits.
void answer_all(Sequence &sequence, int32_t token) {
  for (Proposal &proposal : sequence.proposals)
    if (proposal.needs_logits) {
      proposal.token = token;
      proposal.probability = 0.5;
    }
}

void plan_rows(const Frame &frame, Sequence &sequence) {
  CallWindow &window = sequence.window;
  window.frontier = {sequence.frozen, sequence.settled, 0};
  window.plan.build(frame.plan.rules, window.frontier, sequence.tokens, 0, window.active);
}

void test_whole_generation(void **) {
  const std::unique_ptr<Frame> frame = make_frame(SamplerKind::ancestral);
  Sequence sequence = make_sequence(*frame);
  assert_int_equal(sequence.length, 10);
  assert_int_equal(sequence.settled, 2);
  int calls = 0;
  while (sequence.running()) {
    prepare(*frame, sequence);
    assert_true(!sequence.window.active.empty() && sequence.window.active.size() <= 4);
    for (const ActivePosition &active : sequence.window.active)
      assert_true(active.level == 2 - calls % 2 && active.next_level == 1 - calls % 2);
    plan_rows(*frame, sequence);
    answer_all(sequence, 5);
    StepReport report;
    settle(*frame, sequence, false, report);
    ++calls;
    // Blocks settle at every second call; what was computed as settled is frozen.
    assert_int_equal(report.settled, calls % 2 == 1 ? 0 : calls < 6 ? 4 : 2);
    assert_true(sequence.frozen <= sequence.settled);
  }
  assert_int_equal(calls, 6);
  assert_int_equal(sequence.finished, TEMPER_ROW_LENGTH);
  for (int64_t p = 2; p < 12; ++p) {
    assert_int_equal(sequence.token(p), 5);
    assert_int_equal(sequence.record(p).settled, (p - 2) / 4 * 2 + 1);
    assert_int_equal(sequence.record(p).changes, 1);
  }
}

void test_end_token(void **) {
  const std::unique_ptr<Frame> frame = make_frame(SamplerKind::ancestral);
  Sequence sequence = make_sequence(*frame);
  StepReport report;
  for (int call = 0; sequence.running(); ++call) {
    assert_true(call < 4);
    prepare(*frame, sequence);
    plan_rows(*frame, sequence);
    answer_all(sequence, 7);
    settle(*frame, sequence, false, report);
  }
  // The first of them ends it, as soon as nothing before it is undecided.
  assert_int_equal(sequence.finished, TEMPER_ROW_END_TOKEN);
  assert_int_equal(sequence.settled, 3);
}

// A call that wants no logits freezes nothing, and the state goes on all the same.
void test_idle(void **) {
  const std::unique_ptr<Frame> frame = make_frame(SamplerKind::ancestral);
  Sequence sequence = make_sequence(*frame);
  prepare(*frame, sequence);
  StepReport report;
  settle(*frame, sequence, true, report);
  assert_int_equal(sequence.frozen, 0);
  assert_int_equal(sequence.call, 1);
  assert_int_equal(sequence.calls_done, 1);
}

// Windows of whole blocks end with the row, however long the blocks are.
void test_plan_of_long_blocks(void **) {
  Spec spec = *causal_spec();
  spec.context = Context::block_causal;
  spec.window = Window::block;
  spec.block = 1 << 20;
  const SessionPlan plan = made(plan_session(spec, made(Hyperschedule::block(8, 2)), 2048, 8, SessionOptions()));
  assert_int_equal(plan.max_active, 8);
  assert_int_equal(plan.engine.max_wanted, 2048 * 9);
}

}  // namespace

int main() {
  const CMUnitTest tests[] = {cmocka_unit_test(test_whole_generation), cmocka_unit_test(test_end_token),
                              cmocka_unit_test(test_idle), cmocka_unit_test(test_plan_of_long_blocks)};
  return cmocka_run_group_tests(tests, nullptr, nullptr);
}
