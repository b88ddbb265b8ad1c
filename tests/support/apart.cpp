// SPDX-License-Identifier: Apache-2.0
#include "apart.h"

#include "backends/host/host.h"
#include "backends/reference/reference.h"

#include <algorithm>
#include <memory>
#include <new>

namespace {

// Added to the address of real memory. User memory lies below this bit on all 64-bit systems.
constexpr uintptr_t distance = uintptr_t{1} << 55;

template <typename T>
T *apart(T *memory) {
  return memory == nullptr ? nullptr : reinterpret_cast<T *>(reinterpret_cast<uintptr_t>(memory) + distance);
}

// Of a pointer that isn't the backend's it makes one that faults.
template <typename T>
T *real(T *memory) {
  return memory == nullptr ? nullptr : reinterpret_cast<T *>(reinterpret_cast<uintptr_t>(memory) ^ distance);
}

const temper_backend &reference() { return *temper_backend_reference(TEMPER_BACKEND_ABI); }

// The rows of a call are copied when it begins, as a backend for another memory must.
struct Stream {
  temper_stream *inner = nullptr;
  int32_t most = 0;
  std::unique_ptr<int32_t[]> numbers;  // six columns of `most`
  std::unique_ptr<temper_lane *[]> lanes;
  std::unique_ptr<uint8_t[]> itself;
};

Stream &of(temper_stream *stream) { return *reinterpret_cast<Stream *>(stream); }

void *alloc(temper_device *device, size_t size) { return apart(reference().alloc(device, size)); }
void release(temper_device *device, void *memory, size_t size) { reference().release(device, real(memory), size); }
int32_t upload(temper_device *device, void *to, const void *from, size_t size) {
  return reference().upload(device, real(to), from, size);
}
int32_t download(temper_device *device, void *to, const void *from, size_t size) {
  return reference().download(device, to, real(from), size);
}

void stream_destroy(temper_device *device, temper_stream *stream) {
  if (stream == nullptr) return;
  reference().stream_destroy(device, of(stream).inner);
  delete &of(stream);
}

int32_t stream_create(temper_device *device, const temper_stream_plan *plan, temper_linear *const *linears,
                      int32_t linear_count, temper_stream **out) {
  *out = nullptr;
  std::unique_ptr<Stream> stream(new (std::nothrow) Stream());
  if (stream == nullptr) return temper::host::out_of_memory(sizeof(Stream));
  const int32_t code = reference().stream_create(device, plan, linears, linear_count, &stream->inner);
  if (code != TEMPER_OK) return code;
  const auto rows = static_cast<size_t>(plan->max_rows);
  stream->most = plan->max_rows;
  stream->numbers.reset(new (std::nothrow) int32_t[6 * rows]);
  stream->lanes.reset(new (std::nothrow) temper_lane *[rows]);
  stream->itself.reset(new (std::nothrow) uint8_t[rows]);
  *out = reinterpret_cast<temper_stream *>(stream.get());
  const bool made = stream->numbers != nullptr && stream->lanes != nullptr && stream->itself != nullptr;
  (void)stream.release();
  if (made) return TEMPER_OK;
  stream_destroy(device, *out);
  *out = nullptr;
  return temper::host::out_of_memory(rows);
}

int32_t begin(temper_stream *stream, const temper_rows *rows) {
  Stream &self = of(stream);
  if (rows->count < 0 || rows->count > self.most) return reference().begin(self.inner, rows);
  int32_t *column = self.numbers.get();
  const auto copied = [&](const int32_t *from) {
    int32_t *to = column;
    column += self.most;
    std::copy_n(from, rows->count, to);
    return to;
  };
  temper_rows own = *rows;
  own.token = copied(rows->token);
  own.position = copied(rows->position);
  own.condition = copied(rows->condition);
  own.slot = copied(rows->slot);
  own.visible_begin = copied(rows->visible_begin);
  own.visible_end = copied(rows->visible_end);
  if (rows->lane != nullptr) {
    std::copy_n(rows->lane, rows->count, self.lanes.get());
    own.lane = self.lanes.get();
  }
  if (rows->sees_itself != nullptr) {
    std::copy_n(rows->sees_itself, rows->count, self.itself.get());
    own.sees_itself = self.itself.get();
  }
  return reference().begin(self.inner, &own);
}

int32_t lane_move(temper_stream *stream, temper_lane *lane, int32_t from, int32_t to, int32_t count) {
  return reference().lane_move(of(stream).inner, lane, from, to, count);
}

int32_t embed(temper_stream *stream, float *out, const temper_embedding *embedding) {
  temper_embedding here = *embedding;
  here.table = real(here.table);
  here.positions = real(here.positions);
  here.mix = real(here.mix);
  return reference().embed(of(stream).inner, real(out), &here);
}

int32_t norm(temper_stream *stream, float *out, const float *in, const temper_norm *norm, const int32_t *index,
             int32_t count) {
  temper_norm here = *norm;
  here.weight = real(here.weight);
  here.bias = real(here.bias);
  here.modulation.base = real(here.modulation.base);
  return reference().norm(of(stream).inner, real(out), real(in), &here, index, count);
}

int32_t linear(temper_stream *stream, float *out, const float *in, int32_t rows, const temper_linear *linear,
               int32_t activation, const float *residual, const temper_modulation *modulation) {
  temper_modulation here{};
  if (modulation != nullptr) here = *modulation;
  here.base = real(here.base);
  return reference().linear(of(stream).inner, real(out), real(in), rows, linear, activation, real(residual),
                            modulation != nullptr ? &here : nullptr);
}

temper_attention translated(const temper_attention &attention) {
  temper_attention here = attention;
  here.rotary_cos = real(here.rotary_cos);
  here.rotary_sin = real(here.rotary_sin);
  here.q_norm = real(here.q_norm);
  here.k_norm = real(here.k_norm);
  return here;
}

int32_t rotary_write(temper_stream *stream, float *qkv, const temper_attention *attention, int32_t layer) {
  const temper_attention here = translated(*attention);
  return reference().rotary_write(of(stream).inner, real(qkv), &here, layer);
}

int32_t attend(temper_stream *stream, float *out, const float *qkv, const temper_attention *attention,
               int32_t layer) {
  const temper_attention here = translated(*attention);
  return reference().attend(of(stream).inner, real(out), real(qkv), &here, layer);
}

int32_t sync(temper_stream *stream) { return reference().sync(of(stream).inner); }

const char *describe() { return "the reference on memory that isn't the host's"; }

temper_backend make_table() {
  temper_backend table = reference();
  table.name = "apart";
  table.flags = 0;
  table.describe = describe;
  table.alloc = alloc;
  table.release = release;
  table.upload = upload;
  table.download = download;
  table.stream_create = stream_create;
  table.stream_destroy = stream_destroy;
  table.lane_move = lane_move;
  table.begin = begin;
  table.embed = embed;
  table.norm = norm;
  table.linear = linear;
  table.rotary_write = rotary_write;
  table.attend = attend;
  table.sync = sync;
  table.answer = nullptr;
  return table;
}

}  // namespace

extern "C" const temper_backend *temper_backend_apart(uint32_t abi) {
  static const temper_backend table = make_table();
  return abi == TEMPER_BACKEND_ABI ? &table : nullptr;
}

#if defined(TEMPER_BACKEND_MODULE)
extern "C" TEMPER_API const temper_backend *temper_backend_entry(uint32_t abi);
extern "C" TEMPER_API const temper_backend *temper_backend_entry(uint32_t abi) { return temper_backend_apart(abi); }
#endif
