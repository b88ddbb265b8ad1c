// SPDX-License-Identifier: Apache-2.0
// The choice of an instruction set.
#include "backends/cpu/kernels.h"

#include "backends/cpu/kernels_parts.h"

#include "backends/cpu/targets.h"
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/cpu/kernels.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace temper::cpu::HWY_NAMESPACE {

const char *target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace temper::cpu::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace temper::cpu {
HWY_EXPORT(target_name);

Kernels choose_kernels() {
  // Before this the tables point to functions that choose anew at every call.
  if (!hwy::GetChosenTarget().IsInitialized()) hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  Kernels kernels{};
  choose_rows(&kernels);
  choose_attention(&kernels);
  return kernels;
}

const char *instruction_set() {
  (void)choose_kernels();
  return HWY_DYNAMIC_DISPATCH(target_name)();
}
}  // namespace temper::cpu
#endif
