// SPDX-License-Identifier: Apache-2.0
#include "answer/workspace.h"

#include "base/philox.h"

#include <algorithm>
#include <cmath>

namespace temper {
namespace {

size_t blocks_of(size_t columns) noexcept { return (columns + weight_block - 1) / weight_block; }

}  // namespace

Workspace::Workspace(std::unique_ptr<Memory> memory) noexcept : memory_(std::move(memory)) {}
Workspace::Workspace(Workspace &&) noexcept = default;
Workspace &Workspace::operator=(Workspace &&) noexcept = default;
Workspace::~Workspace() = default;
int32_t Workspace::columns() const noexcept { return memory_ ? memory_->columns : 0; }

Result<Workspace> Workspace::create(int32_t columns, const temper_allocator &allocator) {
  if (columns < 1 || columns > TEMPER_MOST_COLUMNS)
    return fail(TEMPER_E_UNSUPPORTED, "a vocabulary of %d columns can't be sampled, at most %d can", columns,
                TEMPER_MOST_COLUMNS);
  auto memory = std::make_unique<Memory>();
  const auto size = static_cast<size_t>(columns);
  memory->columns = columns;
  TEMPER_ASSIGN(memory->logits, HostArray<double>::create(allocator, size));
  TEMPER_ASSIGN(memory->other, HostArray<double>::create(allocator, size));
  TEMPER_ASSIGN(memory->ids, HostArray<int32_t>::create(allocator, size));
  TEMPER_ASSIGN(memory->sums, HostArray<uint64_t>::create(allocator, blocks_of(size)));
  return Workspace(std::move(memory));
}

size_t Workspace::bytes(int32_t columns) noexcept {
  const auto size = static_cast<size_t>(std::max(columns, 0));
  return size * (2 * sizeof(double) + sizeof(int32_t)) + blocks_of(size) * sizeof(uint64_t);
}

void Workspace::Memory::change(int32_t id, double logit) noexcept {
  double &place = logits[static_cast<size_t>(id)];
  const double before = place;
  touched();
  place = logit;
  if (logit >= top) top = logit;
  else if (before == top) top = largest(logits.data(), count);
}

int32_t Workspace::Memory::draw(uint64_t bits) noexcept {
  uint64_t rest = mul_high(bits, total);
  size_t block_index = 0;
  while (rest >= sums[block_index]) rest -= sums[block_index++];
  const size_t begin = block_index * weight_block;
  weigh(logits.data() + begin, std::min(weight_block, count - begin), top, scale, block.data());
  size_t i = 0;
  while (rest >= block[i]) rest -= block[i++];
  return static_cast<int32_t>(begin + i);
}

int32_t Workspace::Memory::most_probable() const noexcept {
  constexpr size_t piece = 1024;
  size_t id = 0;
  while (id + piece < count && largest(logits.data() + id, piece) < top) id += piece;
  while (id + 1 < count && logits[id] < top) ++id;
  return static_cast<int32_t>(id);
}

double Workspace::Memory::weight(int32_t id) const noexcept {
  uint64_t result = 0;
  weigh(logits.data() + id, 1, top, scale, &result);
  return static_cast<double>(result);
}

void Workspace::Memory::believe(bool rough) noexcept {
  scale = 1;
  belief_top = top;
  if (rough) {
    belief_total = weight_one * rough_sum(logits.data(), count, top);
  } else {
    sum();
    belief_total = static_cast<double>(total);
  }
}

// H = log Z - sum p l, with l relative to the largest.
double Workspace::Memory::entropy() noexcept {
  double spread = 0;
  total = weigh_blocks(logits.data(), count, top, scale, sums.data(), &spread);
  summed = scale;
  const auto sum_of_weights = static_cast<double>(total);
  return std::max(0.0, std::log(sum_of_weights / weight_one) - spread * scale / sum_of_weights);
}

double Workspace::Memory::margin() noexcept {
  sum();
  const auto best = static_cast<size_t>(most_probable());
  const double second = std::max(largest(logits.data(), best), largest(logits.data() + best + 1, count - best - 1));
  const auto sum_of_weights = static_cast<double>(total);
  const double rest = second > never ? exponential((second - top) * scale) * weight_one / sum_of_weights : 0;
  return weight_one / sum_of_weights - rest;
}

}  // namespace temper
