// See copy_rare.cc.
#pragma once

namespace dovetail::cpu {
class KernelTable;
void register_copy_rare(KernelTable& table);
}  // namespace dovetail::cpu
