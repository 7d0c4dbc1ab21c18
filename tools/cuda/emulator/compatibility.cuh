// Stands in for the header of this name that candle's kernels include: what they take from CUDA beyond device.h.
#pragma once
#include <cmath>

using std::isnan;
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
inline float normcdff(float x) { return 0.5f * std::erfc(-x / std::sqrt(2.0f)); }
inline double normcdf(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
