// The C ABI's table.
#pragma once

#include "dovetail/abi.h"

namespace dovetail {

// Declare every family's ops and register the CPU backend. Idempotent.
void initialize();

// The table handed to clients. Bindings fill in the slots that touch Python objects before they publish it.
dt_api& api_table();

}  // namespace dovetail
