// Convolution in up to three dimensions: forward, and the gradients of input, weights and bias (cpu/conv).
//
// Each is a product of matrices of which one is looked up in an image as it is needed; nothing is unfolded in memory. A
// transposed convolution is the gradient of the input. 2D has depth 1.
//
// | product | rows | columns | terms |
// | --- | --- | --- | --- |
// | forward | output channels | batch, output voxels | input channels, taps |
// | input gradient | input channels | batch, input voxels | output channels, taps |
// | weight gradient | output channels | input channels, taps | batch, output voxels |
#include "conv.cuh"
#include "tile.cuh"

// Divides numbers below 2^31 by a multiplication (Granlund and Montgomery 1994).
struct Divisor {
    unsigned divisor, multiplier, shift;

    __device__ explicit Divisor(unsigned by) : divisor(by), shift(0) {
        while ((1ull << shift) < by) ++shift;
        multiplier = (unsigned)((((1ull << shift) - by) << 32) / by + 1);
    }
    __device__ unsigned divide(unsigned n) const { return (__umulhi(n, multiplier) + n) >> shift; }
    __device__ unsigned divide(unsigned n, unsigned& rest) const {
        unsigned quotient = divide(n);
        rest = n - quotient * divisor;
        return quotient;
    }
};

// A channel and a tap of the kernel, from a number in the order of the weights.
struct Taps {
    Divisor all, of_slice, of_row;

    __device__ explicit Taps(const Sizes& sizes)
        : all(sizes.taps()), of_slice(sizes.kernel[1] * sizes.kernel[2]), of_row(sizes.kernel[2]) {}
    __device__ Place tap(unsigned number, unsigned& channel) const {
        unsigned rest, column;
        channel = all.divide(number, rest);
        unsigned d = of_slice.divide(rest, rest);
        unsigned h = of_row.divide(rest, column);
        return Place((int)d, (int)h, (int)column);
    }
};

// Sums go to [batch, channels, voxels] with a bias for each channel, if there is one.
template <typename Core, typename T>
__device__ inline void write_image(const Core& core, Count columns, Count voxels, int rows, int groups, const T* bias, T* output) {
    const Count first_column = blockIdx.x * (Count)Core::COLUMNS;
    const int first_row = blockIdx.y * Core::ROWS, group = blockIdx.z;
    core.each([&](int row, int column, T sum) {
        if (first_row + row >= rows || first_column + column >= columns) return;
        Count batch = (first_column + column) / voxels, voxel = (first_column + column) % voxels;
        Count channel = (Count)group * rows + first_row + row;
        output[(batch * groups * rows + channel) * voxels + voxel] = bias ? sum + bias[channel] : sum;
    });
}

template <typename Core, typename T>
__device__ inline void conv_forward(const Sizes& s, const T* input, const T* weights, const T* bias, T* output) {
    const Count columns = s.batch * s.output_len();
    const Count column = blockIdx.x * (Count)Core::COLUMNS + Share<Core::DEPTH, Core::COLUMNS, false>::place(0);
    const int first_row = blockIdx.y * Core::ROWS, group = blockIdx.z;
    const int terms = s.in_channels * s.taps();
    const bool real = column < columns;
    const Place o(real ? column % s.output_len() : 0, s.output);
    const T* image = input + ((real ? column / s.output_len() : 0) * s.groups + group) * s.in_channels * s.input_len();
    const Taps taps(s);
    Core core;
    tile_product<Core, true, false>(
        core, 0, terms,
        [&](int row, Count term) {
            row += first_row;
            return row < s.out_channels ? weights[((Count)group * s.out_channels + row) * terms + term] : (T)0;
        },
        [&](Count term, int) {
            unsigned channel;
            Place tap = taps.tap((unsigned)term, channel);
            Place i = under(s, o, tap);
            return real && i.inside(s.input) ? image[channel * s.input_len() + i.number(s.input)] : (T)0;
        });
    write_image(core, columns, s.output_len(), s.out_channels, s.groups, bias, output);
}

template <typename Core, typename T>
__device__ inline void conv_input_gradient(const Sizes& s, const T* gradient, const T* weights, const T* bias, T* output) {
    const Count columns = s.batch * s.input_len();
    const Count column = blockIdx.x * (Count)Core::COLUMNS + Share<Core::DEPTH, Core::COLUMNS, false>::place(0);
    const int first_row = blockIdx.y * Core::ROWS, group = blockIdx.z;
    const int all_taps = s.taps(), terms = s.out_channels * all_taps;
    const bool real = column < columns;
    const Place i(real ? column % s.input_len() : 0, s.input);
    const T* image = gradient + ((real ? column / s.input_len() : 0) * s.groups + group) * s.out_channels * s.output_len();
    const Taps taps(s);
    Core core;
    tile_product<Core, true, false>(
        core, 0, terms,
        [&](int row, Count term) {
            row += first_row;
            unsigned tap;
            unsigned channel = taps.all.divide((unsigned)term, tap);
            Count place = (((Count)group * s.out_channels + channel) * s.in_channels + row) * all_taps + tap;
            return row < s.in_channels ? weights[place] : (T)0;
        },
        [&](Count term, int) {
            unsigned channel;
            Place tap = taps.tap((unsigned)term, channel);
            Place o(above(s, 0, i.d, tap.d), above(s, 1, i.h, tap.h), above(s, 2, i.w, tap.w));
            return real && o.inside(s.output) ? image[channel * s.output_len() + o.number(s.output)] : (T)0;
        });
    write_image(core, columns, s.input_len(), s.in_channels, s.groups, bias, output);
}

