// SPDX-License-Identifier: Apache-2.0
// temper: the library from the command line. Exit status: 0 done, 1 failed, 2 called wrongly, 130 stopped
// by Ctrl-C.
#include "commands.h"
#include "handles.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <string>

namespace {

int complain(const std::string &message, int status) {
  std::string line = message;
  std::replace(line.begin(), line.end(), '\n', ' ');
  while (!line.empty() && line.back() == ' ') {
    line.pop_back();
  }
  std::fflush(stdout);
  std::fprintf(stderr, "temper: %s\n", line.c_str());
  return status;
}

} // namespace

int main(int argc, char **argv) {
  int status = 0;
  CLI::App app{"Generates token sequences anywhere between autoregression and diffusion."};
  app.name("temper");
  app.set_version_flag("--version", [] {
    return std::string("temper ") + temper_version_string();
  });
  app.set_help_flag("-h,--help", "Print this help and exit");
  app.require_subcommand(1);
  app.failure_message([](const CLI::App *, const CLI::Error &error) { return std::string(error.what()); });
  program::add_generate(app, status);
  program::add_replay(app, status);
  program::add_info(app, status);
  program::add_tokenize(app, status);
  program::add_bench(app, status);
  program::add_schedule(app, status);
  program::add_score(app, status);
  program::add_evaluate(app, status);
  program::add_verify(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success &request) { // --help and --version
    return app.exit(request);
  } catch (const CLI::ParseError &error) {
    return complain(std::string(error.what()) + " (see temper --help)", 2);
  } catch (const program::Usage &error) {
    return complain(error.what(), 2);
  } catch (const std::exception &error) {
    return complain(error.what(), 1);
  }
  if (std::fflush(stdout) != 0) {
    return complain("standard output can't be written", 1);
  }
  return status;
}
