// The kernels that resize a dim, for floats.
#pragma once

namespace dovetail::cpu {

class KernelTable;
void add_resize(KernelTable& table);

}  // namespace dovetail::cpu
