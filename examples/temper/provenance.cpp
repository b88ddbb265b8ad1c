// SPDX-License-Identifier: Apache-2.0
#include "provenance.h"

#include <cstdio>

namespace program {
namespace {

/// A call by its number from 0; what the caller gave has none.
std::string call_text(int32_t call) { return call < 0 ? "given" : std::to_string(call); }

} // namespace

void print_provenance(const Generation &generation, const Words &words) {
  for (size_t row = 0; row < generation.rows().size(); ++row) {
    std::printf("\n");
    if (generation.rows().size() > 1) {
      std::printf("== row %zu\n", row);
    }
    const std::vector<temper_token_record> records = generation.provenance(row);
    if (records.empty() && !generation.rows()[row].tokens.empty()) {
      std::printf("the session has forgotten where these tokens came from\n");
      continue;
    }
    std::printf("%8s %6s %8s %11s %8s  token\n", "position", "set", "settled", "probability", "changes");
    for (size_t i = 0; i < records.size(); ++i) {
      const temper_token_record &record = records[i];
      char probability[16] = "-";
      if (record.probability > 0.0f) {
        std::snprintf(probability, sizeof probability, "%.4f", static_cast<double>(record.probability));
      }
      std::printf("%8zu %6s %8s %11s %8d  %s\n", generation.prompts()[row].tokens.size() + i,
                  call_text(record.set_call).c_str(), call_text(record.settled_call).c_str(), probability,
                  record.changes,
                  generation.undecided(record.token) ? "-" : words.quoted(record.token).c_str());
    }
  }
}

} // namespace program
