// SPDX-License-Identifier: Apache-2.0
// Whole files in and out, and the folders the program looks into by itself.
#ifndef TEMPER_PROGRAM_FILES_H
#define TEMPER_PROGRAM_FILES_H

#include <string>
#include <vector>

namespace program {

/// All bytes of a file; "-" is standard input. Throws Failure.
std::vector<unsigned char> read_bytes(const std::string &path);
std::string read_text(const std::string &path);

/// Writes a file whole; "-" is standard output. Throws Failure.
void write_bytes(const std::string &path, const void *data, size_t size);

/// The model that comes with the program: in ../share/temper/model from the program's folder, where an installation has
/// it and the build puts a link to it. Empty when there is none.
std::string bundled_model();

} // namespace program

#endif
