// Planes of depth, height and width, each of them a row of `rows`; 2D has depth 1. The grid is one of planes
// (src/cuda/launch.rs): blocks of threads along planes and, where these are small, across them.
#pragma once
#include "common.cuh"

// A voxel of a plane, or next to it.
struct Place {
    int d, h, w;

    __device__ Place(int d, int h, int w) : d(d), h(h), w(w) {}
    // The voxel of this number, below 2^31, in storage order.
    __device__ Place(Count number, const int (&extent)[3]) {
        unsigned rest = (unsigned)number;
        w = rest % extent[2];
        rest /= extent[2];
        h = rest % extent[1];
        d = rest / extent[1];
    }
    __device__ bool inside(const int (&extent)[3]) const {
        return (unsigned)d < (unsigned)extent[0] && (unsigned)h < (unsigned)extent[1] && (unsigned)w < (unsigned)extent[2];
    }
    __device__ Count number(const int (&extent)[3]) const { return ((Count)d * extent[1] + h) * extent[2] + w; }
};

// Runs `body(row, index)` for all rows and all indices of a plane.
template <typename F> __device__ inline void each_of_planes(Count rows, Count len, F body) {
    Count row_step = (Count)gridDim.y * blockDim.y;
    for (Count row = blockIdx.y * (Count)blockDim.y + threadIdx.y; row < rows; row += row_step) {
        for (Count i = first_element(); i < len; i += element_step()) body(row, (int)i);
    }
}
