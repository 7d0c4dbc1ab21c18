// Maps of planes that are products of one linear map an axis: resizing, padding, adaptive averages, and their gradients, which
// are the transposed maps (cpu/resample, cpu/taps.rs).
#include "planes.cuh"

// Of each axis, where the taps of its outputs begin, in one table after another; behind them the indices of all taps.
struct Taps {
    const int* table;

    __device__ int start(const int (&output)[3], int axis, int o) const {
        int before = axis > 0 ? output[0] + 1 : 0;
        if (axis > 1) before += output[1] + 1;
        return table[before + o];
    }
    __device__ int index(const int (&output)[3], int tap) const {
        return table[output[0] + output[1] + output[2] + 3 + tap];
    }
};

struct Extents {
    int input[3], output[3];
};

// Output voxels that take nothing along one of the axes are `outside`.
template <typename T>
__device__ inline void resample(Extents extents, Count rows, T outside, const int* table, const T* weights, const T* input,
                                T* output) {
    const Taps taps = {table};
    const Count input_len = (Count)extents.input[0] * extents.input[1] * extents.input[2];
    const Count output_len = (Count)extents.output[0] * extents.output[1] * extents.output[2];
    each_of_planes(rows, output_len, [&](Count row, int place) {
        const Place o(place, extents.output);
        const int d0 = taps.start(extents.output, 0, o.d), d1 = taps.start(extents.output, 0, o.d + 1);
        const int h0 = taps.start(extents.output, 1, o.h), h1 = taps.start(extents.output, 1, o.h + 1);
        const int w0 = taps.start(extents.output, 2, o.w), w1 = taps.start(extents.output, 2, o.w + 1);
        T sum = 0;
        for (int d = d0; d < d1; ++d) {
            T of_plane = 0;
            const T* plane = input + row * input_len + (Count)taps.index(extents.output, d) * extents.input[1] * extents.input[2];
            for (int h = h0; h < h1; ++h) {
                const T* line = plane + (Count)taps.index(extents.output, h) * extents.input[2];
                T of_line = 0;
                for (int w = w0; w < w1; ++w) of_line += weights[w] * line[taps.index(extents.output, w)];
                of_plane += weights[h] * of_line;
            }
            sum += weights[d] * of_plane;
        }
        bool inside = d0 < d1 && h0 < h1 && w0 < w1;
        output[row * output_len + place] = inside ? sum : outside;
    });
}

#define DEFINE(T, NAME)                                                                                             \
    extern "C" __global__ void resample_##NAME(Extents extents, Count rows, T outside, const int* table,            \
                                               const T* weights, const T* input, T* output) {                       \
        resample(extents, rows, outside, table, weights, input, output);                                            \
    }
FOR_ELEMENTS(DEFINE)
