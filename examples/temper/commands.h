// SPDX-License-Identifier: Apache-2.0
// The subcommands. Each adds itself to the program and runs when it was chosen.
#ifndef TEMPER_PROGRAM_COMMANDS_H
#define TEMPER_PROGRAM_COMMANDS_H

namespace CLI {
class App;
}

namespace program {

void add_generate(CLI::App &program, int &status);
void add_replay(CLI::App &program, int &status);
void add_info(CLI::App &program, int &status);
void add_tokenize(CLI::App &program, int &status);
void add_bench(CLI::App &program, int &status);
void add_schedule(CLI::App &program, int &status);
void add_evaluate(CLI::App &program, int &status);
void add_score(CLI::App &program, int &status);
void add_verify(CLI::App &program, int &status);

} // namespace program

#endif
