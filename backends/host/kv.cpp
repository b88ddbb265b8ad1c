// SPDX-License-Identifier: Apache-2.0
// The key/value cache of backends on ordinary memory, in pages that forks share until one of them writes.
#include "backends/host/host.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace temper::host {
namespace {

// Slots of a page: few enough that forks share all but a little, of short sequences, too; enough for long runs of
// memory.
constexpr int32_t least_page_slots = 16, most_page_slots = 64, short_pages = 8;

constexpr size_t head_floats = alignment / sizeof(float);

// Before the floats of every page.
struct PageHead {
  std::atomic<int32_t> holders{1};
};

PageHead &head_of(float *page) noexcept { return *reinterpret_cast<PageHead *>(page - head_floats); }

struct Extents {
  int32_t pages = 0;  // of a sequence
  int32_t page_slots = 0;
  size_t page_bytes = 0;
};

// Pages of one size that leave little of the last one unused.
Extents extents_of(const temper_kv_plan &plan) noexcept {
  Extents of;
  const auto pages_of = [&](int32_t page_slots) { return (plan.slots - 1) / page_slots + 1; };
  const int32_t wanted = std::max(pages_of(most_page_slots), std::min(pages_of(least_page_slots), short_pages));
  of.page_slots = ((plan.slots - 1) / wanted + 4) / 4 * 4;  // keys are read four at a time
  of.pages = pages_of(of.page_slots);
  size_t bytes = 2 * sizeof(float);
  for (const int32_t extent : {plan.layers, plan.kv_heads, plan.head_dim, of.page_slots})
    bytes = product(bytes, static_cast<size_t>(extent));
  of.page_bytes = sum(bytes, alignment);
  return of;
}

bool valid(const temper_kv_plan &plan) noexcept {
  return plan.layers > 0 && plan.sequences > 0 && plan.slots > 0 && plan.kv_heads > 0 && plan.head_dim > 0;
}

size_t page_count(const temper_kv_plan &plan, const Extents &of) noexcept {
  return product(static_cast<size_t>(plan.sequences), static_cast<size_t>(of.pages));
}

float *make_page(temper_device *device, size_t bytes) noexcept {
  void *memory = alloc(device, bytes);
  if (memory == nullptr) return nullptr;
  new (memory) PageHead();
  return static_cast<float *>(memory) + head_floats;
}

void leave_page(temper_device *device, float *page, size_t bytes) noexcept {
  if (page == nullptr || head_of(page).holders.fetch_sub(1, std::memory_order_acq_rel) > 1) return;
  release(device, page - head_floats, bytes);
}

// A cache without pages yet.
temper_kv *make_kv(const temper_kv_plan &plan) noexcept {
  const Extents of = extents_of(plan);
  const size_t count = page_count(plan, of);
  if (of.page_bytes == too_large || product(count, sizeof(float *)) == too_large) return nullptr;
  temper_kv *kv = new (std::nothrow) temper_kv();
  if (kv == nullptr) return nullptr;
  kv->plan = plan;
  kv->sequence_pages = of.pages;
  kv->page_slots = of.page_slots;
  kv->page_bytes = of.page_bytes;
  kv->pages.reset(new (std::nothrow) float *[count]());
  if (kv->pages != nullptr) return kv;
  delete kv;
  return nullptr;
}

bool fill_gaps(temper_device *device, temper_kv &kv) noexcept {
  const size_t count = page_count(kv.plan, extents_of(kv.plan));
  for (size_t i = 0; i < count; ++i)
    if (kv.pages[i] == nullptr && (kv.pages[i] = make_page(device, kv.page_bytes)) == nullptr) return false;
  return true;
}

// `count` slots of every layer and head from one page to another, or within one.
void move_in_pages(const temper_kv &kv, const float *from, int32_t from_slot, float *to, int32_t to_slot,
                   int32_t count) noexcept {
  const auto size = static_cast<size_t>(kv.plan.head_dim);
  const size_t bytes = static_cast<size_t>(count) * size * sizeof(float);
  for (int32_t layer = 0; layer < kv.plan.layers; ++layer)
    for (int32_t head = 0; head < kv.plan.kv_heads; ++head)
      for (const size_t plane : {kv.keys_at(layer, head), kv.values_at(layer, head)})
        std::memmove(to + plane + static_cast<size_t>(to_slot) * size,
                     from + plane + static_cast<size_t>(from_slot) * size, bytes);
}

}  // namespace

int32_t kv_create(temper_device *device, const temper_kv_plan *plan, temper_kv **out) {
  *out = nullptr;
  if (!valid(*plan)) return error(TEMPER_E_ARGUMENT, "a key/value cache needs positive extents");
  temper_kv *kv = make_kv(*plan);
  if (kv != nullptr && fill_gaps(device, *kv)) {
    *out = kv;
    return TEMPER_OK;
  }
  kv_destroy(device, kv);
  return out_of_memory(kv_bytes(device, plan));
}

