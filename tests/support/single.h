// SPDX-License-Identifier: Apache-2.0
// A sampler's phases on a window of one position.
#pragma once

#include "sampler/sampler.h"

namespace temper::test {

struct Single {
  const Sampler &sampler;
  const HeadDescription &head;
  SamplerPosition at;
  Draws draws;
  PositionMemory memory{};
  WindowMemory window_memory{};
  Proposal proposal{};

  SamplerWindow window() {
    at.memory = &memory;
    return {std::span<const SamplerPosition>(&at, 1), std::span<Proposal>(&proposal, 1), &window_memory, draws};
  }
};

inline Proposal decide(const Sampler &sampler, const HeadDescription &head, const SamplerPosition &at, const Draws &draws) {
  Single one{sampler, head, at, draws};
  sampler.decide(head, one.window());
  return one.proposal;
}

// Decides, and proposes if that needs logits.
inline Proposal propose(const Sampler &sampler, const HeadDescription &head, const SamplerPosition &at,
                        const Draws &draws, std::span<const float> row, Workspace &workspace) {
  return sampler.propose(head, at, decide(sampler, head, at, draws), draws, row, workspace);
}

// All three phases: the token after the step.
inline int32_t step(const Sampler &sampler, const HeadDescription &head, const SamplerPosition &at,
                         const Draws &draws, std::span<const float> row, Workspace &workspace) {
  Single one{sampler, head, at, draws};
  const SamplerWindow window = one.window();
  sampler.decide(head, window);
  one.proposal = sampler.propose(head, one.at, one.proposal, draws, row, workspace);
  sampler.finish(head, window);
  return one.proposal.token;
}

}  // namespace temper::test
