// SPDX-License-Identifier: Apache-2.0
#include "picture.h"

#include "png.h"

#include <algorithm>
#include <cstdio>

namespace program {
namespace {

constexpr Colour paper{255, 255, 255}, ink{51, 56, 61}, settled_colour{38, 92, 135},
    worthless_colour{232, 234, 237}, little_noise{253, 226, 138}, much_noise{196, 62, 74};

/// Layout in pixels, the same for both kinds of picture.
constexpr int panel = 256, gap = 40, left = 56, top = 64, legend_height = 56;

Colour shade(double noise) {
  const auto mix = [noise](uint8_t low, uint8_t high) {
    return static_cast<uint8_t>(low + (high - low) * noise + 0.5);
  };
  return {mix(little_noise.red, much_noise.red), mix(little_noise.green, much_noise.green),
          mix(little_noise.blue, much_noise.blue)};
}

Colour colour_of(const Grid &grid, int row, int position) {
  const int level = grid.rows[static_cast<size_t>(row)][static_cast<size_t>(position)];
  if (level == 0) {
    return settled_colour;
  }
  if (grid.worthless(row, position)) {
    return worthless_colour;
  }
  // Shades start at the first level, so that one level of noise can be told from none. At most 64 shades.
  const double noise = grid.levels > 1 ? (level - 1.0) / (grid.levels - 1.0) : 1.0;
  return shade(static_cast<int>(noise * 63.0 + 0.5) / 63.0);
}

/// Something that draws rectangles and words.
struct Canvas {
  virtual ~Canvas() = default;
  virtual void box(double x, double y, double width, double height, Colour colour) = 0;
  virtual void text(double x, double y, const std::string &words, bool strong) = 0;
};

void draw(const std::vector<Grid> &grids, Canvas &canvas) {
  int most_calls = 1;
  for (const Grid &grid : grids) {
    most_calls = std::max(most_calls, grid.calls() + 1);
  }
  // One height of a call for all panels: fewer calls show as a shorter picture.
  const double cell_height = static_cast<double>(panel) / most_calls;
  int x = left;
  for (const Grid &grid : grids) {
    const double cell_width = static_cast<double>(panel) / std::max(grid.length, 1);
    canvas.text(x, top - 34, grid.title, true);
    canvas.text(x, top - 14, grid.subtitle, false);
    for (int row = 0; row <= grid.calls(); ++row) {
      for (int begin = 0; begin < grid.length;) {
        const Colour colour = colour_of(grid, row, begin);
        int end = begin + 1;
        while (end < grid.length && colour_of(grid, row, end) == colour) {
          ++end;
        }
        canvas.box(x + begin * cell_width, top + row * cell_height, (end - begin) * cell_width, cell_height, colour);
        begin = end;
      }
    }
    x += panel + gap;
  }
  canvas.text(8, top + 14, "step", false);
  canvas.text(8, top + 30, "down", false);
  const int line = top + panel + 14;
  canvas.text(left, line + 10, "position to the right", false);
  double at = left;
  const auto key = [&](Colour colour, const char *words) {
    canvas.box(at, line + 22, 14, 14, colour);
    canvas.text(at + 20, line + 33, words, false);
    at += 110;
  };
  key(settled_colour, "settled");
  for (int i = 0; i < 56; ++i) {
    canvas.box(at + i, line + 22, 1, 14, shade(i / 55.0));
  }
  canvas.text(at + 62, line + 33, "window: noise", false);
  at += 190;
  key(worthless_colour, "not started");
}

int width_of(const std::vector<Grid> &grids) {
  return left + static_cast<int>(grids.size()) * (panel + gap) - gap + 24;
}

int height_of() { return top + panel + legend_height; }

class Svg : public Canvas {
public:
  void box(double x, double y, double width, double height, Colour colour) override {
    char line[192];
    std::snprintf(line, sizeof line,
                  "<rect x=\"%.6g\" y=\"%.6g\" width=\"%.6g\" height=\"%.6g\" fill=\"#%02x%02x%02x\"/>\n", x,
                  y, width, height, colour.red, colour.green, colour.blue);
    body += line;
  }

  void text(double x, double y, const std::string &words, bool strong) override {
    char line[128];
    std::snprintf(line, sizeof line, "<text x=\"%.6g\" y=\"%.6g\"%s>", x, y,
                  strong ? " font-weight=\"bold\" font-size=\"15\"" : "");
    body += line;
    for (const char c : words) { // titles may come from the caller
      body += c == '<' ? "&lt;" : c == '&' ? "&amp;" : c == '>' ? "&gt;" : std::string(1, c);
    }
    body += "</text>\n";
  }

  std::string body;
};

class Png : public Canvas {
public:
  Png(int width, int height) : raster(width, height, paper) {}

  void box(double x, double y, double width, double height, Colour colour) override {
    // Edges are rounded, not sizes, so that neighbours meet.
    const int x0 = static_cast<int>(x + 0.5), y0 = static_cast<int>(y + 0.5);
    raster.fill(x0, y0, static_cast<int>(x + width + 0.5) - x0, static_cast<int>(y + height + 0.5) - y0, colour);
  }

  void text(double x, double y, const std::string &words, bool) override {
    raster.write(static_cast<int>(x), static_cast<int>(y) - 10, words, ink, 2);
  }

  Raster raster;
};

} // namespace

bool Grid::worthless(int row, int position) const {
  const auto level = [this](int r, int p) { return rows[static_cast<size_t>(r)][static_cast<size_t>(p)]; };
  return row < calls() && level(row, position) == levels && level(row + 1, position) == levels;
}

int Grid::frontier(int row) const {
  const std::vector<int> &line = rows[static_cast<size_t>(row)];
  return static_cast<int>(std::find_if(line.begin(), line.end(), [](int level) { return level > 0; }) - line.begin());
}

int64_t Grid::rows_computed() const {
  int64_t computed = calls() > 0 ? frontier(calls() - 1) : 0;
  for (int row = 0; row < calls(); ++row) {
    for (int position = frontier(row); position < length; ++position) {
      computed += worthless(row, position) ? 0 : 1;
    }
  }
  return computed;
}

std::string draw_svg(const std::vector<Grid> &grids) {
  Svg canvas;
  draw(grids, canvas);
  char head[320];
  std::snprintf(head, sizeof head,
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                "font-family=\"sans-serif\" font-size=\"12\" fill=\"#33383d\" shape-rendering=\"crispEdges\">\n"
                "<rect width=\"100%%\" height=\"100%%\" fill=\"#ffffff\"/>\n",
                width_of(grids), height_of(), width_of(grids), height_of());
  return head + canvas.body + "</svg>\n";
}

std::vector<uint8_t> draw_png(const std::vector<Grid> &grids) {
  Png canvas(width_of(grids), height_of());
  draw(grids, canvas);
  return canvas.raster.png();
}

} // namespace program
