// SPDX-License-Identifier: Apache-2.0
#include "sampler/workspace.h"

#include "noise/posterior.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace temper {
namespace {

constexpr double never = -std::numeric_limits<double>::infinity();
constexpr double largest_score = 600;  // sums of 2^18 such scores stay finite

}  // namespace

Workspace::Workspace(std::unique_ptr<Memory> memory) noexcept : memory_(std::move(memory)) {}
Workspace::Workspace(Workspace &&) noexcept = default;
Workspace &Workspace::operator=(Workspace &&) noexcept = default;
Workspace::~Workspace() = default;
int32_t Workspace::columns() const noexcept { return memory_ ? memory_->columns : 0; }

Result<Workspace> Workspace::create(int32_t columns) {
  // 2^18 weights of at most 2^44 add up to less than 2^63.
  if (columns < 1 || columns > (1 << 18))
    return fail(TEMPER_E_UNSUPPORTED, "a vocabulary of %d columns can't be sampled, at most 2^18 can", columns);
  auto memory = std::make_unique<Memory>();
  const auto size = static_cast<size_t>(columns);
  memory->columns = columns;
  memory->logits.resize(size);
  memory->other.resize(size);
  memory->ids.resize(size);
  memory->sums.resize((size + weight_block - 1) / weight_block);
  return Workspace(std::move(memory));
}

size_t Workspace::bytes(int32_t columns) noexcept {
  const auto size = static_cast<size_t>(std::max(columns, 0));
  return sizeof(Memory) + size * (2 * sizeof(double) + sizeof(int32_t)) +
         (size / weight_block + 1) * sizeof(uint64_t);
}

bool Workspace::Memory::load(const HeadDescription &head, std::span<const float> row, bool with_mask) noexcept {
  count = static_cast<size_t>(head.vocabulary);
  touched();
  top = never;
  bool sane = true;
  size_t begin = 0, listed = 0;
  bool mask_left = !with_mask && head.mask_token >= 0 && head.mask_token < head.vocabulary;
  // Between the excluded ids, in ascending order.
  while (begin < count) {
    size_t end = count;
    if (mask_left) end = static_cast<size_t>(head.mask_token);
    if (listed < head.forbidden_count) end = std::min(end, static_cast<size_t>(head.forbidden[listed]));
    const RowScan scan = copy_logits(row.data() + begin, end - begin, logits.data() + begin);
    sane = sane && scan.sane;
    top = std::max(top, scan.top);
    if (end == count) break;
    logits[end] = never;
    if (mask_left && end == static_cast<size_t>(head.mask_token)) mask_left = false;
    while (listed < head.forbidden_count && static_cast<size_t>(head.forbidden[listed]) <= end) ++listed;
    begin = end + 1;
  }
  return sane && top > never;
}

