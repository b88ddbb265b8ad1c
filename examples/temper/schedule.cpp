// SPDX-License-Identifier: Apache-2.0
// temper schedule: a hyperschedule as text or as a picture.
#include "choices.h"
#include "commands.h"
#include "files.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include <cstdio>

namespace program {
namespace {

struct ScheduleOptions {
  ScheduleChoice choice;
  int64_t length = 32;
  bool all = false, plain = false, json = false;
  std::string svg, png;
};

/// One character a position where that is possible: 0-9, then letters.
void print(const Grid &grid, bool plain) {
  const bool colours = !plain && isatty(STDOUT_FILENO) != 0;
  const int digits = static_cast<int>(std::to_string(grid.levels).size());
  if (!plain) {
    std::printf("%s, length %d: %s, %lld rows of a causal model with a cache\n", grid.title.c_str(), grid.length,
                grid.subtitle.c_str(), static_cast<long long>(grid.rows_computed()));
  }
  for (int row = 0; row <= grid.calls(); ++row) {
    if (!plain) {
      std::printf("%5d  ", row);
    }
    const int frontier = grid.frontier(row);
    for (int position = 0; position < grid.length; ++position) {
      const int level = grid.rows[static_cast<size_t>(row)][static_cast<size_t>(position)];
      if (colours) {
        std::fputs(position < frontier ? "\033[0m" : grid.worthless(row, position) ? "\033[90m" : "\033[1;33m", stdout);
      }
      if (grid.levels < 36) {
        std::fputc(level < 10 ? '0' + level : 'a' + level - 10, stdout);
      } else {
        std::printf("%s%*d", position > 0 ? " " : "", digits, level);
      }
    }
    std::puts(colours ? "\033[0m" : "");
  }
}

int run_schedule(const ScheduleOptions &options) {
  std::vector<Grid> grids;
  if (options.all) {
    // The four of the paper, at one length: the rate of quench, and of a window of `width`.
    const int64_t width = options.choice.width.value_or(8);
    const int32_t levels = options.choice.levels.value_or(8);
    const auto add = [&](const char *kind, int64_t w, int32_t l) {
      ScheduleChoice choice{kind, w, l};
      grids.push_back(grid_of(choice.make(nullptr).get(), options.length));
    };
    add("quench", width, 1);
    add("block", width, levels);
    add("slide", width, levels);
    add("flat", width, options.choice.levels.value_or(static_cast<int32_t>(std::max<int64_t>(options.length / 2, 1))));
  } else {
    ScheduleChoice choice = options.choice;
    choice.kind = choice.kind.empty() ? "slide" : choice.kind;
    grids.push_back(grid_of(choice.make(nullptr).get(), options.length));
  }
  if (!options.svg.empty()) {
    const std::string picture = draw_svg(grids);
    write_bytes(options.svg, picture.data(), picture.size());
  }
  if (!options.png.empty()) {
    const std::vector<uint8_t> picture = draw_png(grids);
    write_bytes(options.png, picture.data(), picture.size());
  }
  if (options.json) {
    nlohmann::json report = nlohmann::json::array();
    for (const Grid &grid : grids) {
      report.push_back({{"title", grid.title},
                        {"length", grid.length},
                        {"levels", grid.levels},
                        {"calls", grid.calls()},
                        {"rows_computed", grid.rows_computed()},
                        {"grid", grid.rows}});
    }
    std::printf("%s\n", (options.all ? report : report[0]).dump().c_str());
  } else if (options.svg.empty() && options.png.empty()) {
    for (const Grid &grid : grids) {
      print(grid, options.plain);
    }
  }
  return 0;
}

} // namespace

void add_schedule(CLI::App &program, int &status) {
  CLI::App *command = program.add_subcommand("schedule", "Print or draw a hyperschedule");
  auto options = std::make_shared<ScheduleOptions>();
  command
      ->add_option("KIND,-s,--schedule", options->choice.kind,
                   "quench, flat, block, slide, slide-jump, hybrid or slide-official (default: slide)")
      ->check(CLI::IsMember([] {
        std::vector<std::string> names;
        for (const auto &entry : schedule_kinds()) {
          names.push_back(entry.first);
        }
        return names;
      }()));
  command->add_option("-w,--width", options->choice.width, "Positions of the window or block (default 8)")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 31));
  command->add_option("-l,--levels", options->choice.levels, "Noise levels (default 8)")->check(CLI::Range(1, 1 << 20));
  command->add_option("-n,--length", options->length, "Positions")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20))
      ->capture_default_str();
  command->add_flag("--all", options->all, "Quench, block, slide and flat side by side");
  command->add_flag("--plain", options->plain, "Only the levels: one line a call, one place a position");
  command->add_option("--svg", options->svg, "Draw into this SVG file; -: standard output");
  command->add_option("--png", options->png, "Draw into this PNG file; -: standard output");
  command->add_flag("--json", options->json, "One JSON document");
  command->callback([options, &status] { status = run_schedule(*options); });
}

} // namespace program
