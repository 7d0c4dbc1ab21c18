// The sizes of a convolution, and which voxels meet (cpu/conv/problem.rs).
#pragma once
#include "planes.cuh"

struct Sizes {
    // Channels are those of one group.
    int batch, in_channels, out_channels, groups;
    int input[3], output[3], kernel[3], stride[3], before[3], dilation[3];

    __device__ Count input_len() const { return (Count)input[0] * input[1] * input[2]; }
    __device__ Count output_len() const { return (Count)output[0] * output[1] * output[2]; }
    __device__ int taps() const { return kernel[0] * kernel[1] * kernel[2]; }
};

// The input voxel under a tap.
__device__ inline Place under(const Sizes& s, const Place& output, const Place& tap) {
    return Place(output.d * s.stride[0] - s.before[0] + tap.d * s.dilation[0],
                 output.h * s.stride[1] - s.before[1] + tap.h * s.dilation[1],
                 output.w * s.stride[2] - s.before[2] + tap.w * s.dilation[2]);
}

// The output place along an axis whose tap lies on an input place; negative when there is none.
__device__ inline int above(const Sizes& s, int axis, int input, int tap) {
    int place = input + s.before[axis] - tap * s.dilation[axis];
    if (s.stride[axis] == 1 || place < 0) return place;
    int output = place / s.stride[axis];
    return output * s.stride[axis] == place ? output : -1;
}
