/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file backend.h
 * @brief The interface between libtemper and a backend: one versioned C table of operations on
 * memory that the backend owns.
 *
 * A backend is a folder under backends/ and a module (or, with -Dbackends_linkage=builtin, a part of
 * the library; same source). A module exports one symbol, ::TEMPER_BACKEND_ENTRY. Only plain data and
 * opaque pointers cross. The library calls a table only after it has compared ::TEMPER_BACKEND_ABI.
 *
 * Data: activations are float32, row-major, without padding between rows, in memory of `alloc`.
 * Row descriptions (::temper_rows) and index lists are host memory and valid during the call; a
 * backend for another memory copies the rows in `begin`. A pointer into backend memory may be advanced
 * by the caller. Without ::TEMPER_BACKEND_HOST_MEMORY nobody but the backend reads or writes what such a
 * pointer points at: data comes and goes by `upload` and `download`.
 *
 * Threads: the host's threads belong to the library, which lends them to a backend as a
 * ::temper_executor. A backend starts none of its own.
 *
 * Errors: operations return 0 or a negative temper_status; `last_error` says more. Nothing aborts,
 * prints or throws across this border. Operations on one stream are in order; a stream is used by
 * one thread at a time, a device by many. What a backend does later than it returns is over after `sync`: the
 * library calls it before it looks at results and, also after an operation that failed, before anything that the
 * call used is written, moved or released. No operation of a step allocates: what a stream needs is
 * planned from ::temper_stream_plan.
 */
#ifndef TEMPER_BACKEND_H
#define TEMPER_BACKEND_H

#include <temper/types.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TEMPER_BACKEND_ABI 2u

/** Element types of weights as files store them. */
enum { TEMPER_DTYPE_F32 = 0, TEMPER_DTYPE_F16 = 1, TEMPER_DTYPE_BF16 = 2 };

/** How a device keeps a packed matrix. Numbers 2 (int8) and 3 (int4) are reserved. */
enum { TEMPER_FORMAT_F32 = 0, TEMPER_FORMAT_BF16 = 1 };

/** How a device keeps keys and values. Numbers 1 (bf16) and 2 (int8) are reserved. */
enum { TEMPER_KV_F32 = 0 };

/** Bits of temper_backend.flags. */
enum { TEMPER_BACKEND_HOST_MEMORY = 1 /**< backend memory is ordinary memory of the process */ };

/** What follows a matrix product, in this order: bias, activation, gate, residual. */
enum {
  TEMPER_ACTIVATION_NONE = 0,
  TEMPER_ACTIVATION_GELU_TANH = 1,
  TEMPER_ACTIVATION_GELU_ERF = 2,
  TEMPER_ACTIVATION_SWIGLU = 3 /**< outputs are [gate | up]; the result silu(gate)*up is half as wide */
};

enum { TEMPER_NORM_LAYER = 0, TEMPER_NORM_RMS = 1 };

typedef struct temper_device temper_device; /**< an opened backend */
typedef struct temper_linear temper_linear; /**< one packed weight matrix, immutable, shareable */
typedef struct temper_stream temper_stream; /**< work buffers of one forward context */
typedef struct temper_lane temper_lane;     /**< keys and values of one sequence: [layer][slot] */

struct temper_question; /**< what is asked about a row of logits: question.h */
struct temper_answer;   /**< what is answered: question.h */

typedef struct temper_device_options {
  const temper_allocator *allocator; /**< never NULL; outlives the device */
  const temper_executor *executor;   /**< never NULL; outlives the device: the host's threads */
  int32_t index;                     /**< which device of several */
} temper_device_options;

/** Rows [first, first+rows) of one weight matrix; several parts are stacked into one product. */
typedef struct temper_linear_part {
  const void *weight; /**< host memory, alive until linear_create returns */
  int32_t dtype;
  int64_t outputs;
  const float *bias;   /**< `outputs` values or NULL */
  const float *scales; /**< of file types with scales: [outputs][inputs/group]; NULL otherwise */
  int64_t group;       /**< inputs that share a scale; 0: none */
} temper_linear_part;

