// Lines of the user's program.
#pragma once

#include "core/tensor.h"

struct _object;

namespace dovetail::py {

// (file, function, line) of the write to a tensor's memory that found it at a version; None if that is not known.
_object* where_written(const TensorImpl& t, int64_t version);
void init_lines();

}  // namespace dovetail::py
