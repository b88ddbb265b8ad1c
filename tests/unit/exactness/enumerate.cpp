// SPDX-License-Identifier: Apache-2.0
#include "enumerate.h"

#include "noise/posterior.h"

#include <algorithm>
#include <cmath>

namespace temper::test {

Path path_of(const Noise &noise) {
  return [noise](int32_t from, int32_t to, int32_t levels) { return noise.transition(from, to, levels); };
}

Row row_of(const Hyperschedule &schedule, const Path &path, int64_t call, int length) {
  Row row;
  row.drops = schedule.drops(call, length);
  row.begin = static_cast<int>(schedule.settled_end(call, length));
  row.end = static_cast<int>(schedule.active_end(call, length));
  for (int i = 0; i < length; ++i) {
    row.steps.push_back(path(schedule.level(call, i), schedule.level(call + 1, i), schedule.levels()));
    row.kappa.push_back(row.steps.back().kappa_t);
  }
  return row;
}

void shape(const SamplerParameters &parameters, std::vector<double> &p) {
  if (parameters.temperature != 1)
    for (double &value : p) value = std::pow(value, 1 / parameters.temperature);
  if (parameters.top_k > 0 && static_cast<size_t>(parameters.top_k) < p.size()) {
    std::vector<double> sorted = p;
    std::sort(sorted.begin(), sorted.end(), std::greater<>());
    const double lowest = sorted[static_cast<size_t>(parameters.top_k) - 1];
    for (double &value : p) value = value < lowest ? 0 : value;
  }
  normalise(p.size(), p.data());
}

Enumeration::Enumeration(const Toy &model, const Hyperschedule &schedule, Path path, bool masks, SamplerKind kind,
                         const SamplerParameters &parameters)
    : model_(model), schedule_(schedule), path_(std::move(path)), masks_(masks), kind_(kind), parameters_(parameters) {}

std::vector<double> Enumeration::run() {
  const Places &of = model_.places;
  const auto n = static_cast<size_t>(of.tokens);
  now_.assign(of.states(), 0.0);
  now_[of.begin()] = 1;
  places_.assign(static_cast<size_t>(of.length), {std::vector<double>(n), 0});
  prediction_ = {std::vector<double>(n), std::vector<double>(n)};
  const int64_t calls = schedule_.steps(of.length);
  for (int64_t k = 0; k < calls; ++k) {
    const Row row = row_of(schedule_, path_, k, of.length);
    if (!row.drops) continue;
    enter(row);
    if (kind_ == SamplerKind::first_hitting) {
      hit(row);
      continue;
    }
    if (kind_ == SamplerKind::gibbs)
      for (int step = 0; step < static_cast<int>(parameters_.corrector_steps); ++step) correct(row);
    move(row);
  }
  std::vector<double> final(of.sequences(), 0.0);
  for (size_t state = 0; state < now_.size(); ++state) {
    if (now_[state] == 0) continue;
    const std::ptrdiff_t sequence = of.sequence_of(state);
    if (sequence < 0) return {-1};
    final[static_cast<size_t>(sequence)] += now_[state];
  }
  return final;
}

// Positions that are in a window for the first time.
void Enumeration::enter(const Row &row) {
  const Places &of = model_.places;
  for (int i = 0; i < row.end; ++i) {
    next_.assign(of.states(), 0.0);
    for (size_t state = 0; state < now_.size(); ++state) {
      if (now_[state] == 0) continue;
      if (of.at(state, i) != of.absent()) next_[state] += now_[state];
      else if (masks_) next_[of.with(state, i, of.mask())] += now_[state];
      else
        for (int x = 0; x < of.tokens; ++x) next_[of.with(state, i, x)] += now_[state] / of.tokens;
    }
    now_.swap(next_);
  }
}

const Enumeration::Prediction &Enumeration::prediction(const Row &row, size_t state, int position) {
  const HeadDescription &head = model_.description;
  const auto n = static_cast<size_t>(model_.places.tokens);
  const int seen = model_.places.at(state, position);
  const int32_t y = seen < model_.places.tokens ? seen : masked_state;
  const Transition &step = row.steps[static_cast<size_t>(position)];
  std::vector<double> &full = prediction_.full, &pit = prediction_.pit;
  model_.predict(state, row.kappa, position, full.data());
  for (double &value : full) value = std::exp(value);
  const bool plugged_in = head.kind == HeadForm::leave_one_out || head.kind == HeadForm::score_exact;
  if (head.kind == HeadForm::score_exact) leave_one_out_from_score(step.kappa_t, n, y, full.data(), full.data());
  if (head.kind == HeadForm::score_official_gamma) posterior_from_official_score(step.sigma_t, n, y, full.data(), full.data());
  shape(parameters_, full);
  pit = full;
  if (y == masked_state) return prediction_;
  if (plugged_in) {
    posterior_from_leave_one_out(step.kappa_t, n, y, pit.data(), full.data());
  } else if (head.kind == HeadForm::posterior && kind_ == SamplerKind::acs) {
    // Adaptive correction takes such a model at its word: its tilt is part of the method.
  } else if (head.kind == HeadForm::posterior && !std::isnan(head.kappa_eff)) {
    const double uniform = (1 - head.kappa_eff) / static_cast<double>(n);
    leave_one_out_from_posterior(uniform / (head.kappa_eff + uniform), n, y, full.data(), pit.data());
    recalibrate_posterior(head.kappa_eff, step.kappa_t, n, y, full.data(), full.data());
  } else {
    leave_one_out_from_posterior(step.rho(static_cast<double>(n)), n, y, full.data(), pit.data());
  }
  return prediction_;
}

// MATH 4.2: P(M | real) and P(real | M).
void Enumeration::remdm(const Transition &step, const std::vector<double> &pi, int y, Place &place) const {
  double alpha_t = 1 - step.m_t, alpha_s = 1 - step.m_s, sigma = 0;
  if (parameters_.rule == 3) {
    const double on = parameters_.t_on, off = parameters_.t_off, level = parameters_.alpha_on;
    const auto alpha = [&](double t) {
      return t > on ? level * (1 - t) / (1 - on) : t > off ? level : 1 - (1 - level) * t / off;
    };
    alpha_t = alpha(step.t);
    alpha_s = alpha(step.s);
    if (step.t <= on && step.s > off) sigma = parameters_.eta;
  } else {
    const double most = alpha_t > 0 ? std::min(1.0, (1 - alpha_s) / alpha_t) : 1;
    sigma = parameters_.rule == 0 ? std::min(parameters_.eta, most) : parameters_.eta * most;
  }
  if (y >= 0) {
    std::fill(place.token.begin(), place.token.end(), 0.0);
    place.token[static_cast<size_t>(y)] = 1 - sigma;
    place.mask = sigma;
    return;
  }
  const double reveal = (alpha_s - (1 - sigma) * alpha_t) / (1 - alpha_t);
  for (size_t z = 0; z < pi.size(); ++z) place.token[z] = reveal * pi[z];
  place.mask = 1 - reveal;
}

void Enumeration::law(const Row &row, size_t state, int position, Place &place) {
  const Transition &step = row.steps[static_cast<size_t>(position)];
  const auto n = static_cast<size_t>(model_.places.tokens);
  const int seen = model_.places.at(state, position);
  const int32_t y = seen < model_.places.tokens ? seen : masked_state;
  std::vector<double> &out = place.token;
  const auto stay = [&] {
    std::fill(out.begin(), out.end(), 0.0);
    place.mask = y == masked_state ? 1 : 0;
    if (y != masked_state) out[static_cast<size_t>(y)] = 1;
  };
  if (step.identity) return stay();
  const Prediction &p = prediction(row, state, position);
  const bool carried = y != masked_state && (model_.description.carry_over || step.visible_fixed);
  switch (kind_) {
    case SamplerKind::remask:
      return step_remasking(step, parameters_.zeta, n, y, p.pit.data(), out.data(), &place.mask);
    case SamplerKind::remdm: return remdm(step, p.full, y, place);
    case SamplerKind::renoise: {
      if (carried && !(step.m_s > 0)) return stay();
      for (size_t z = 0; z < n; ++z) {
        const double clean = carried ? (static_cast<int32_t>(z) == y ? 1 : 0) : p.full[z];
        out[z] = (1 - step.m_s) * (step.kappa_s * clean + (1 - step.kappa_s) / static_cast<double>(n));
      }
      place.mask = step.m_s;
      return;
    }
    case SamplerKind::acs: {
      if (y == masked_state) {
        for (size_t z = 0; z < n; ++z) out[z] = step.reveal * p.full[z];
        place.mask = step.stay;
        return;
      }
      const double again = model_.description.carry_over || step.final ? 0 : parameters_.eta * step.stay;
      for (size_t z = 0; z < n; ++z) out[z] = again * p.full[z];
      out[static_cast<size_t>(y)] += 1 - again;
      place.mask = 0;
      return;
    }
    default: break;
  }
  if (carried) return stay();
  step_from_posterior(step, n, y, p.full.data(), out.data(), &place.mask);
  const HeadForm form = model_.description.kind;
  if (form == HeadForm::leave_one_out || form == HeadForm::score_exact)
    step_from_leave_one_out(step, n, y, p.pit.data(), out.data(), &place.mask);
  if (kind_ != SamplerKind::greedy) return;
  // Whether it moves is the exact chain's; where to is the most probable token, of the others for a visible one.
  size_t best = n;
  for (size_t z = 0; z < n; ++z)
    if (static_cast<int32_t>(z) != y && (best == n || p.full[z] > p.full[best])) best = z;
  const double kept = y == masked_state ? place.mask : out[static_cast<size_t>(y)];
  std::fill(out.begin(), out.end(), 0.0);
  if (y != masked_state) out[static_cast<size_t>(y)] = kept;
  out[best] += 1 - kept;
}

void Enumeration::spread(size_t state, int position, double p) {
  const Places &of = model_.places;
  if (position < 0) {
    next_[state] += p;
    return;
  }
  // Outside the window: as it is.
  const Place &place = places_[static_cast<size_t>(position)];
  if (place.mask < 0) return spread(state, position - 1, p);
  if (place.mask > 0) spread(of.with(state, position, of.mask()), position - 1, p * place.mask);
  for (int x = 0; x < of.tokens; ++x)
    if (const double q = place.token[static_cast<size_t>(x)]; q > 0) spread(of.with(state, position, x), position - 1, p * q);
}

void Enumeration::move(const Row &row) {
  next_.assign(now_.size(), 0.0);
  for (size_t state = 0; state < now_.size(); ++state) {
    if (now_[state] == 0) continue;
    for (int i = 0; i < model_.places.length; ++i) {
      Place &place = places_[static_cast<size_t>(i)];
      place.mask = -1;
      if (i >= row.begin && i < row.end) law(row, state, i, place);
    }
    spread(state, model_.places.length - 1, now_[state]);
  }
  now_.swap(next_);
}

// The masks that the row of levels reveals, each by itself; their times are exchangeable, so any order is as likely
// as another, and every token sees the ones before it.
void Enumeration::hit(const Row &row) {
  next_.assign(now_.size(), 0.0);
  for (size_t state = 0; state < now_.size(); ++state) {
    if (now_[state] == 0) continue;
    for (unsigned set = 0; set < 1U << model_.places.length; ++set) {
      double p = now_[state];
      for (int i = 0; i < model_.places.length; ++i) {
        const Transition &step = row.steps[static_cast<size_t>(i)];
        const bool can = i >= row.begin && i < row.end && !step.identity && model_.places.at(state, i) == model_.places.mask();
        const double reveal = can ? step.reveal : 0;
        p *= (set >> i & 1U) != 0 ? reveal : 1 - reveal;
      }
      if (p > 0) reveal_in_turn(row, state, set, p);
    }
  }
  now_.swap(next_);
}

void Enumeration::reveal_in_turn(const Row &row, size_t state, unsigned waiting, double p) {
  if (waiting == 0) {
    next_[state] += p;
    return;
  }
  int count = 0;
  for (int i = 0; i < model_.places.length; ++i) count += static_cast<int>(waiting >> i & 1U);
  for (int i = 0; i < model_.places.length; ++i) {
    if ((waiting >> i & 1U) == 0) continue;
    const std::vector<double> pi = prediction(row, state, i).full;
    for (int x = 0; x < model_.places.tokens; ++x)
      reveal_in_turn(row, model_.places.with(state, i, x), waiting & ~(1U << i), p / count * pi[static_cast<size_t>(x)]);
  }
}

// So many visible tokens, all choices equally likely, take a draw from P_t at once (MATH 4.2).
void Enumeration::correct(const Row &row) {
  const Places &of = model_.places;
  next_.assign(now_.size(), 0.0);
  for (size_t state = 0; state < now_.size(); ++state) {
    if (now_[state] == 0) continue;
    unsigned able = 0;
    int count = 0;
    for (int i = row.begin; i < row.end; ++i)
      if (!row.steps[static_cast<size_t>(i)].identity && of.at(state, i) < of.tokens) {
        able |= 1U << i;
        ++count;
      }
    const int wanted = std::min(count, static_cast<int>(parameters_.corrector_positions));
    if (wanted == 0) {
      next_[state] += now_[state];
      continue;
    }
    double choices = 0;
    const auto chosen = [&](unsigned set) {
      int bits = 0;
      for (int i = 0; i < of.length; ++i) bits += static_cast<int>(set >> i & 1U);
      return (set & ~able) == 0 && bits == wanted;
    };
    for (unsigned set = 0; set < 1U << of.length; ++set) choices += chosen(set) ? 1 : 0;
    for (unsigned set = 0; set < 1U << of.length; ++set) {
      if (!chosen(set)) continue;
      for (int i = 0; i < of.length; ++i) {
        Place &place = places_[static_cast<size_t>(i)];
        place.mask = -1;
        if ((set >> i & 1U) == 0) continue;
        place.mask = 0;
        const double kappa = row.kappa[static_cast<size_t>(i)];
        const std::vector<double> &pit = prediction(row, state, i).pit;
        for (size_t z = 0; z < pit.size(); ++z) place.token[z] = kappa * pit[z] + (1 - kappa) / of.tokens;
      }
      spread(state, of.length - 1, now_[state] / choices);
    }
  }
  now_.swap(next_);
}

}  // namespace temper::test