bool Workspace::Memory::load_scores(const HeadDescription &head, std::span<const float> row, int32_t y,
                                    const Transition &step) noexcept {
  count = static_cast<size_t>(head.vocabulary);
  touched();
  const auto tokens = static_cast<size_t>(head.tokens());
  const auto id_of = [&head](size_t dense) {
    return static_cast<size_t>(token_of_dense(head, static_cast<int32_t>(dense)));
  };
  for (size_t i = 0; i < tokens; ++i) {
    const auto score = static_cast<double>(row[id_of(i)]);
    if (!(score <= std::numeric_limits<double>::max())) return false;
    other[i] = exponential(std::min(score, largest_score));
  }
  if (tokens == 0) return false;
  if (head.kind == HeadForm::score_exact)
    leave_one_out_from_score(step.kappa_t, tokens, dense_index(head, y), other.data(), other.data());
  else
    posterior_from_official_score(step.sigma_t, tokens, dense_index(head, y), other.data(), other.data());
  std::fill_n(logits.begin(), count, never);
  for (size_t i = 0; i < tokens; ++i)
    if (other[i] > 0) logits[id_of(i)] = std::log(other[i]);
  for (size_t i = 0; i < head.forbidden_count; ++i) logits[static_cast<size_t>(head.forbidden[i])] = never;
  top = largest(logits.data(), count);
  return top > never;
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

void Workspace::Memory::filter(const SamplerParameters &parameters) noexcept {
  if (parameters.top_k > 0) keep_top_k(static_cast<size_t>(parameters.top_k));
  if (parameters.top_p < 1) keep_top_p(parameters.top_p);
  if (parameters.min_p > 0) {
    const double lowest = std::log(parameters.min_p);
    exclude([&](size_t id) { return (logits[id] - top) * scale < lowest; });
  }
  if (parameters.typical_p < 1) keep_typical(parameters.typical_p);
}

template <typename Excluded>
void Workspace::Memory::exclude(Excluded excluded) noexcept {
  for (size_t id = 0; id < count; ++id)
    if (excluded(id)) logits[id] = never;
  touched();
}

std::ptrdiff_t Workspace::Memory::list_probable() noexcept {
  std::ptrdiff_t size = 0;
  for (size_t id = 0; id < count; ++id)
    if (is_probable(id)) ids[static_cast<size_t>(size++)] = static_cast<int32_t>(id);
  return size;
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

// Locally typical sampling (arXiv 2202.00666): tokens in order of how far their information -log p is from the
// entropy, until they hold p of the mass.
void Workspace::Memory::keep_typical(double p) noexcept {
  const double expected = entropy();
  const double log_total = std::log(static_cast<double>(total) / weight_one);
  for (size_t id = 0; id < count; ++id) other[id] = std::abs(log_total - (logits[id] - top) * scale - expected);
  const std::ptrdiff_t size = list_probable();
  const auto begin = ids.begin();
  std::sort(begin, begin + size, [this](int32_t a, int32_t b) {
    const double da = other[static_cast<size_t>(a)], db = other[static_cast<size_t>(b)];
    return da != db ? da < db : a < b;
  });
  const double wanted = p * static_cast<double>(total);
  double mass = 0;
  std::ptrdiff_t kept = 0;
  while (kept < size && (kept == 0 || mass < wanted)) mass += weight(ids[static_cast<size_t>(kept++)]);
  // The rest, and what was too improbable to be looked at.
  for (; kept < size; ++kept) logits[static_cast<size_t>(ids[static_cast<size_t>(kept)])] = never;
  exclude([this](size_t id) { return !is_probable(id); });
  top = largest(logits.data(), count);
}

// Logits not below the k-th largest; ties stay.
void Workspace::Memory::keep_top_k(size_t k) noexcept {
  size_t found = 0;
  for (size_t id = 0; id < count; ++id)
    if (logits[id] > never) other[found++] = logits[id];
  if (k >= found) return;
  const auto begin = other.begin();
  const auto place = begin + static_cast<std::ptrdiff_t>(k - 1);
  std::nth_element(begin, place, begin + static_cast<std::ptrdiff_t>(found), [](double a, double b) { return a > b; });
  const double lowest = *place;
  exclude([&](size_t id) { return logits[id] < lowest; });
}

// In order of falling logit, then rising id: tokens with less than p of the mass before them. Halves the
// candidates until the last token kept is found; nothing is sorted as a whole.
void Workspace::Memory::keep_top_p(double p) noexcept {
  sum();
  const double wanted = p * static_cast<double>(total);
  const auto before = [this](int32_t a, int32_t b) {
    const double la = logits[static_cast<size_t>(a)], lb = logits[static_cast<size_t>(b)];
    return la != lb ? la > lb : a < b;
  };
  std::ptrdiff_t low = 0, high = list_probable();  // the token of rank `low` is kept, that of rank `high` isn't
  double mass = 0;                                 // before rank `low`: whole numbers below 2^53 stay exact
  const auto begin = ids.begin();
  while (high - low > 1) {
    const std::ptrdiff_t middle = low + (high - low) / 2;
    std::nth_element(begin + low, begin + middle, begin + high, before);
    double half = 0;
    for (std::ptrdiff_t i = low; i < middle; ++i) half += weight(ids[static_cast<size_t>(i)]);
    if (mass + half < wanted) {
      mass += half;
      low = middle;
    } else {
      high = middle;
    }
  }
  const auto last = static_cast<size_t>(ids[static_cast<size_t>(low)]);
  const double lowest = logits[last];
  exclude([&](size_t id) { return logits[id] < lowest || (logits[id] == lowest && id > last); });
}

}  // namespace temper
