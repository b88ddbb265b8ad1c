// SPDX-License-Identifier: Apache-2.0
#include "cases.h"

#include "handles.h"

#include <algorithm>
#include <map>
#include <set>

namespace program {
namespace {

bool ends_with(const std::string &text, const std::string &end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

/// Name and separator of a case: "cache.block0.clean" and "_" from "cache.block0.clean_logits".
struct Name {
  std::string text;
  std::string separator;
};

/// Reads cases one by one, those that stand in another one's cache first.
class Reader {
public:
  Reader(const Arrays &arrays, bool causal) : arrays_(arrays), causal_(causal) {
    for (const auto &entry : arrays.all()) {
      const std::string &tensor = entry.first;
      if (ends_with(tensor, "attn_mask") || ends_with(tensor, "attn_allowed")) {
        causal_ = false;
      }
      if (!ends_with(tensor, "logits") || ends_with(tensor, "shifted_logits")) {
        continue;
      }
      std::string name = tensor.substr(0, tensor.size() - 6);
      std::string separator;
      if (!name.empty()) {
        separator = name.substr(name.size() - 1);
        name.pop_back();
        if (separator != "." && separator != "_") {
          continue;
        }
      }
      names_.push_back({name, separator});
    }
  }

  std::vector<Case> read() {
    std::vector<Case> cases;
    for (const Name &name : names_) {
      cases.push_back(build(name));
    }
    skip_others(cases);
    std::stable_sort(cases.begin(), cases.end(), in_order);
    return cases;
  }

private:
  /// Natural order: step2 before step10.
  static bool in_order(const Case &a, const Case &b) {
    const auto padded = [](const std::string &text) {
      std::string out, digits;
      for (const char c : text + '\0') {
        if (c >= '0' && c <= '9') {
          digits += c;
          continue;
        }
        if (!digits.empty()) {
          out += std::string(digits.size() < 12 ? 12 - digits.size() : 0, '0') + digits;
          digits.clear();
        }
        out += c;
      }
      return out;
    };
    return padded(a.name) < padded(b.name);
  }

  const Array *own_field(const Name &name, const std::string &field) const {
    return arrays_.find(name.text + name.separator + field);
  }

  /// A field of the case or of a name it begins with; @p from is where it was found.
  const Array *field(const Name &name, const std::string &field, std::string *from = nullptr) const {
    const Array *found = own_field(name, field);
    std::string base = name.text;
    while (found == nullptr && !base.empty()) {
      const size_t dot = base.rfind('.');
      base = dot == std::string::npos ? "" : base.substr(0, dot);
      found = arrays_.find(base.empty() ? field : base + "." + field);
    }
    if (from != nullptr) {
      *from = base;
    }
    return found;
  }

  static std::vector<int32_t> counting(int count, int first = 0, int modulus = 0) {
    std::vector<int32_t> values;
    for (int i = 0; i < count; ++i) {
      values.push_back(first + (modulus > 0 ? i % modulus : i));
    }
    return values;
  }

  /// Positions of a case's tokens. Not given: they count from 0; a case named block<j> stands behind j
  /// others of its size; twice as many tokens as logits are two copies of one sequence.
  std::vector<int32_t> positions(const Name &name, int tokens, int rows) const {
    const Array *given = field(name, "positions");
    if (given != nullptr && given->count() == tokens) {
      return given->integers();
    }
    const size_t block = name.text.find("block");
    if (block != std::string::npos) {
      const int index = std::atoi(name.text.c_str() + block + 5);
      return counting(tokens, index < 100000 ? index * tokens : 0);
    }
    return counting(tokens, 0, tokens == 2 * rows ? rows : 0);
  }

  /// What the model is told of the noise, [sequences][tokens].
  std::vector<std::vector<double>> conditions(const Name &name, size_t sequences, size_t tokens) const {
    std::vector<std::vector<double>> out(sequences, std::vector<double>(tokens, 0.0));
    const Array *given = nullptr;
    for (const char *key : {"sigma_used", "sigma", "t"}) {
      given = given != nullptr ? given : field(name, key);
    }
    if (given == nullptr) { // a tuple "..._t_s": times of a step, from t to s
      for (const auto &entry : arrays_.all()) {
        if (entry.first.rfind(name.text + name.separator, 0) == 0 && ends_with(entry.first, "_t_s") &&
            entry.second.count() >= 2) {
          const std::vector<double> tuple = entry.second.doubles();
          for (auto &sequence : out) {
            sequence.assign(tokens, tuple[tuple.size() - 2]);
          }
        }
      }
      return out;
    }
    const std::vector<double> values = given->doubles();
    for (size_t b = 0; b < sequences; ++b) {
      for (size_t i = 0; i < tokens; ++i) {
        if (values.size() == sequences * tokens && given->shape.size() == 2) {
          out[b][i] = values[b * tokens + i];
        } else if (values.size() == sequences) {
          out[b][i] = values[b];
        } else if (values.size() == tokens) {
          out[b][i] = values[i];
        }
      }
    }
    return out;
  }

  /// allowed[row][key] as the folder's mask says, keys being the context and then the rows; positions
  /// choose the entries of a mask that belongs to a longer case.
  bool allowed(const Name &name, const std::vector<int32_t> &key_positions, size_t rows,
               std::vector<std::vector<bool>> &out) const {
    for (const auto &[key, polarity] : {std::pair{"attn_mask", 0}, std::pair{"attn_allowed", 1}}) {
      std::string from;
      const Array *mask = field(name, key, &from);
      for (std::string base = name.text; mask == nullptr && base.rfind('_') != std::string::npos;) {
        base = base.substr(0, base.rfind('_')); // "train_sigma" has the mask of "train"
        mask = arrays_.find(base + "." + key);
        from = name.text;
      }
      if (mask == nullptr || mask->shape.size() != 2) {
        continue;
      }
      const std::vector<unsigned char> flags = mask->booleans();
      const size_t height = static_cast<size_t>(mask->shape[0]);
      const size_t width = static_cast<size_t>(mask->shape[1]);
      const size_t keys = key_positions.size();
      std::vector<size_t> row_index, key_index;
      if (height == rows && (width == keys || width == rows)) {
        for (size_t i = 0; i < keys; ++i) { // context that the mask doesn't mention is visible
          key_index.push_back(width == keys ? i : (i < keys - rows ? width : i - (keys - rows)));
        }
        for (size_t i = 0; i < rows; ++i) {
          row_index.push_back(i);
        }
      } else if (from != name.text) {
        const Array *given = arrays_.find(from.empty() ? "positions" : from + ".positions");
        const std::vector<int32_t> longer =
            given != nullptr ? given->integers() : counting(static_cast<int>(width));
        for (const int32_t position : key_positions) {
          key_index.push_back(
              static_cast<size_t>(std::find(longer.begin(), longer.end(), position) - longer.begin()));
          if (key_index.back() >= width || key_index.back() >= height) {
            return false;
          }
        }
        row_index.assign(key_index.end() - static_cast<std::ptrdiff_t>(rows), key_index.end());
      } else {
        return false;
      }
      out.assign(rows, std::vector<bool>(keys, true));
      for (size_t r = 0; r < rows; ++r) {
        for (size_t k = 0; k < keys; ++k) {
          if (key_index[k] < width) {
            out[r][k] = flags[row_index[r] * width + key_index[k]] == polarity;
          }
        }
      }
      return true;
    }
    return false;
  }

  /// The case whose keys and values stand in the cache when this one runs: of the same group, not a noisy
  /// one, and ending right before the first position. For a part of a block that replaces what the block
  /// had (`replace_position`): the first noisy call on that block.
  const Name *context(const Name &name, const std::vector<int32_t> &own) const {
    const Array *replaced = own_field(name, "replace_position");
    const std::string group = name.text.substr(0, name.text.find('.'));
    const Name *best = nullptr;
    int32_t best_begin = -1;
    for (const Name &other : names_) {
      const Array *tokens = field(other, "tokens");
      if (other.text == name.text || tokens == nullptr || tokens->shape.size() != 2 ||
          tokens->shape[1] < 1) {
        continue;
      }
      const auto theirs = positions(other, static_cast<int>(tokens->shape[1]), 0);
      const std::string last = other.text.substr(other.text.rfind('.') + 1);
      if (replaced != nullptr) {
        if (last == "noisy0" && theirs.front() == own.front() - replaced->integers().at(0) &&
            theirs.back() >= own.back()) {
          return &other;
        }
      } else if (other.text.rfind(group + ".", 0) == 0 && last.rfind("noisy", 0) != 0 &&
                 theirs.back() == own.front() - 1 && theirs.front() > best_begin) {
        best = &other;
        best_begin = theirs.front();
      }
    }
    return best;
  }

  /// Inputs, visibility and cache of a case; returns why it can't be built, or "".
  std::string build_graph(const Name &name, Case &out, int rows) {
    const Array *tokens = field(name, "tokens");
    if (tokens == nullptr || tokens->shape.size() != 2 || tokens->count() < 1) {
      return "no tokens";
    }
    const size_t sequences = static_cast<size_t>(tokens->shape[0]);
    const size_t count = static_cast<size_t>(tokens->shape[1]);
    const std::vector<int32_t> ids = tokens->integers();
    const std::vector<int32_t> own = positions(name, static_cast<int>(count), rows);
    const auto told = conditions(name, sequences, count);
    Graph &graph = out.graph;
    if (own.front() > 0) {
      if (const Name *before = context(name, own)) {
        if (!building_.insert(name.text).second) {
          return "cases that stand in each other's cache";
        }
        const Case cached = build(*before);
        building_.erase(name.text);
        if (!cached.skip.empty() || cached.sequences != static_cast<int>(sequences)) {
          return "its context, " + before->text + ", can't be run";
        }
        graph = cached.graph;
      } else if (name.text.find('.') != std::string::npos) {
        return "what stands in its cache isn't in the folder";
      }
    }
    std::vector<int> keys;
    for (const int key : graph.keys) {
      const int32_t position = graph.inputs[static_cast<size_t>(key)].position;
      if (std::find(own.begin(), own.end(), position) == own.end()) {
        keys.push_back(key);
      }
    }
    for (size_t i = 0; i < count; ++i) {
      Input input;
      input.position = own[i];
      for (size_t b = 0; b < sequences; ++b) {
        input.tokens.push_back(ids[b * count + i]);
        input.conditions.push_back(told[b][i]);
      }
      keys.push_back(static_cast<int>(graph.inputs.size()));
      out.own.push_back(keys.back());
      graph.inputs.push_back(std::move(input));
    }
    std::vector<int32_t> key_positions;
    for (const int key : keys) {
      key_positions.push_back(graph.inputs[static_cast<size_t>(key)].position);
    }
    std::vector<std::vector<bool>> may;
    if (!allowed(name, key_positions, count, may)) {
      if (static_cast<int>(count) != rows) {
        return "more tokens than logits, and no mask";
      }
      may.assign(count, std::vector<bool>(keys.size(), true));
      for (size_t i = 0; causal_ && i < count; ++i) {
        std::fill(may[i].end() - static_cast<std::ptrdiff_t>(count - 1 - i), may[i].end(), false);
      }
    }
    for (size_t i = 0; i < count; ++i) {
      std::vector<int> seen;
      for (size_t k = 0; k < keys.size(); ++k) {
        if (may[i][k]) {
          seen.push_back(keys[k]);
        }
      }
      std::sort(seen.begin(), seen.end());
      graph.sees.push_back(std::move(seen));
    }
    graph.keys = std::move(keys);
    return "";
  }

  Case build(const Name &name) {
    Case out;
    out.name = name.text.empty() ? "logits" : name.text;
    const Array *exact = own_field(name, "logits64");
    const Array *logits = exact != nullptr ? exact : own_field(name, "logits");
    if (logits == nullptr || logits->shape.size() != 3 || logits->count() < 1) {
      out.skip = "logits aren't [sequences, rows, columns]";
      return out;
    }
    out.sequences = static_cast<int>(logits->shape[0]);
    out.rows = static_cast<int>(logits->shape[1]);
    out.columns = static_cast<int>(logits->shape[2]);
    out.skip = build_graph(name, out, out.rows);
    if (out.skip.empty() && (static_cast<int>(out.own.size()) < out.rows ||
                             static_cast<int>(out.graph.inputs.back().tokens.size()) != out.sequences)) {
      out.skip = "tokens and logits don't fit each other";
    }
    if (!out.skip.empty()) {
      return out;
    }
    out.expected = logits->doubles();
    const Array *shifted = own_field(name, "shifted_logits");
    if (shifted != nullptr && shifted->shape == logits->shape) {
      out.shifted = shifted->doubles();
    }
    const size_t rows = static_cast<size_t>(out.rows);
    out.compare.assign(rows, true);
    const Array *settled = own_field(name, "settled_mask"), *active = own_field(name, "active_mask");
    for (size_t i = 0; i < rows; ++i) {
      if (settled != nullptr && active != nullptr && settled->count() >= out.rows &&
          active->count() >= out.rows) {
        out.compare[i] = settled->booleans()[i] != 0 || active->booleans()[i] != 0;
      }
      if (out.graph.sees[static_cast<size_t>(out.own[i])].empty()) {
        out.compare[i] = false; // a row that reads nothing is absent
      }
    }
    return out;
  }

  /// Tensors that belong to no case with logits: named, so that nothing is passed over in silence.
  void skip_others(std::vector<Case> &cases) const {
    std::set<std::string> others;
    for (const auto &entry : arrays_.all()) {
      const std::string &tensor = entry.first;
      const size_t dot = tensor.rfind('.');
      const std::string group = dot == std::string::npos ? "" : tensor.substr(0, dot);
      const bool known = std::any_of(names_.begin(), names_.end(), [&](const Name &name) {
        return name.text.empty() || tensor.rfind(name.text + name.separator, 0) == 0 ||
               group.empty() || name.text.rfind(group + ".", 0) == 0;
      });
      if (!known) {
        others.insert(group);
      }
    }
    for (const std::string &name : others) {
      Case other;
      other.name = name;
      other.skip = arrays_.find(name + ".prompt") != nullptr
                       ? "a whole run of a published sampler: tokens, no logits"
                       : "no logits: a sampler's step";
      cases.push_back(std::move(other));
    }
  }

  const Arrays &arrays_;
  bool causal_;
  std::vector<Name> names_;
  std::set<std::string> building_;
};

} // namespace

std::vector<Case> read_cases(const Arrays &arrays, bool causal) { return Reader(arrays, causal).read(); }

} // namespace program
