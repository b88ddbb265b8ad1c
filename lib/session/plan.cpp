// SPDX-License-Identifier: Apache-2.0
#include "session/plan.h"

#include "engine/admission.h"
#include "session/state.h"

#include <algorithm>
#include <limits>

namespace temper {
namespace {

Status check_look_back(const Spec &spec, const SessionOptions &options, int64_t length) {
  if (options.look_back == 0) {
    if (length == 0) return Status(TEMPER_E_ARGUMENT, "an unbounded row needs a sliding context");
    return Status();
  }
  if (!spec.rotary)
    return fail(TEMPER_E_UNSUPPORTED, "%s has learned positions: its context can't slide", spec.family.c_str());
  if (spec.context == Context::full)
    return fail(TEMPER_E_UNSUPPORTED, "%s attends in both directions everywhere: its context can't slide",
                spec.family.c_str());
  if (spec.max_positions > 0 && options.look_back > spec.max_positions)
    return fail(TEMPER_E_ARGUMENT, "the model was trained on %lld positions, it can't look back over %lld",
                static_cast<long long>(spec.max_positions), static_cast<long long>(options.look_back));
  if (length == 0 && !options.cache)
    return Status(TEMPER_E_UNSUPPORTED, "an unbounded row can't do without the cache");
  return Status();
}

Status check_single_positions(const Spec &spec, const SessionOptions &options, bool bounded) {
  const char *what = options.single_positions       ? "fixed, drafted or weighted positions"
                     : options.canvas == Choice::on ? "a canvas"
                     : options.guided               ? "guidance"
                                                    : nullptr;
  if (what != nullptr && !bounded) return fail(TEMPER_E_UNSUPPORTED, "an unbounded row can't have %s", what);
  if (!options.approximates()) return Status();
  if (spec.context != Context::full)
    return fail(TEMPER_E_UNSUPPORTED, "%s has an exact cache: there is nothing to approximate", spec.family.c_str());
  if (options.guided) return Status(TEMPER_E_UNSUPPORTED, "guidance with an approximate cache isn't possible");
  if (options.approximation == Approximation::dual && options.previews())
    return Status(TEMPER_E_UNSUPPORTED, "looking at clean candidates would overwrite what the dual cache keeps");
  if (options.approximation == Approximation::dual && options.canvas == Choice::off)
    return Status(TEMPER_E_UNSUPPORTED, "the dual cache keeps the canvas, which is switched off");
  return Status();
}

}  // namespace

Status check_rows(int32_t rows) {
  if (rows >= 1 && rows <= most_rows) return Status();
  return fail(TEMPER_E_ARGUMENT, "rows must be 1 to %d, not %d", most_rows, rows);
}

Result<SessionPlan> plan_session(const Spec &spec, const Hyperschedule &schedule, int32_t rows, int64_t length,
                                 const SessionOptions &options) {
  constexpr int64_t most_positions = int64_t{1} << 30;
  TEMPER_TRY(check_rows(rows));
  if (length < 0 || length > most_positions)
    return fail(TEMPER_E_ARGUMENT, "length must be 0 to 2^30, not %lld", static_cast<long long>(length));
  TEMPER_TRY(check_look_back(spec, options, length));

  SessionPlan plan;
  plan.capacity = length == 0 ? -1 : length;
  if (spec.max_positions > 0 && options.look_back == 0 && length > spec.max_positions) {
    plan.capacity = spec.max_positions;
    plan.model_limit = true;
  }
  plan.rules = rules_of(spec, options.cache, options.look_back);

  TEMPER_TRY(check_single_positions(spec, options, plan.capacity >= 0));
  plan.canvas = plan.capacity >= 0 &&
                (options.canvas == Choice::on || (options.canvas == Choice::automatic && wants_canvas(spec)));
  // Models whose windows are the blocks of absolute positions were trained on whole blocks.
  plan.block_canvas = spec.window == Window::block && !plan.canvas && options.canvas != Choice::off;
  const bool own_blocks = spec.window == Window::block && schedule.kind() == ScheduleKind::block &&
                          schedule.width() == spec.block;
  if (options.align == Choice::on || (options.align == Choice::automatic && own_blocks)) plan.align = schedule.width();
  plan.paired = options.guided || (options.measure && options.approximates());

  plan.max_active = schedule.max_active(plan.capacity);
  if (plan.block_canvas) plan.max_active += plan.rules.block;
  if (plan.canvas || options.single_positions) plan.max_active = plan.capacity;
  // Whole blocks may reach beyond the row.
  if (plan.capacity >= 0) plan.max_active = std::min(plan.max_active, plan.capacity);
  if (plan.max_active < 0 || plan.max_active > most_positions)
    return Status(TEMPER_E_UNSUPPORTED, "this hyperschedule has no bounded window for unbounded rows");
  plan.reach = plan.max_active * (options.previews() ? 2 : 1);
  // A second run isn't read ahead in parts.
  plan.row_budget = row_budget(plan.rules, plan.max_active, plan.capacity, plan.paired);
  const bool everything = !options.cache || spec.context == Context::full;
  if (plan.capacity < 0 && everything)
    return fail(TEMPER_E_UNSUPPORTED, "%s recomputes all positions: rows can't be unbounded", spec.family.c_str());

  int64_t slots = plan.capacity;
  if (options.look_back > 0) {
    // What is looked back over and two calls' rows have to be there. The rest lets slots be moved only now and then:
    // after so many settled tokens as cost a quarter more memory, and at least a few calls' worth.
    int64_t sliding = options.look_back + 2 * plan.row_budget + std::max<int64_t>(64, options.look_back / 4);
    // The window after the next step; also for a fork, whose cache is as its origin's though it has one candidate.
    if (options.preview) sliding += 2 * plan.max_active;
    slots = plan.capacity < 0 ? sliding : std::min(plan.capacity, sliding);
  }
  // One slot more for the noisy row that nobody sees (rules without noise keys).
  slots += 1;
  // A stream's tokens wait to be read, and make room in one go: seldom, and for 32 KB.
  plan.token_room = plan.capacity >= 0 ? plan.capacity : slots + 8192;

  const int64_t prompt_rows = plan.capacity < 0 ? options.prefill_rows
                                                : std::min<int64_t>(options.prefill_rows, plan.capacity);
  const int32_t sequences = plan.paired ? 2 * rows : rows;
  int64_t max_rows = std::max(sequences * plan.row_budget, prompt_rows);
  if (max_rows > std::numeric_limits<int32_t>::max() / 2 || slots > std::numeric_limits<int32_t>::max() / 2)
    return Status(TEMPER_E_MEMORY, "the session would need more rows than memory can hold");
  plan.cache = {.lanes = sequences, .slots = static_cast<int32_t>(slots)};
  plan.engine = {.max_rows = static_cast<int32_t>(max_rows),
                 .max_wanted = static_cast<int32_t>(sequences * static_cast<int64_t>(plan.window_room())),
                 .max_questions = options.candidates,
                 .max_slots = static_cast<int32_t>(slots),
                 .conditions = condition_count(spec, schedule.levels()),
                 .position_span = slots};
  return plan;
}

int64_t sequence_bytes(const SessionPlan &plan, int32_t rows) noexcept {
  const auto position = static_cast<int64_t>(sizeof(int32_t) + sizeof(TokenRecord) + sizeof(PositionMemory));
  return plan.token_room * position * rows;
}

Result<int64_t> estimate_session(const Model &model, const SessionPlan &plan, int32_t rows) {
  TEMPER_ASSIGN(const int64_t engine, Engine::estimate(model, plan.engine));
  TEMPER_ASSIGN(const int64_t cache, Cache::estimate(model, plan.cache));
  return engine + cache + sequence_bytes(plan, rows);
}

HeadDescription describe_head(const Spec &spec) {
  HeadDescription head;
  head.kind = spec.head;
  head.kappa_eff = spec.kappa_eff;
  head.carry_over = spec.carry_over;
  head.mask_token = static_cast<int32_t>(spec.mask_token);
  head.columns = static_cast<int32_t>(spec.columns);
  head.vocabulary = static_cast<int32_t>(spec.columns);
  return head;
}

HeadDescription describe_head(const Spec &spec, const SessionParts &parts) {
  HeadDescription head = describe_head(spec);
  if (parts.excluded == nullptr) return head;
  head.forbidden = parts.excluded->data();
  head.forbidden_count = parts.excluded->size();
  return head;
}

Status check_parts(const SessionParts &parts, const SessionPlan &plan) {
  const Spec &spec = parts.model->spec();
  TEMPER_TRY(check_window(spec, parts.schedule.levels(), plan.max_active));
  // A model that never computes an undecided position needs no token for it.
  TEMPER_TRY(check_mask(spec, parts.noise, !(spec.shifted && !spec.noise_keys && plan.max_active == 1)));
  return parts.sampler.check(describe_head(spec, parts), parts.noise);
}

}  // namespace temper
