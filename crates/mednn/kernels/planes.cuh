// Planes of depth, height and width, each of them a row of `rows`; 2D has depth 1. The grid is one of planes
// (src/cuda/launch.rs): blocks of threads along planes and, where these are small, across them.
#pragma once
#include "common.cuh"

struct Place {
    int d, h, w;

    __device__ Place(int index, const int (&extent)[3]) {
        w = index % extent[2];
        index /= extent[2];
        h = index % extent[1];
        d = index / extent[1];
    }
};

// Runs `body(row, index)` for all rows and all indices of a plane.
template <typename F> __device__ inline void each_of_planes(Count rows, Count len, F body) {
    Count row_step = (Count)gridDim.y * blockDim.y;
    for (Count row = blockIdx.y * (Count)blockDim.y + threadIdx.y; row < rows; row += row_step) {
        for (Count i = first_element(); i < len; i += element_step()) body(row, (int)i);
    }
}