typedef struct temper_linear_desc {
  int64_t inputs;
  int32_t part_count;               /**< 1..4 */
  const temper_linear_part *parts;
  int32_t input_major;              /**< 0: weight is [outputs][inputs]; 1: [inputs][outputs] (GPT-2) */
  int32_t format;                   /**< TEMPER_FORMAT_...: how the packed weights are kept */
  int64_t group;                    /**< inputs per scale of the packed format; 0: the format's own */
  int32_t activation;               /**< the activation it will be used with (SWIGLU may change the packing) */
} temper_linear_desc;

/**
 * The rows of one call, in slot order per lane. Arrays of `count` host values.
 *
 * A row attends to slots [visible_begin, visible_end) of its lane and, where sees_itself says so, to its own
 * slot too, wherever that is (once, if the range holds it). One that sees no slot has output 0.
 */
typedef struct temper_rows {
  int32_t count;
  const int32_t *token;         /**< -1: a zero embedding */
  const int32_t *position;      /**< absolute, for rotary and learned positions */
  const int32_t *condition;     /**< index of the row's conditioning vector */
  temper_lane *const *lane;     /**< whose sequence it is of; looked at by rotary_write and attend alone */
  const int32_t *slot;          /**< where its key and value go in its lane */
  const int32_t *visible_begin;
  const int32_t *visible_end;
  const uint8_t *sees_itself;   /**< 1: attends to its own slot too; NULL: nobody does */
} temper_rows;

typedef struct temper_stream_plan {
  int32_t max_rows;
  int32_t max_logit_rows;
  int32_t max_slots; /**< slots that one row sees at most */
  int64_t max_width; /**< widest activation of any linear's input or output except the head's */
} temper_stream_plan;

typedef struct temper_lane_plan {
  int32_t layers, slots, kv_heads, head_dim;
  int32_t type; /**< TEMPER_KV_... */
} temper_lane_plan;

typedef struct temper_embedding {
  const void *table; /**< backend memory [vocabulary][width] of `dtype` */
  int32_t dtype;
  int64_t width;
  const float *positions; /**< backend memory [max][width], added; or NULL */
  const float *mix;       /**< per condition c: x = mix[c]*table[token] + (1-mix[c])*table[mask_row]; or NULL */
  int64_t mask_row;
} temper_embedding;

/**
 * Per-row modulation: row r uses the vector at base + condition[r]*stride. NULL base: none.
 * norm: y = n*(1 + v[scale_at]) + v[shift_at]; linear: y *= v[gate_at].
 */
typedef struct temper_modulation {
  const float *base;
  int64_t stride;
  int64_t shift_at, scale_at, gate_at;
} temper_modulation;

typedef struct temper_norm {
  int32_t kind;
  float epsilon;
  int64_t width;
  const float *weight; /**< backend memory, or NULL for ones */
  const float *bias;   /**< backend memory, or NULL */
  temper_modulation modulation;
} temper_norm;

typedef struct temper_attention {
  int32_t heads, kv_heads, head_dim;
  float scale;                      /**< of the scores, usually 1/sqrt(head_dim) */
  const float *rotary_cos;          /**< backend memory [positions][head_dim/2], half-split pairs; NULL: no rotary */
  const float *rotary_sin;
  const float *q_norm, *k_norm;     /**< RMS norm weights of each head [head_dim], before rotary; or NULL */
  float norm_epsilon;
} temper_attention;

