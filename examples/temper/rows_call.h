// SPDX-License-Identifier: Apache-2.0
// Rows through a model without a session: what steps are measured against.
#ifndef TEMPER_PROGRAM_ROWS_CALL_H
#define TEMPER_PROGRAM_ROWS_CALL_H

#include "handles.h"

#include <algorithm>
#include <vector>

namespace program {

/// A token that is no mask and no end, and the one that stands for noise.
inline int32_t plain_token(int64_t at, int64_t vocabulary) {
  return static_cast<int32_t>((at * 7919 + 11) % std::max<int64_t>(vocabulary - 2, 1));
}

inline int32_t noise_token(const temper_model *model) {
  const int64_t mask = model_number(model, TEMPER_MODEL_MASK_TOKEN);
  return static_cast<int32_t>(mask >= 0 ? mask : 0);
}

/// A call of the model with rows that see each other and a context that stands in the cache; or, @p apart,
/// with rows of as many sequences. Logits come from the first @p wanted rows; -1: from all.
class RowsCall {
public:
  RowsCall(temper_model *model, int rows, int context, bool apart = false, int wanted = -1) : context_(context) {
    const int64_t vocabulary = model_number(model, TEMPER_MODEL_VOCABULARY);
    temper_x_evaluator *made = nullptr;
    const int most = std::max(rows, 128);
    call(temper_x_evaluator_create, model, apart ? rows : 1, most, context + rows, &made);
    evaluator_.reset(made);
    for (int begin = 0; begin < context; begin += most) { // the context, causal, in pieces
      const int end = std::min(context, begin + most);
      std::vector<temper_x_row> piece;
      for (int i = begin; i < end; ++i) {
        piece.push_back({plain_token(i, vocabulary), i, 0, 0, i + 1, 0, 0.0});
      }
      call(temper_x_evaluator_run, made, piece.data(), piece.size(), static_cast<float *>(nullptr), size_t{0});
      call(temper_x_evaluator_keep, made, 0, end);
    }
    const int last = wanted < 0 ? rows : std::min(wanted, rows);
    for (int i = 0; i < rows; ++i) {
      const int want = i < last ? 1 : 0;
      if (apart) {
        rows_.push_back({plain_token(i, vocabulary), 0, i, 0, 1, want, 0.5});
      } else {
        rows_.push_back({noise_token(model), context + i, 0, 0, context + rows, want, 0.5});
      }
    }
    logits_.resize(static_cast<size_t>(last) * static_cast<size_t>(model_number(model, TEMPER_MODEL_COLUMNS)));
  }

  void run() {
    call(temper_x_evaluator_keep, evaluator_.get(), 0, context_);
    call(temper_x_evaluator_run, evaluator_.get(), rows_.data(), rows_.size(), logits_.data(), logits_.size());
  }

private:
  int context_;
  Evaluator evaluator_;
  std::vector<temper_x_row> rows_;
  std::vector<float> logits_;
};

} // namespace program

#endif
