// SPDX-License-Identifier: Apache-2.0
// Every kind of sampler: its name, which is also that of its table in kinds/, and its public number.
#pragma once

#include <temper/sampler.h>

#define TEMPER_SAMPLER_KINDS(entry)                    \
  entry(ancestral, TEMPER_SAMPLER_ANCESTRAL)           \
  entry(acs, TEMPER_SAMPLER_ACS)                       \
  entry(greedy, TEMPER_SAMPLER_GREEDY)                 \
  entry(analytic, TEMPER_SAMPLER_ANALYTIC)             \
  entry(remask, TEMPER_SAMPLER_REMASK)                 \
  entry(remdm, TEMPER_SAMPLER_REMDM)                   \
  entry(first_hitting, TEMPER_SAMPLER_FIRST_HITTING)   \
  entry(confidence, TEMPER_SAMPLER_CONFIDENCE)         \
  entry(threshold, TEMPER_SAMPLER_THRESHOLD)           \
  entry(entropy_bound, TEMPER_SAMPLER_ENTROPY_BOUND)   \
  entry(gibbs, TEMPER_SAMPLER_GIBBS)                   \
  entry(renoise, TEMPER_SAMPLER_RENOISE)               \
  entry(self_correct, TEMPER_SAMPLER_SELF_CORRECT)     \
  entry(edit, TEMPER_SAMPLER_EDIT)
