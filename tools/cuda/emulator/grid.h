// What the driver asks of the emulator.
#pragma once
#include "block.h"

namespace emulator {

// The kernel of this name, or nullptr.
Call find_kernel(const char* name);

// Runs a kernel; false when no device would take such a grid.
bool run_grid(Call call, void** arguments, Indices blocks, Indices threads);

}  // namespace emulator
