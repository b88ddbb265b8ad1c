// SPDX-License-Identifier: Apache-2.0
// Operations on rows one by one: embedding, norms, rotary positions and attention.
#include "backends/cpu/device.h"

#include <algorithm>
#include <cstdlib>

namespace temper::cpu {
namespace {

// Runs body(row) for all rows, in chunks that are worth a thread's while.
template <typename Body>
void each_row(const Device &device, int32_t rows, int64_t floats_per_row, Body &&body) {
  constexpr int64_t worthwhile = 16384;  // floats: a few microseconds
  const int64_t total = rows * floats_per_row;
  const int64_t most = std::min<int64_t>(rows, 4 * device.executor->workers);
  const auto chunks = static_cast<int32_t>(std::clamp<int64_t>(total / worthwhile, 1, std::max<int64_t>(1, most)));
  host::each(device, chunks, [&](int32_t chunk, int32_t) {
    const auto begin = static_cast<int32_t>(static_cast<int64_t>(rows) * chunk / chunks);
    const auto end = static_cast<int32_t>(static_cast<int64_t>(rows) * (chunk + 1) / chunks);
    for (int32_t r = begin; r < end; ++r) body(r);
  });
}

template <int Type>
void embed_row(const temper_embedding &embedding, const float *mix, const float *position, int64_t token, float *to) {
  const int64_t width = embedding.width;
  const auto at = [&](int64_t row, int64_t i) {
    return host::element(embedding.table, Type, static_cast<size_t>(row * width + i));
  };
  for (int64_t i = 0; i < width; ++i) {
    float x = token >= 0 ? at(token, i) : 0.0F;
    if (mix != nullptr && token >= 0) x = *mix * x + (1.0F - *mix) * at(embedding.mask_row, i);
    to[i] = position != nullptr ? x + position[i] : x;
  }
}

// Rows of one lane whose ranges overlap but for a few slots are attended together.
int32_t make_tiles(const temper_rows &rows, int32_t most_rows, Tile *tiles) {
  constexpr int32_t slack = 32;
  int32_t count = 0;
  host::Seen of_first;  // what the first row of the last tile sees
  for (int32_t r = 0; r < rows.count; ++r) {
    const host::Seen seen = host::seen_by(rows, r);
    if (count > 0) {
      Tile &last = tiles[count - 1];
      if (last.rows < most_rows && rows.lane[r] == rows.lane[last.first] &&
          !of_first.nothing() && !seen.nothing() && std::abs(seen.begin - of_first.begin) <= slack &&
          std::abs(seen.end - of_first.end) <= slack) {
        ++last.rows;
        continue;
      }
    }
    tiles[count++] = {r, 1};
    of_first = seen;
  }
  return count;
}

}  // namespace

int32_t embed(temper_stream *stream, float *out, const temper_embedding *embedding) {
  if (const int32_t code = host::check_embedding(embedding); code != TEMPER_OK) return code;
  const temper_rows &rows = stream->rows;
  const int64_t width = embedding->width;
  each_row(device_of(stream), rows.count, width, [&](int32_t r) {
    const float *mix = embedding->mix != nullptr ? embedding->mix + rows.condition[r] : nullptr;
    const float *position = embedding->positions != nullptr ? embedding->positions + rows.position[r] * width : nullptr;
    float *to = out + r * width;
    if (embedding->dtype == TEMPER_DTYPE_F32)
      embed_row<TEMPER_DTYPE_F32>(*embedding, mix, position, rows.token[r], to);
    else if (embedding->dtype == TEMPER_DTYPE_F16)
      embed_row<TEMPER_DTYPE_F16>(*embedding, mix, position, rows.token[r], to);
    else
      embed_row<TEMPER_DTYPE_BF16>(*embedding, mix, position, rows.token[r], to);
  });
  return TEMPER_OK;
}

int32_t norm(temper_stream *stream, float *out, const float *in, const temper_norm *norm, const int32_t *index,
             int32_t count) {
  if (const int32_t code = host::check_norm(stream, norm, index, count); code != TEMPER_OK) return code;
  const Device &device = device_of(stream);
  each_row(device, count, norm->width, [&](int32_t i) {
    const int64_t row = index != nullptr ? index[i] : i;
    const temper_modulation &modulation = norm->modulation;
    const float *shift = nullptr, *scale = nullptr;
    if (modulation.base != nullptr) {
      const float *vectors = modulation.base + stream->rows.condition[row] * modulation.stride;
      shift = vectors + modulation.shift_at;
      scale = vectors + modulation.scale_at;
    }
    device.kernels.norm(*norm, in + row * norm->width, out + i * norm->width, shift, scale);
  });
  return TEMPER_OK;
}

int32_t rotary_write(temper_stream *stream, float *qkv, const temper_attention *attention, int32_t layer) {
  if (const int32_t code = host::check_attention(stream, attention, layer); code != TEMPER_OK) return code;
  const temper_rows &rows = stream->rows;
  const Device &device = device_of(stream);
  const int64_t heads = attention->heads, kv_heads = attention->kv_heads, size = attention->head_dim;
  const int64_t width = (heads + 2 * kv_heads) * size;
  for (int32_t r = 0; r < rows.count; ++r)
    if (const int32_t code = host::own_page(stream, rows.lane[r], rows.slot[r]); code != TEMPER_OK) return code;
  each_row(device, rows.count, width, [&](int32_t r) {
    const float *cosines = nullptr, *sines = nullptr;
    if (attention->rotary_cos != nullptr) {
      cosines = attention->rotary_cos + rows.position[r] * (size / 2);
      sines = attention->rotary_sin + rows.position[r] * (size / 2);
    }
    const temper_lane &lane = *rows.lane[r];
    float *q = qkv + r * width, *k = q + heads * size, *v = k + kv_heads * size;
    for (int64_t h = 0; h < heads; ++h)
      device.kernels.head(q + h * size, attention->head_dim, attention->q_norm, attention->norm_epsilon, cosines,
                          sines);
    for (int32_t h = 0; h < kv_heads; ++h) {
      device.kernels.head(k + h * size, attention->head_dim, attention->k_norm, attention->norm_epsilon, cosines,
                          sines);
      std::copy_n(k + h * size, size, lane.key(layer, h, rows.slot[r]));
      std::copy_n(v + h * size, size, lane.value(layer, h, rows.slot[r]));
    }
  });
  return TEMPER_OK;
}

int32_t attend(temper_stream *stream, float *out, const float *qkv, const temper_attention *attention,
               int32_t layer) {
  if (const int32_t code = host::check_attention(stream, attention, layer); code != TEMPER_OK) return code;
  const temper_rows &rows = stream->rows;
  const Device &device = device_of(stream);
  Stream &state = *static_cast<Stream *>(stream);
  const int32_t heads = attention->heads, kv_heads = attention->kv_heads, size = attention->head_dim;
  const int32_t group = heads / kv_heads;  // query heads that share a key head
  const int64_t width = static_cast<int64_t>(heads + 2 * kv_heads) * size;
  Tile *tiles = state.tiles.as<Tile>();
  const int32_t count = make_tiles(rows, std::max(1, tile_queries / group), tiles);
  const int64_t slots = stream->plan.max_slots;

  const auto unit = [&](int32_t index, int32_t worker) {
    const Tile &tile = tiles[index / kv_heads];
    const int32_t kv_head = index % kv_heads, f = tile.first;
    const temper_lane &lane = *rows.lane[f];
    const KeyPages keys{lane.pages.get(), lane.keys_at(layer, kv_head), lane.values_at(layer, kv_head),
                        lane.page_slots};
    float *scores = state.scores.as<float>() + worker * tile_queries * slots;
    Query queries[tile_queries];
    int32_t filled = 0;
    const auto flush = [&] {
      if (filled > 0) device.kernels.attend(queries, filled, keys, size, attention->scale);
      filled = 0;
    };
    for (int32_t r = f; r < f + tile.rows; ++r) {
      const host::Seen seen = host::seen_by(rows, r);
      for (int32_t g = 0; g < group; ++g) {
        const int64_t head = kv_head * group + g;
        float *to = out + (static_cast<int64_t>(r) * heads + head) * size;
        if (seen.nothing()) {
          std::fill_n(to, size, 0.0F);
          continue;
        }
        Query &query = queries[filled];
        query = {qkv + r * width + head * size, to, nullptr, seen.begin, seen.end, seen.own};
        // A query's scores start at its own first slot, so that they fit in what was planned.
        query.scores = scores + filled * slots - query.first_score();
        if (++filled == tile_queries) flush();
      }
    }
    flush();
  };
  const int32_t units = count * kv_heads;
  int64_t work = 0;
  for (int32_t r = 0; r < rows.count; ++r) work += host::seen_by(rows, r).count();
  if (work * heads * size < 16384) {
    for (int32_t i = 0; i < units; ++i) unit(i, 0);
  } else {
    host::each(device, units, unit);
  }
  return TEMPER_OK;
}

}  // namespace temper::cpu
