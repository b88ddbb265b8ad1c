// SPDX-License-Identifier: Apache-2.0
// The library's handles with owners, and its statuses as exceptions: what the program needs to stay short.
#ifndef TEMPER_PROGRAM_HANDLES_H
#define TEMPER_PROGRAM_HANDLES_H

#include <temper/experimental.h>
#include <temper/temper.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace program {

/// Ends the program with exit status 1 and one line on stderr.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Wrong usage that the option parser can't see: exit status 2.
struct Usage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

template <auto destroy>
struct Ender {
  template <class T>
  void operator()(T *handle) const {
    destroy(handle);
  }
};

template <class T, auto destroy>
using Owner = std::unique_ptr<T, Ender<destroy>>;

using Runtime = Owner<temper_runtime, temper_runtime_destroy>;
using Model = Owner<temper_model, temper_model_destroy>;
using ModelOptions = Owner<temper_model_options, temper_model_options_destroy>;
using Tokenizer = Owner<temper_tokenizer, temper_tokenizer_destroy>;
using Decoder = Owner<temper_decoder, temper_decoder_destroy>;
using Schedule = Owner<temper_hyperschedule, temper_hyperschedule_destroy>;
using Noise = Owner<temper_noise, temper_noise_destroy>;
using Sampler = Owner<temper_sampler, temper_sampler_destroy>;
using Session = Owner<temper_session, temper_session_destroy>;
using Evaluator = Owner<temper_x_evaluator, temper_x_evaluator_destroy>;

/// Calls a function of the library whose last argument is the error, and throws what it says.
template <class F, class... Arguments>
temper_status call(F function, Arguments... arguments) {
  temper_error error{};
  const temper_status status = function(arguments..., &error);
  if (status < 0) {
    throw Failure(error.message[0] != '\0' ? error.message : temper_status_name(status));
  }
  return status;
}

inline int64_t model_number(const temper_model *model, int32_t key) {
  int64_t value = 0;
  call(temper_model_get_i64, model, key, &value);
  return value;
}

inline std::string model_text(const temper_model *model, int32_t key) {
  const char *text = temper_model_get_text(model, key);
  return text != nullptr ? text : "";
}

} // namespace program

#endif