typedef struct temper_backend {
  uint32_t abi;         /**< TEMPER_BACKEND_ABI */
  uint32_t struct_size; /**< sizeof(temper_backend) of the module */
  const char *name;     /**< "reference", "onednn", ... */
  uint32_t flags;       /**< TEMPER_BACKEND_... bits */

  /** > 0: usable here, the best backend has the highest value; 0: not, and `reason` says why. */
  int32_t (*score)(char *reason, size_t capacity);
  /** Static text about this build and machine, e.g. "oneDNN 2.6.3, avx2". */
  const char *(*describe)(void);

  int32_t (*open)(const temper_device_options *options, temper_device **out, char *reason, size_t capacity);
  void (*close)(temper_device *device);
  /** Of the calling thread's last operation that failed; "" when none did. One that fails always has words. */
  const char *(*last_error)(temper_device *device);

  void *(*alloc)(temper_device *device, size_t size); /**< NULL when out of memory; 64-byte aligned; zeroed */
  void (*release)(temper_device *device, void *memory, size_t size);
  int32_t (*upload)(temper_device *device, void *to, const void *from_host, size_t size);
  int32_t (*download)(temper_device *device, void *to_host, const void *from, size_t size);

  int32_t (*linear_create)(temper_device *device, const temper_linear_desc *desc, temper_linear **out);
  void (*linear_destroy)(temper_device *device, temper_linear *linear);
  /**
   * Bytes that linear_create would take (for estimates). That there is a bias counts: nothing that the parts point at
   * is read.
   */
  size_t (*linear_bytes)(temper_device *device, const temper_linear_desc *desc);

  int32_t (*stream_create)(temper_device *device, const temper_stream_plan *plan,
                           temper_linear *const *linears, int32_t linear_count, temper_stream **out);
  void (*stream_destroy)(temper_device *device, temper_stream *stream);
  size_t (*stream_bytes)(temper_device *device, const temper_stream_plan *plan);

  int32_t (*lane_create)(temper_device *device, const temper_lane_plan *plan, temper_lane **out);
  void (*lane_destroy)(temper_device *device, temper_lane *lane);
  size_t (*lane_bytes)(temper_device *device, const temper_lane_plan *plan);
  /** Moves slots [from, from+count) of every layer to [to, to+count); may overlap. */
  int32_t (*lane_move)(temper_stream *stream, temper_lane *lane, int32_t from, int32_t to, int32_t count);
  /**
   * A lane like `from` that begins with its first `kept` slots. The first `lasting` <= kept of these will
   * hardly be written again: both lanes may share their memory until one of them does write there, which is
   * the one case in which an operation of a step allocates. `shared`: how many bytes they share. Afterwards
   * the two may be used on different threads.
   */
  int32_t (*lane_fork)(temper_device *device, const temper_lane *from, int32_t kept, int32_t lasting,
                       temper_lane **out, size_t *shared);

  /** Starts a call: the operations below use these rows until the next begin. */
  int32_t (*begin)(temper_stream *stream, const temper_rows *rows);
  int32_t (*embed)(temper_stream *stream, float *out, const temper_embedding *embedding);
  /** out[i] = norm(in[index[i]]) for i < count; index NULL: all rows of the call, in order. */
  int32_t (*norm)(temper_stream *stream, float *out, const float *in, const temper_norm *norm,
                  const int32_t *index, int32_t count);
  /**
   * out[r] = residual[r] + gate * activation(W in[r] + bias) for r < rows. residual may be NULL or
   * alias out. The modulation's condition is that of row r of the call; without modulation the call's rows aren't
   * looked at, and there may be none: r is a row of `in` and nothing else.
   */
  int32_t (*linear)(temper_stream *stream, float *out, const float *in, int32_t rows,
                    const temper_linear *linear, int32_t activation, const float *residual,
                    const temper_modulation *modulation);
  /**
   * qkv is [rows][(heads + 2*kv_heads)*head_dim]. Norms and rotates q in place, norms and rotates k,
   * writes k and v of each row to its slot of `layer` of its lane.
   */
  int32_t (*rotary_write)(temper_stream *stream, float *qkv, const temper_attention *attention, int32_t layer);
  /** out [rows][heads*head_dim]: softmax attention of each row over the slots that it sees. */
  int32_t (*attend)(temper_stream *stream, float *out, const float *qkv, const temper_attention *attention,
                    int32_t layer);
  /** Waits for all work of the stream (GPU); 0 for host backends. */
  int32_t (*sync)(temper_stream *stream);

  /**
   * Optional. answers[i] answers questions[i] about row rows[i] of `logits`, [][columns] in backend memory; all but the
   * logits is host memory. rows[] never falls. When it returns, the answers are there. NULL: the library downloads
   * logits and answers on the host.
   */
  int32_t (*answer)(temper_stream *stream, const float *logits, int64_t columns, const int32_t *rows,
                    const struct temper_question *questions, int32_t count, struct temper_answer *answers);
} temper_backend;

/** The one exported symbol of a module; returns NULL when `abi` isn't the module's. */
#define TEMPER_BACKEND_ENTRY "temper_backend_entry"
typedef const temper_backend *(*temper_backend_entry_fn)(uint32_t abi);

#ifdef __cplusplus
}
#endif

#endif