void kv_destroy(temper_device *device, temper_kv *kv) {
  if (kv == nullptr) return;
  const size_t count = page_count(kv->plan, extents_of(kv->plan));
  for (size_t i = 0; i < count; ++i) leave_page(device, kv->pages[i], kv->page_bytes);
  delete kv;
}

size_t kv_bytes(temper_device *, const temper_kv_plan *plan) {
  if (!valid(*plan)) return too_large;
  const Extents of = extents_of(*plan);
  return product(page_count(*plan, of), sum(of.page_bytes, sizeof(float *)));
}

int32_t kv_fork(temper_device *device, const temper_kv *from, const int32_t *kept, const int32_t *lasting,
                temper_kv **out, size_t *shared) {
  *out = nullptr;
  *shared = 0;
  const temper_kv_plan &plan = from->plan;
  for (int32_t s = 0; s < plan.sequences; ++s)
    if (lasting[s] < 0 || kept[s] < lasting[s] || kept[s] > plan.slots)
      return error(TEMPER_E_ARGUMENT, "a fork of %d lasting, %d kept slots of %d", lasting[s], kept[s], plan.slots);
  temper_kv *kv = make_kv(plan);
  if (kv == nullptr) return out_of_memory(sizeof(temper_kv));
  for (int32_t s = 0; s < plan.sequences; ++s)
    for (int32_t page = 0; page < lasting[s] / kv->page_slots; ++page) {
      const size_t at = kv->page_at(s, page * kv->page_slots);
      kv->pages[at] = from->pages[at];
      head_of(kv->pages[at]).holders.fetch_add(1, std::memory_order_relaxed);
      *shared += kv->page_bytes;
    }
  if (!fill_gaps(device, *kv)) {
    kv_destroy(device, kv);
    return out_of_memory(kv_bytes(device, &plan));
  }
  for (int32_t s = 0; s < plan.sequences; ++s)
    for (int32_t slot = lasting[s] / kv->page_slots * kv->page_slots; slot < kept[s]; slot += kv->page_slots) {
      const size_t at = kv->page_at(s, slot);
      move_in_pages(*kv, from->pages[at], 0, kv->pages[at], 0, std::min(kv->page_slots, kept[s] - slot));
    }
  *out = kv;
  return TEMPER_OK;
}

int32_t kv_own(temper_stream *stream, temper_kv *kv, int32_t sequence, int32_t slot) {
  float *&page = kv->pages[kv->page_at(sequence, slot)];
  // Nobody else can begin to hold a page that only this cache holds.
  if (head_of(page).holders.load(std::memory_order_acquire) == 1) return TEMPER_OK;
  float *own = make_page(stream->device, kv->page_bytes);
  if (own == nullptr) return out_of_memory(kv->page_bytes);
  std::memcpy(own, page, kv->page_bytes - alignment);
  leave_page(stream->device, page, kv->page_bytes);
  page = own;
  return TEMPER_OK;
}

int32_t kv_move(temper_stream *stream, temper_kv *kv, int32_t sequence, int32_t from, int32_t to, int32_t count) {
  const temper_kv_plan &plan = kv->plan;
  if (sequence < 0 || sequence >= plan.sequences || from < 0 || to < 0 || count < 0 || count > plan.slots ||
      from > plan.slots - count || to > plan.slots - count)
    return error(TEMPER_E_ARGUMENT, "moving slots [%d, +%d) to %d leaves the cache", from, count, to);
  const int32_t room = kv->page_slots;
  for (int32_t slot = to / room * room; slot < to + count; slot += room)
    if (const int32_t code = kv_own(stream, kv, sequence, slot); code != TEMPER_OK) return code;
  const auto move = [&](int32_t a, int32_t b, int32_t n) {
    move_in_pages(*kv, kv->pages[kv->page_at(sequence, a)], a % room, kv->pages[kv->page_at(sequence, b)], b % room, n);
  };
  // As far as both stay in a page at once; away from what is still to be read.
  if (to <= from) {
    for (int32_t done = 0, n = 0; done < count; done += n) {
      n = std::min({count - done, room - (from + done) % room, room - (to + done) % room});
      move(from + done, to + done, n);
    }
  } else {
    for (int32_t left = count, n = 0; left > 0; left -= n) {
      n = std::min({left, (from + left - 1) % room + 1, (to + left - 1) % room + 1});
      move(from + left - n, to + left - n, n);
    }
  }
  return TEMPER_OK;
}

}  // namespace temper::host
