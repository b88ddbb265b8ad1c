// SPDX-License-Identifier: Apache-2.0
// One function over the two interfaces of oneDNN: 2.x describes an operation before the primitive
// descriptor, 3.x doesn't.
#pragma once

#include <dnnl.hpp>

namespace temper::onednn {

inline dnnl::matmul::primitive_desc matmul_desc(const dnnl::engine &engine, const dnnl::memory::desc &a,
                                                const dnnl::memory::desc &b, const dnnl::memory::desc &c,
                                                const dnnl::primitive_attr &attributes) {
#if DNNL_VERSION_MAJOR >= 3
  return dnnl::matmul::primitive_desc(engine, a, b, c, attributes);
#else
  return dnnl::matmul::primitive_desc(dnnl::matmul::desc(a, b, c), attributes, engine);
#endif
}

}  // namespace temper::onednn
