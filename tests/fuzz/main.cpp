// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target without libFuzzer, as an ordinary test: every file of a folder, then mutations of them
// for some seconds, always the same ones. With a file instead of a folder: that file alone.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

namespace {

using Bytes = std::vector<uint8_t>;

Bytes read(const std::filesystem::path &path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

void run(const Bytes &bytes) {
  // An allocation of exactly this size, so that reading past it can be seen.
  const Bytes copy(bytes);
  (void)LLVMFuzzerTestOneInput(copy.data(), copy.size());
}

class Mutator {
 public:
  explicit Mutator(const std::vector<Bytes> &corpus) : corpus_(corpus) {}

  Bytes next() {
    Bytes bytes = corpus_[pick(corpus_.size())];
    for (size_t changes = 1 + pick(4); changes > 0; --changes) change(bytes);
    return bytes;
  }

 private:
  size_t pick(size_t count) { return count == 0 ? 0 : random_() % count; }

  void change(Bytes &bytes) {
    const size_t at = pick(bytes.size() + 1);
    const auto place = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    const size_t rest = bytes.size() - at;
    switch (pick(6)) {
      case 0:  // a bit
        if (rest > 0) *place = static_cast<uint8_t>(*place ^ (1U << pick(8)));
        break;
      case 1: {  // a byte that means something in these formats
        static constexpr char special[] = "\0\x7f\x80\xff{}[]\",:-0123456789eE.\\u\n ";
        if (rest > 0) *place = static_cast<uint8_t>(special[pick(sizeof special)]);
        break;
      }
      case 2:  // shorter
        bytes.erase(place, place + static_cast<std::ptrdiff_t>(pick(std::min<size_t>(rest, 64) + 1)));
        break;
      case 3: {  // a piece again
        const Bytes piece(place, place + static_cast<std::ptrdiff_t>(pick(std::min<size_t>(rest, 64) + 1)));
        bytes.insert(place, piece.begin(), piece.end());
        break;
      }
      case 4: {  // a piece of another file
        const Bytes &other = corpus_[pick(corpus_.size())];
        const size_t from = pick(other.size() + 1), size = pick(std::min<size_t>(other.size() - from, 64) + 1);
        bytes.insert(place, other.begin() + static_cast<std::ptrdiff_t>(from),
                     other.begin() + static_cast<std::ptrdiff_t>(from + size));
        break;
      }
      default:  // cut off
        bytes.resize(at);
        break;
    }
  }

  const std::vector<Bytes> &corpus_;
  std::mt19937 random_{20240607};
};

}  // namespace

int main(int argc, char **argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: %s FOLDER|FILE [SECONDS]\n", argv[0]);
    return 2;
  }
  if (std::filesystem::is_regular_file(argv[1])) {
    run(read(argv[1]));
    return 0;
  }
  std::vector<std::filesystem::path> paths;
  for (const auto &entry : std::filesystem::directory_iterator(argv[1]))
    if (entry.is_regular_file()) paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> corpus;
  for (const auto &path : paths) corpus.push_back(read(path));
  if (corpus.empty()) {
    std::fprintf(stderr, "%s holds no files\n", argv[1]);
    return 1;
  }
  for (const Bytes &bytes : corpus) run(bytes);

  Mutator mutator(corpus);
  const auto end = std::chrono::steady_clock::now() +
                   std::chrono::duration<double>(argc > 2 ? std::atof(argv[2]) : 1.0);
  long runs = 0;
  for (; std::chrono::steady_clock::now() < end; ++runs) run(mutator.next());
  std::printf("%zu files, %ld mutations\n", corpus.size(), runs);
  return 0;
}
