/* sort(self, dim, descending, stable): by merging, so always stable. NaN counts as the largest. */
#include <math.h>
#include <string.h>

#include "cedar.h"

typedef struct keyed {
  cell value;
  int64_t place;
} keyed;

static bool is_less(int kind, cell a, cell b) {
  if (kind == REAL) return a.real < b.real || (isnan(b.real) && !isnan(a.real));
  return kind == WHOLE ? a.whole < b.whole : a.natural < b.natural;
}

/* Merge sort, bottom up: of two runs the first one's element goes first unless the other's must. */
static void sort_line(keyed* line, keyed* spare, int64_t n, int kind, bool descending) {
  for (int64_t width = 1; width < n; width *= 2) {
    for (int64_t begin = 0; begin < n; begin += 2 * width) {
      const int64_t middle = smaller(begin + width, n), end = smaller(begin + 2 * width, n);
      int64_t a = begin, b = middle;
      for (int64_t to = begin; to < end; ++to) {
        bool second = a == middle;
        if (!second && b < end)
          second =
              descending ? is_less(kind, line[a].value, line[b].value) : is_less(kind, line[b].value, line[a].value);
        spare[to] = line[second ? b++ : a++];
      }
    }
    memcpy(line, spare, (size_t)n * sizeof(keyed));
  }
}

static dt_status sort(const call* c) {
  const dt_array* self = &c->ins[0];
  const lines l = lines_of(self, c->args[1].as.i);
  const int kind = dtype_of(self->dtype)->kind;
  cell *values = load_input(c, 0), *places = new_cells(c, count_of(self));
  keyed* line = (keyed*)new_cells(c, 4 * l.size);
  if (!values || !places || !line) return DT_ERR_MEMORY;
  for (int64_t k = 0; k < l.outer * l.inner; ++k) {
    const int64_t first = k / l.inner * l.size * l.inner + k % l.inner;
    for (int64_t i = 0; i < l.size; ++i) line[i] = (keyed){values[first + i * l.inner], i};
    sort_line(line, line + l.size, l.size, kind, c->args[2].as.i);
    for (int64_t i = 0; i < l.size; ++i) {
      values[first + i * l.inner] = line[i].value;
      places[first + i * l.inner].whole = line[i].place;
    }
  }
  store_output(c, 0, values);
  store_output(c, 1, places);
  return DT_OK;
}

const kernel sort_kernels[] = {
    {"sort", ORDERED, sort, NULL, NULL, {0}},
    {0},
};
