// SPDX-License-Identifier: Apache-2.0
#include "plan.h"

#include <algorithm>
#include <map>
#include <set>

namespace program {
namespace {

using Set = std::vector<int>; // sorted, no repetition

Set closure(const Visibility &sees, int row) {
  std::vector<bool> known(sees.size(), false);
  std::vector<int> open{row};
  known[static_cast<size_t>(row)] = true;
  while (!open.empty()) {
    const int next = open.back();
    open.pop_back();
    for (const int read : sees[static_cast<size_t>(next)]) {
      if (!known[static_cast<size_t>(read)]) {
        known[static_cast<size_t>(read)] = true;
        open.push_back(read);
      }
    }
  }
  Set all;
  for (size_t i = 0; i < known.size(); ++i) {
    if (known[i]) {
      all.push_back(static_cast<int>(i));
    }
  }
  return all;
}

/// Looks for an order of classes of rows in which every set is consecutive, by depth-first search: once
/// a set has begun, only its members may follow until it is complete.
class Search {
public:
  Search(std::vector<std::vector<bool>> member, std::vector<size_t> size)
      : member_(std::move(member)), size_(std::move(size)), placed_(size_.size(), 0),
        used_(member_.size(), false) {}

  bool run() { return extend(); }
  const std::vector<size_t> &order() const { return order_; }

private:
  bool fits(size_t candidate) const {
    for (size_t s = 0; s < size_.size(); ++s) {
      if (placed_[s] > 0 && placed_[s] < size_[s] && !member_[candidate][s]) {
        return false;
      }
    }
    return true;
  }

  bool extend() {
    if (order_.size() == member_.size()) {
      return true;
    }
    for (size_t c = 0; c < member_.size(); ++c) {
      if (used_[c]) {
        continue;
      }
      if (budget_ == 0) {
        return false;
      }
      --budget_;
      if (!fits(c)) {
        continue;
      }
      place(c, true);
      if (extend()) {
        return true;
      }
      place(c, false);
    }
    return false;
  }

  void place(size_t c, bool in) {
    used_[c] = in;
    for (size_t s = 0; s < size_.size(); ++s) {
      if (member_[c][s]) {
        placed_[s] = in ? placed_[s] + 1 : placed_[s] - 1;
      }
    }
    if (in) {
      order_.push_back(c);
    } else {
      order_.pop_back();
    }
  }

  std::vector<std::vector<bool>> member_; // [class][set]
  std::vector<size_t> size_, placed_;     // [set], counted in classes
  std::vector<bool> used_;
  std::vector<size_t> order_;
  size_t budget_ = 2000000;
};

/// Slot order of the rows in @p rows, or nothing.
std::vector<int> consecutive(const Visibility &sees, const Set &rows) {
  std::set<Set> distinct;
  for (const int row : rows) {
    distinct.insert(sees[static_cast<size_t>(row)]);
  }
  const std::vector<Set> sets(distinct.begin(), distinct.end());
  // Rows that are in the same sets are interchangeable: one class.
  std::map<int, std::vector<bool>> signature;
  for (const int row : rows) {
    signature[row].assign(sets.size(), false);
  }
  for (size_t s = 0; s < sets.size(); ++s) {
    for (const int row : sets[s]) {
      signature[row][s] = true;
    }
  }
  std::map<std::vector<bool>, std::vector<int>> by_signature;
  for (const int row : rows) {
    by_signature[signature[row]].push_back(row);
  }
  std::vector<std::vector<int>> classes;
  for (auto &entry : by_signature) {
    classes.push_back(entry.second);
  }
  // What most rows read comes first: for nested visibilities this is already the answer.
  const auto readers = [&](const std::vector<int> &members) {
    const std::vector<bool> &in = signature[members.front()];
    return std::count(in.begin(), in.end(), true);
  };
  std::sort(classes.begin(), classes.end(), [&](const auto &a, const auto &b) {
    const auto ra = readers(a), rb = readers(b);
    return ra != rb ? ra > rb : a.front() < b.front();
  });
  std::vector<std::vector<bool>> member;
  std::vector<size_t> size(sets.size(), 0);
  for (const std::vector<int> &members : classes) {
    member.push_back(signature[members.front()]);
    for (size_t s = 0; s < sets.size(); ++s) {
      size[s] += member.back()[s] ? 1 : 0;
    }
  }
  Search search(std::move(member), std::move(size));
  std::vector<int> order;
  if (search.run()) {
    for (const size_t c : search.order()) {
      order.insert(order.end(), classes[c].begin(), classes[c].end());
    }
  }
  return order;
}

Arrangement finish(const Visibility &sees, const std::vector<int> &order, std::vector<bool> &missing) {
  Arrangement call;
  call.order = order;
  std::vector<int> slot(sees.size(), -1);
  for (size_t i = 0; i < order.size(); ++i) {
    slot[static_cast<size_t>(order[i])] = static_cast<int>(i);
  }
  for (const int row : order) {
    int begin = static_cast<int>(order.size()), end = 0;
    for (const int read : sees[static_cast<size_t>(row)]) {
      begin = std::min(begin, slot[static_cast<size_t>(read)]);
      end = std::max(end, slot[static_cast<size_t>(read)] + 1);
    }
    call.begin.push_back(begin);
    call.end.push_back(end);
    call.deliver.push_back(missing[static_cast<size_t>(row)]);
    missing[static_cast<size_t>(row)] = false;
  }
  return call;
}

/// Adds the calls that deliver the missing rows of a closed set; false when it can't be done.
bool solve(const Visibility &sees, const Set &rows, std::vector<bool> &missing,
           std::vector<Arrangement> &calls) {
  for (const int row : rows) {
    if (sees[static_cast<size_t>(row)].empty()) {
      return false;
    }
  }
  const std::vector<int> order = consecutive(sees, rows);
  if (!order.empty()) {
    calls.push_back(finish(sees, order, missing));
    return true;
  }
  std::set<Set> parts;
  for (const int row : rows) {
    if (missing[static_cast<size_t>(row)]) {
      parts.insert(closure(sees, row));
    }
  }
  // Small ones first: their rows are then found in the cache by the larger ones. A part that lies
  // within another one of the list comes for free with it when that one can be ordered.
  std::vector<Set> sorted(parts.begin(), parts.end());
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Set &a, const Set &b) { return a.size() < b.size(); });
  for (const Set &part : sorted) {
    if (part.size() == rows.size() || !solve(sees, part, missing, calls)) {
      return false;
    }
  }
  return true;
}

} // namespace

std::vector<Arrangement> arrange(const Visibility &sees, const std::vector<int> &wanted) {
  std::vector<bool> missing(sees.size(), false);
  std::set<int> needed;
  for (const int row : wanted) {
    missing[static_cast<size_t>(row)] = true;
    if (needed.count(row) == 0) {
      const Set all = closure(sees, row);
      needed.insert(all.begin(), all.end());
    }
  }
  std::vector<Arrangement> calls;
  if (needed.empty() || !solve(sees, Set(needed.begin(), needed.end()), missing, calls)) {
    return {};
  }
  // A call whose rows were all delivered by earlier ones has nothing to add.
  std::erase_if(calls, [](const Arrangement &call) {
    return std::find(call.deliver.begin(), call.deliver.end(), true) == call.deliver.end();
  });
  return calls;
}

} // namespace program
