// SPDX-License-Identifier: Apache-2.0
#include "backends/address_space.h"

#include "backends/search.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>

#if defined(__linux__)
#include <sys/resource.h>
#include <unistd.h>
#endif

namespace temper {
namespace {

#if defined(__linux__)
constexpr uint64_t mebibyte = uint64_t{1} << 20;

// OpenBLAS reserves a buffer for every core when it is loaded, and asks again and again while it gets none.
// Its own threads come with a stack each. (Buffers are 128 MiB where one build serves all processors, as in
// distributions.)
constexpr uint64_t openblas_buffer = 128 * mebibyte, openblas_library = 64 * mebibyte;

uint64_t openblas_needs() noexcept {
  const long configured = sysconf(_SC_NPROCESSORS_CONF);  // which it counts, whatever this process may use
  const uint64_t cores = configured < 1 ? 1 : static_cast<uint64_t>(configured);
  rlimit stack{};
  uint64_t thread = 8 * mebibyte;
  if (getrlimit(RLIMIT_STACK, &stack) == 0 && stack.rlim_cur != RLIM_INFINITY) thread = stack.rlim_cur;
  return openblas_library + cores * openblas_buffer + (cores - 1) * thread;
}

// Address space that is left under the limit; the highest number when there is no limit or no way to know.
uint64_t space_left() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
  std::FILE *file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return UINT64_MAX;
  unsigned long pages = 0;
  const bool read = std::fscanf(file, "%lu", &pages) == 1;
  (void)std::fclose(file);
  if (!read) return UINT64_MAX;
  const uint64_t used = static_cast<uint64_t>(pages) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return limit.rlim_cur > used ? limit.rlim_cur - used : 0;
}
#endif

}  // namespace

Status check_address_space(const std::string &path) {
#if defined(__linux__)
  // By the name of the file itself: it may have been reached by a link.
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(path.c_str(), nullptr), &std::free);
  if (real == nullptr || !std::string_view(real.get()).ends_with("/" + module_file("openblas"))) return Status();
  const uint64_t left = space_left();
  if (left == UINT64_MAX) return Status();
  if (const uint64_t needs = openblas_needs(); left < needs)
    return fail(TEMPER_E_BACKEND,
                "OpenBLAS reserves about %llu MiB of address space when it is loaded, and the limit of this process "
                "(ulimit -v) leaves %llu MiB",
                static_cast<unsigned long long>(needs / mebibyte), static_cast<unsigned long long>(left / mebibyte));
#else
  (void)path;
#endif
  return Status();
}

}  // namespace temper
