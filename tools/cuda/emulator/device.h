// What a kernel's source needs of CUDA to be compiled by a host compiler: each thread of a block is a fiber (block.h).
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "block.h"

#define MEDNN_ON_HOST
#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __restrict__
#define __launch_bounds__(...)
#define __shared__ static

#define threadIdx (emulator::now().thread)
#define blockIdx (emulator::now().block)
#define blockDim (emulator::now().threads)
#define gridDim (emulator::now().blocks)

static inline void __syncthreads() { emulator::wait_for_block(); }
static inline void __syncwarp(unsigned = 0xffffffffu) { emulator::wait_for_warp(); }

// Every lane of the warp gives a value and gets that of another.
template <typename T> static inline T emulator_exchange(T value, int from) {
    static_assert(sizeof(T) <= emulator::SLOT, "a value that fits into a slot");
    memcpy(emulator::slot(emulator::lane()), &value, sizeof(T));
    emulator::wait_for_warp();
    T got;
    memcpy(&got, emulator::slot(from), sizeof(T));
    emulator::wait_for_warp();
    return got;
}
template <typename T> static inline T __shfl_xor_sync(unsigned, T value, int mask) {
    return emulator_exchange(value, emulator::lane() ^ mask);
}
template <typename T> static inline T __shfl_sync(unsigned, T value, int from) { return emulator_exchange(value, from); }
template <typename T> static inline T __shfl_down_sync(unsigned, T value, int distance) {
    int from = emulator::lane() + distance;
    return emulator_exchange(value, from < 32 ? from : emulator::lane());
}

template <typename T> static inline T min(T a, T b) { return a < b ? a : b; }
template <typename T> static inline T max(T a, T b) { return a > b ? a : b; }
static inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)(((uint64_t)a * b) >> 32); }
static inline unsigned __float_as_uint(float x) { unsigned bits; memcpy(&bits, &x, 4); return bits; }
static inline float __uint_as_float(unsigned bits) { float x; memcpy(&x, &bits, 4); return x; }
template <typename T> static inline T __ldg(const T* from) { return *from; }
template <typename T> static inline T atomicMin(T* place, T value) {
    T before = *place;
    if (value < before) *place = value;
    return before;
}
