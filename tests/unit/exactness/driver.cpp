// SPDX-License-Identifier: Apache-2.0
#include "driver.h"

namespace temper::test {

Driver::Driver(const Table &model, const Hyperschedule &schedule, const Noise &noise, const Sampler &sampler)
    : model_(model), noise_(noise), sampler_(sampler),
      workspace_(std::move(Workspace::create(model.description.columns).value())) {
  const int length = model.places.length;
  for (int64_t k = 0; k < schedule.steps(length); ++k) {
    Row &row = rows_.emplace_back();
    row.begin = static_cast<int>(schedule.settled_end(k, length));
    row.end = static_cast<int>(schedule.active_end(k, length));
    row.drops = schedule.drops(k, length);
    for (int i = row.begin; i < row.end; ++i)
      row.steps.push_back(noise.transition(schedule.level(k, i), schedule.level(k + 1, i), schedule.levels()));
  }
  const auto size = static_cast<size_t>(length);
  tokens_.resize(size);
  memory_.resize(size);
  positions_.resize(size);
  proposals_.resize(size);
  for (int i = 0; i < length; ++i) weights_.push_back(model.places.weight(i));
}

int Driver::rank_of(int32_t token) const {
  const int32_t mask = model_.description.mask_token;
  if (token < 0) return model_.places.absent();
  if (token == mask) return model_.places.mask();
  return token - (token > mask ? 1 : 0);
}

size_t Driver::next_arrival(size_t call) const {
  size_t next = call + 1;
  while (next < rows_.size() && rows_[next].end <= rows_[call].end) ++next;
  return next;
}

size_t Driver::run(uint64_t seed, uint32_t sequence) {
  const HeadDescription &head = model_.description;
  std::fill(tokens_.begin(), tokens_.end(), SamplerPosition::no_token);
  std::fill(memory_.begin(), memory_.end(), PositionMemory());
  size_t state = model_.places.begin(), call = 0;
  uint32_t held = 0;
  int present = 0;
  WindowMemory window_memory;
  const auto put = [&](size_t at, int32_t token) {
    state += (static_cast<size_t>(rank_of(token)) - static_cast<size_t>(rank_of(tokens_[at]))) * weights_[at];
    tokens_[at] = token;
  };
  while (call < rows_.size()) {
    const Row &row = rows_[call];
    if (!row.drops) {
      ++call;
      continue;
    }
    const Draws draws(seed, sequence, static_cast<uint32_t>(call) + held, sequence_draw);
    for (; present < row.end; ++present)
      put(static_cast<size_t>(present), Sampler::initial_token(head, noise_, draws.at(static_cast<uint32_t>(present))));
    const size_t n = row.steps.size();
    for (size_t a = 0; a < n; ++a) {
      const size_t at = static_cast<size_t>(row.begin) + a;
      positions_[a].position = static_cast<uint32_t>(at);
      positions_[a].token = tokens_[at];
      positions_[a].transition = &row.steps[a];
      positions_[a].memory = &memory_[at];
    }
    const SamplerWindow window{{positions_.data(), n}, {proposals_.data(), n}, &window_memory, draws};
    sampler_.decide(head, window);
    for (size_t a = 0; a < n; ++a)
      if (proposals_[a].needs_logits)
        proposals_[a] = sampler_.propose(head, positions_[a], proposals_[a], draws.at(positions_[a].position),
                                         model_.row(state, row.begin + static_cast<int>(a)), workspace_);
    const Verdict verdict = sampler_.finish(head, window);
    for (size_t a = 0; a < n; ++a) put(static_cast<size_t>(row.begin) + a, proposals_[a].token);
    ++calls_;
    if (verdict == Verdict::hold) {
      ++held;
      ++window_memory.held;
      continue;
    }
    window_memory.held = 0;
    call = verdict == Verdict::settle ? next_arrival(call) : call + 1;
  }
  const std::ptrdiff_t final = model_.places.sequence_of(state);
  return final < 0 ? model_.places.sequences() : static_cast<size_t>(final);
}

}  // namespace temper::test
