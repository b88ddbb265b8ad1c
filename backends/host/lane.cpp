// SPDX-License-Identifier: Apache-2.0
// Keys and values of backends on ordinary memory, in pages that forks share until one of them writes.
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
  int32_t pages = 0;
  int32_t page_slots = 0;
  size_t page_bytes = 0;
};

// Pages of one size that leave little of the last one unused.
Extents extents_of(const temper_lane_plan &plan) noexcept {
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

int32_t check_plan(const temper_lane_plan &plan) noexcept {
  if (plan.type != TEMPER_KV_F32)
    return error(TEMPER_E_UNSUPPORTED, "keys and values can be kept as float32 only, not as type %d", plan.type);
  if (plan.layers < 1 || plan.slots < 1 || plan.kv_heads < 1 || plan.head_dim < 1)
    return error(TEMPER_E_ARGUMENT, "keys and values need positive extents");
  return TEMPER_OK;
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

// A lane without pages yet.
temper_lane *make_lane(const temper_lane_plan &plan) noexcept {
  const Extents of = extents_of(plan);
  if (of.page_bytes == too_large) return nullptr;
  temper_lane *lane = new (std::nothrow) temper_lane();
  if (lane == nullptr) return nullptr;
  lane->plan = plan;
  lane->page_count = of.pages;
  lane->page_slots = of.page_slots;
  lane->page_bytes = of.page_bytes;
  lane->pages.reset(new (std::nothrow) float *[static_cast<size_t>(of.pages)]());
  if (lane->pages != nullptr) return lane;
  delete lane;
  return nullptr;
}

bool fill_gaps(temper_device *device, temper_lane &lane) noexcept {
  for (int32_t i = 0; i < lane.page_count; ++i)
    if (lane.pages[i] == nullptr && (lane.pages[i] = make_page(device, lane.page_bytes)) == nullptr) return false;
  return true;
}

// `count` slots of every layer and head from one page to another, or within one.
void move_in_pages(const temper_lane &lane, const float *from, int32_t from_slot, float *to, int32_t to_slot,
                   int32_t count) noexcept {
  const auto size = static_cast<size_t>(lane.plan.head_dim);
  const size_t bytes = static_cast<size_t>(count) * size * sizeof(float);
  for (int32_t layer = 0; layer < lane.plan.layers; ++layer)
    for (int32_t head = 0; head < lane.plan.kv_heads; ++head)
      for (const size_t plane : {lane.keys_at(layer, head), lane.values_at(layer, head)})
        std::memmove(to + plane + static_cast<size_t>(to_slot) * size,
                     from + plane + static_cast<size_t>(from_slot) * size, bytes);
}

}  // namespace

int32_t lane_create(temper_device *device, const temper_lane_plan *plan, temper_lane **out) {
  *out = nullptr;
  if (const int32_t code = check_plan(*plan); code != TEMPER_OK) return code;
  temper_lane *lane = make_lane(*plan);
  if (lane != nullptr && fill_gaps(device, *lane)) {
    *out = lane;
    return TEMPER_OK;
  }
  lane_destroy(device, lane);
  return out_of_memory(lane_bytes(device, plan));
}

void lane_destroy(temper_device *device, temper_lane *lane) {
  if (lane == nullptr) return;
  for (int32_t i = 0; i < lane->page_count; ++i) leave_page(device, lane->pages[i], lane->page_bytes);
  delete lane;
}

size_t lane_bytes(temper_device *, const temper_lane_plan *plan) {
  if (check_plan(*plan) != TEMPER_OK) return too_large;
  const Extents of = extents_of(*plan);
  return product(static_cast<size_t>(of.pages), sum(of.page_bytes, sizeof(float *)));
}

int32_t lane_fork(temper_device *device, const temper_lane *from, int32_t kept, int32_t lasting, temper_lane **out,
                  size_t *shared) {
  *out = nullptr;
  *shared = 0;
  const temper_lane_plan &plan = from->plan;
  if (lasting < 0 || kept < lasting || kept > plan.slots)
    return error(TEMPER_E_ARGUMENT, "a fork of %d lasting, %d kept slots of %d", lasting, kept, plan.slots);
  temper_lane *lane = make_lane(plan);
  if (lane == nullptr) return out_of_memory(sizeof(temper_lane));
  const int32_t room = lane->page_slots, whole = lasting / room;
  for (int32_t i = 0; i < whole; ++i) {
    lane->pages[i] = from->pages[i];
    head_of(lane->pages[i]).holders.fetch_add(1, std::memory_order_relaxed);
    *shared += lane->page_bytes;
  }
  if (!fill_gaps(device, *lane)) {
    lane_destroy(device, lane);
    return out_of_memory(lane_bytes(device, &plan));
  }
  for (int32_t slot = whole * room; slot < kept; slot += room)
    move_in_pages(*lane, from->page_of(slot), 0, lane->page_of(slot), 0, std::min(room, kept - slot));
  *out = lane;
  return TEMPER_OK;
}

int32_t own_page(temper_stream *stream, temper_lane *lane, int32_t slot) {
  float *&page = lane->page_of(slot);
  // Nobody else can begin to hold a page that only this lane holds.
  if (head_of(page).holders.load(std::memory_order_acquire) == 1) return TEMPER_OK;
  float *own = make_page(stream->device, lane->page_bytes);
  if (own == nullptr) return out_of_memory(lane->page_bytes);
  std::memcpy(own, page, lane->page_bytes - alignment);
  leave_page(stream->device, page, lane->page_bytes);
  page = own;
  return TEMPER_OK;
}

int32_t lane_move(temper_stream *stream, temper_lane *lane, int32_t from, int32_t to, int32_t count) {
  const int32_t slots = lane->plan.slots, room = lane->page_slots;
  if (from < 0 || to < 0 || count < 0 || count > slots || from > slots - count || to > slots - count)
    return error(TEMPER_E_ARGUMENT, "moving slots [%d, +%d) to %d leaves the lane", from, count, to);
  for (int32_t slot = to / room * room; slot < to + count; slot += room)
    if (const int32_t code = own_page(stream, lane, slot); code != TEMPER_OK) return code;
  const auto move = [&](int32_t a, int32_t b, int32_t n) {
    move_in_pages(*lane, lane->page_of(a), a % room, lane->page_of(b), b % room, n);
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
