// SPDX-License-Identifier: Apache-2.0
#include "session/frame.h"

#include <algorithm>

namespace temper {

Frame::Frame(SessionParts made_of, std::shared_ptr<const Spec> of) : parts(std::move(made_of)), spec(std::move(of)) {
  if (spec == nullptr) spec = {parts.model, &parts.model->spec()};
  head = describe_head(*spec);
  // Score models: what others work on is the decoded prediction.
  converted_head = Sampler::converted(head);
}

bool Frame::ends(int32_t token) const noexcept {
  return !options.ignore_end && std::binary_search(options.end_tokens.begin(), options.end_tokens.end(), token);
}

}  // namespace temper
