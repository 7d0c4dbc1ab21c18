// Convolution of every input channel for itself, which a product of matrices would waste its tiles on: forward, and the gradients
// of input and weights (cpu/conv/channelwise.rs). Groups have one input channel and `out_channels` output channels.
#include "conv.cuh"

// One thread an output voxel.
template <typename T>
__device__ inline void channelwise_forward(const Sizes& s, const T* input, const T* weights, const T* bias, T* output) {
    const Count channels = (Count)s.groups * s.out_channels;
    each_of_planes(s.batch * channels, s.output_len(), [&](Count row, int index) {
        const Place o(index, s.output);
        const Count channel = row % channels;
        const T* image = input + (row / channels * s.groups + channel / s.out_channels) * s.input_len();
        const T* weight = weights + channel * s.taps();
        T sum = 0;
        for (int d = 0; d < s.kernel[0]; ++d) {
            for (int h = 0; h < s.kernel[1]; ++h) {
                for (int w = 0; w < s.kernel[2]; ++w, ++weight) {
                    const Place i = under(s, o, Place(d, h, w));
                    if (i.inside(s.input)) sum += *weight * image[i.number(s.input)];
                }
            }
        }
        output[row * s.output_len() + index] = bias ? sum + bias[channel] : sum;
    });
}

// One thread an input voxel, which gathers.
template <typename T>
__device__ inline void channelwise_input_gradient(const Sizes& s, const T* gradient, const T* weights, const T* bias, T* output) {
    each_of_planes((Count)s.batch * s.groups, s.input_len(), [&](Count row, int index) {
        const Place i(index, s.input);
        const int group = (int)(row % s.groups);
        const T* weight = weights + (Count)group * s.out_channels * s.taps();
        T sum = 0;
        for (int channel = 0; channel < s.out_channels; ++channel) {
            const T* image = gradient + (row * s.out_channels + channel) * s.output_len();
            for (int d = 0; d < s.kernel[0]; ++d) {
                for (int h = 0; h < s.kernel[1]; ++h) {
                    for (int w = 0; w < s.kernel[2]; ++w, ++weight) {
                        const Place o(above(s, 0, i.d, d), above(s, 1, i.h, h), above(s, 2, i.w, w));
                        if (o.inside(s.output)) sum += *weight * image[o.number(s.output)];
                    }
                }
            }
        }
        output[row * s.input_len() + index] = bias ? sum + bias[group] : sum;
    });
}

// A block for each tap, output channel and part of the terms, which are batch and output voxels: partial[split][weight].
template <typename T>
__device__ inline void channelwise_weight_gradient(const Sizes& s, const T* input, const T* gradient, double* partial) {
    __shared__ double shared[THREADS / WARP];
    const int channels = s.groups * s.out_channels, channel = blockIdx.y, split = blockIdx.z, splits = gridDim.z;
    const int number = blockIdx.x, row = number / s.kernel[2];
    const Place tap(row / s.kernel[1], row % s.kernel[1], number % s.kernel[2]);
    const Count terms = s.batch * s.output_len();
    const Count first = terms * split / splits, end = terms * (split + 1) / splits;
    double sum = 0;
    for (Count term = first + threadIdx.x; term < end; term += THREADS) {
        const Count batch = term / s.output_len(), voxel = term % s.output_len();
        const Place i = under(s, Place(voxel, s.output), tap);
        if (!i.inside(s.input)) continue;
        const T* image = input + (batch * s.groups + channel / s.out_channels) * s.input_len();
        sum += (double)(gradient[(batch * channels + channel) * s.output_len() + voxel] * image[i.number(s.input)]);
    }
    sum = team_sum<THREADS>(sum, shared);
    if (threadIdx.x == 0) partial[((Count)split * channels + channel) * s.taps() + number] = sum;
}

#define DEFINE(T, NAME)                                                                                                      \
    extern "C" __global__ void channelwise_forward_##NAME(Sizes sizes, const T* input, const T* weights, const T* bias,      \
                                                          T* output) {                                                       \
        channelwise_forward(sizes, input, weights, bias, output);                                                            \
    }                                                                                                                        \
    extern "C" __global__ void channelwise_input_gradient_##NAME(Sizes sizes, const T* gradient, const T* weights,           \
                                                                 const T* bias, T* output) {                                 \
        channelwise_input_gradient(sizes, gradient, weights, bias, output);                                                  \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS) channelwise_weight_gradient_##NAME(                                \
        Sizes sizes, const T* input, const T* gradient, double* partial) {                                                   \
        channelwise_weight_gradient(sizes, input, gradient, partial);                                                        \
    }
FOR_ELEMENTS(DEFINE)
