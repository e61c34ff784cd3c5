/* Windows that slide over one to three spatial dims; fewer than three are three with sizes of 1 in front. */
#ifndef CEDAR_WINDOW_H
#define CEDAR_WINDOW_H

#include "cedar.h"

enum { SPATIAL = 3 };

/* The last `given` of three numbers; the others are `rest`. */
static inline void spatial(int64_t to[SPATIAL], const int64_t* from, int32_t given, int64_t rest) {
  for (int32_t d = 0; d < SPATIAL; ++d) to[d] = d < SPATIAL - given ? rest : from[d - (SPATIAL - given)];
}

/* Place i of a grid of these sizes, dim by dim. */
static inline void unravel(int64_t at[SPATIAL], int64_t i, const int64_t sizes[SPATIAL]) {
  for (int32_t d = SPATIAL - 1; d >= 0; --d) {
    at[d] = i % sizes[d];
    i /= sizes[d];
  }
}

static inline int64_t ravel(const int64_t at[SPATIAL], const int64_t sizes[SPATIAL]) {
  return (at[0] * sizes[1] + at[1]) * sizes[2] + at[2];
}

static inline int64_t volume(const int64_t sizes[SPATIAL]) { return sizes[0] * sizes[1] * sizes[2]; }

#endif
