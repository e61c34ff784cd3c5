// Where the user's program is.
#pragma once

#include <cstdint>

struct _object;

namespace dovetail::py {

// A number for the line on which this thread is in the innermost function that is not the library's; 0 if there is
// none. It takes some nanoseconds, and is good until the process ends. Works with and without Python's lock.
uint64_t place_now() noexcept;

// (file, function, line) of such a number; None if it is 0, or of a function that is long gone (see places.cc).
_object* describe_place(uint64_t place);

}  // namespace dovetail::py