// The terms are divided among `splits` blocks, each of which writes weights of its own: output[split].
template <typename Core, typename T>
__device__ inline void conv_weight_gradient(const Sizes& s, int splits, const T* input, const T* gradient, T* output) {
    const int columns = s.in_channels * s.taps();
    const int first_column = blockIdx.x * Core::COLUMNS, first_row = blockIdx.y * Core::ROWS;
    const int group = blockIdx.z / splits, split = blockIdx.z % splits;
    const Count terms = s.batch * s.output_len();
    const Count slices = (terms + Core::DEPTH - 1) / Core::DEPTH;
    const Count first = slices * split / splits * Core::DEPTH;
    const Count end = min(slices * (split + 1) / splits * Core::DEPTH, terms);
    const Taps taps(s);
    Core core;
    tile_product<Core, true, true>(
        core, first, end,
        [&](int row, Count term) {
            row += first_row;
            Count batch = term / s.output_len(), voxel = term % s.output_len();
            Count channel = (batch * s.groups + group) * s.out_channels + row;
            return row < s.out_channels ? gradient[channel * s.output_len() + voxel] : (T)0;
        },
        [&](Count term, int column) {
            column += first_column;
            unsigned channel;
            Place tap = taps.tap((unsigned)column, channel);
            Count batch = term / s.output_len();
            Place i = under(s, Place(term % s.output_len(), s.output), tap);
            if (column >= columns || !i.inside(s.input)) return (T)0;
            Count image = (batch * s.groups + group) * s.in_channels + channel;
            return input[image * s.input_len() + i.number(s.input)];
        });
    core.each([&](int row, int column, T sum) {
        row += first_row;
        column += first_column;
        if (row >= s.out_channels || column >= columns) return;
        Count weight = (Count)(group * s.out_channels + row) * columns + column;
        output[(Count)split * s.groups * s.out_channels * columns + weight] = sum;
    });
}

// Adds up what splits have left, in their order.
template <typename S, typename T> __device__ inline void conv_fold(int splits, Count count, const S* partial, T* output) {
    for (Count i = first_element(); i < count; i += element_step()) {
        double sum = 0;
        for (int split = 0; split < splits; ++split) sum += (double)partial[split * count + i];
        output[i] = (T)sum;
    }
}

// partial[split * channels + channel]: the sum of a channel of [batch, channels, voxels] over a part of batch and voxels.
template <typename T>
__device__ inline void conv_bias_gradient(int batch, int channels, Count voxels, const T* gradient, double* partial) {
    __shared__ double shared[THREADS / WARP];
    const int channel = blockIdx.x, split = blockIdx.y, splits = gridDim.y;
    const Count all = batch * voxels, first = all * split / splits, end = all * (split + 1) / splits;
    double sum = 0;
    for (Count i = first + threadIdx.x; i < end; i += THREADS) {
        sum += (double)gradient[(i / voxels * channels + channel) * voxels + i % voxels];
    }
    sum = team_sum<THREADS>(sum, shared);
    if (threadIdx.x == 0) partial[(Count)split * channels + channel] = sum;
}

#define DEFINE_FOR_CORE(T, NAME, ...)                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                                    \
        conv_forward_##NAME(Sizes sizes, const T* input, const T* weights, const T* bias, T* output) {                       \
        conv_forward<__VA_ARGS__>(sizes, input, weights, bias, output);                                                      \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                                    \
        conv_input_gradient_##NAME(Sizes sizes, const T* gradient, const T* weights, const T* bias, T* output) {             \
        conv_input_gradient<__VA_ARGS__>(sizes, gradient, weights, bias, output);                                            \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                                    \
        conv_weight_gradient_##NAME(Sizes sizes, int splits, const T* input, const T* gradient, T* output) {                 \
        conv_weight_gradient<__VA_ARGS__>(sizes, splits, input, gradient, output);                                           \
    }
// High tiles for many channels, flat ones for few (src/cuda/conv.rs knows their sizes).
DEFINE_FOR_CORE(float, high_f32, Exact<float, 128, 128, 8, 8>)
DEFINE_FOR_CORE(float, flat_f32, Exact<float, 32, 128, 4, 4>)
DEFINE_FOR_CORE(float, high_tf32, Tf32<128, 128, 64, 32>)
DEFINE_FOR_CORE(float, flat_tf32, Tf32<32, 128, 32, 16>)
DEFINE_FOR_CORE(double, high_f64, Exact<double, 64, 64, 4, 4>)
DEFINE_FOR_CORE(double, flat_f64, Exact<double, 16, 128, 2, 4>)

#define DEFINE(T, NAME)                                                                                                      \
    extern "C" __global__ void conv_fold_##NAME(int splits, Count count, const T* partial, T* output) {                      \
        conv_fold(splits, count, partial, output);                                                                           \
    }                                                                                                                        \
    extern "C" __global__ void conv_fold_sums_##NAME(int splits, Count count, const double* partial, T* output) {            \
        conv_fold(splits, count, partial, output);                                                                           \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                                    \
        conv_bias_gradient_##NAME(int batch, int channels, Count voxels, const T* gradient, double* partial) {               \
        conv_bias_gradient(batch, channels, voxels, gradient, partial);                                                      \
    }
FOR_ELEMENTS(DEFINE)
