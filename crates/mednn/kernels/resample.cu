// Maps of planes that are products of one linear map an axis: resizing, padding, adaptive averages, and their gradients, which
// are the transposed maps (cpu/resample, cpu/taps.rs); and regions of interest, each with a map of its own.
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

// What an output voxel takes of a plane: sums along width within those along height within those along depth. `inside` says
// whether it takes anything along each of the axes.
template <typename T>
__device__ inline T taken(const Extents& extents, const Taps& taps, const T* weights, const Place& o, const T* input, bool& inside) {
    const int d0 = taps.start(extents.output, 0, o.d), d1 = taps.start(extents.output, 0, o.d + 1);
    const int h0 = taps.start(extents.output, 1, o.h), h1 = taps.start(extents.output, 1, o.h + 1);
    const int w0 = taps.start(extents.output, 2, o.w), w1 = taps.start(extents.output, 2, o.w + 1);
    inside = d0 < d1 && h0 < h1 && w0 < w1;
    T sum = 0;
    for (int d = d0; d < d1; ++d) {
        T of_plane = 0;
        const T* plane = input + (Count)taps.index(extents.output, d) * extents.input[1] * extents.input[2];
        for (int h = h0; h < h1; ++h) {
            const T* line = plane + (Count)taps.index(extents.output, h) * extents.input[2];
            T of_line = 0;
            for (int w = w0; w < w1; ++w) of_line += weights[w] * line[taps.index(extents.output, w)];
            of_plane += weights[h] * of_line;
        }
        sum += weights[d] * of_plane;
    }
    return sum;
}

__device__ inline Count volume(const int (&extent)[3]) { return (Count)extent[0] * extent[1] * extent[2]; }

// Output voxels that take nothing along one of the axes are `outside`.
template <typename T>
__device__ inline void resample(Extents extents, Count rows, T outside, const int* table, const T* weights, const T* input,
                                T* output) {
    const Taps taps = {table};
    const Count output_len = volume(extents.output);
    each_of_planes(rows, output_len, [&](Count row, int place) {
        const Place o(place, extents.output);
        bool inside;
        const T sum = taken(extents, taps, weights, o, input + row * volume(extents.input), inside);
        output[row * output_len + place] = inside ? sum : outside;
    });
}

// A region of interest: the batch item it lies in, and where its table and its weights begin.
struct Region {
    Count item, table, weights;
};

// The bins [regions, channels, ...] of regions (cpu/roi_align.rs).
template <typename T>
__device__ inline void roi_align(Extents extents, Count regions, int channels, const Region* all, const int* tables,
                                 const T* weights, const T* input, T* output) {
    const Count output_len = volume(extents.output);
    each_of_planes(regions * channels, output_len, [&](Count row, int place) {
        const Region region = all[row / channels];
        const T* plane = input + (region.item * channels + row % channels) * volume(extents.input);
        bool inside;
        output[row * output_len + place] = taken(extents, Taps{tables + region.table}, weights + region.weights,
                                                 Place(place, extents.output), plane, inside);
    });
}

// The gradient by transposed maps, from bins to features: each voxel collects from the regions in order.
template <typename T>
__device__ inline void roi_align_back(Extents extents, Count regions, int channels, Count batch, const Region* all,
                                      const int* tables, const T* weights, const T* gradient, T* output) {
    const Count output_len = volume(extents.output);
    each_of_planes(batch * channels, output_len, [&](Count row, int place) {
        const Place o(place, extents.output);
        T sum = 0;
        for (Count r = 0; r < regions; ++r) {
            if (all[r].item != row / channels) continue;
            const T* plane = gradient + (r * channels + row % channels) * volume(extents.input);
            bool inside;
            sum += taken(extents, Taps{tables + all[r].table}, weights + all[r].weights, o, plane, inside);
        }
        output[row * output_len + place] = sum;
    });
}

#define DEFINE(T, NAME)                                                                                             \
    extern "C" __global__ void resample_##NAME(Extents extents, Count rows, T outside, const int* table,            \
                                               const T* weights, const T* input, T* output) {                       \
        resample(extents, rows, outside, table, weights, input, output);                                            \
    }                                                                                                               \
    extern "C" __global__ void roi_align_##NAME(Extents extents, Count regions, int channels, const Region* all,    \
                                                const int* tables, const T* weights, const T* input, T* output) {   \
        roi_align(extents, regions, channels, all, tables, weights, input, output);                                 \
    }                                                                                                               \
    extern "C" __global__ void roi_align_back_##NAME(Extents extents, Count regions, int channels, Count batch,     \
                                                     const Region* all, const int* tables, const T* weights,        \
                                                     const T* gradient, T* output) {                                \
        roi_align_back(extents, regions, channels, batch, all, tables, weights, gradient, output);                  \
    }
FOR_ELEMENTS(DEFINE)

// Labels, or shares, on a coarser grid: each takes that of the voxel its centre lies in (loss/deep_supervision.rs).
template <typename T> __device__ inline void centres(Extents extents, Count rows, const T* input, T* output) {
    const Count output_len = volume(extents.output);
    each_of_planes(rows, output_len, [&](Count row, int place) {
        const Place o(place, extents.output);
        const int out[3] = {o.d, o.h, o.w};
        int at[3];
        for (int axis = 0; axis < 3; ++axis) {
            const Count index = (2 * (Count)out[axis] + 1) * extents.input[axis] / (2 * (Count)extents.output[axis]);
            at[axis] = (int)min(index, (Count)extents.input[axis] - 1);
        }
        output[row * output_len + place] = input[row * volume(extents.input) + Place(at[0], at[1], at[2]).number(extents.input)];
    });
}

#define DEFINE_CENTRES(T, NAME)                                                                            \
    extern "C" __global__ void centres_##NAME(Extents extents, Count rows, const T* input, T* output) {    \
        centres(extents, rows, input, output);                                                             \
    }
FOR_ELEMENTS(DEFINE_CENTRES)
DEFINE_CENTRES(unsigned char, u8)
DEFINE_CENTRES(unsigned, u32)
