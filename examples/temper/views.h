// SPDX-License-Identifier: Apache-2.0
// How a generation is shown.
#ifndef TEMPER_PROGRAM_VIEWS_H
#define TEMPER_PROGRAM_VIEWS_H

#include "generation.h"
#include "text.h"

#include <memory>

namespace program {

class View {
public:
  virtual ~View() = default;
  virtual void begin() = 0;
  virtual void step() = 0;
  virtual void end() = 0;
};

/// Settled text as it comes; several rows one after another at the end.
std::unique_ptr<View> make_text_view(const Progress &progress, const Words &words, bool show_prompt);

/// The window too: drawn over at every step on a terminal, else one line a step.
std::unique_ptr<View> make_watch_view(const Progress &progress, const Words &words, bool show_prompt, int delay_ms);

/// One JSON document at the end.
std::unique_ptr<View> make_json_view(const Generation &generation, const temper_model *model, const Words &words,
                                     uint64_t seed);

} // namespace program

#endif
