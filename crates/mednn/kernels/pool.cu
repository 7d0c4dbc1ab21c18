// Maximum and average pooling over planes of depth, height and width (cpu/pool).
//
// One thread an output voxel forward, one an input voxel backward: gradients are gathered, so nothing is added atomically and
// every run gives the same bytes. A block covers `blockDim.x` voxels of each of `blockDim.y` rows.
#include "planes.cuh"

struct Windows {
    int input[3], output[3], kernel[3], stride[3], padding[3];

    __device__ Count input_len() const { return (Count)input[0] * input[1] * input[2]; }
    __device__ Count output_len() const { return (Count)output[0] * output[1] * output[2]; }

    // The input indices of window `o`.
    __device__ void span(int axis, int o, int& start, int& end) const {
        int first = o * stride[axis];
        end = min(max(first + kernel[axis] - padding[axis], 0), input[axis]);
        start = min(max(first - padding[axis], 0), end);
    }

    // The windows that see input `i`.
    __device__ void over(int axis, int i, int& first, int& end) const {
        int place = i + padding[axis];
        end = min(place / stride[axis] + 1, output[axis]);
        first = max(place + 1 - kernel[axis], 0);
        first = min((first + stride[axis] - 1) / stride[axis], end);
    }

    // How many elements count in an average along an axis.
    __device__ int counted(int axis, int o, int count_padding) const {
        if (count_padding) {
            int start = o * stride[axis];
            return min(start + kernel[axis], input[axis] + 2 * padding[axis]) - start;
        }
        int start, end;
        span(axis, o, start, end);
        return end - start;
    }
};

template <typename T> __device__ inline bool larger_or_nan(T x, T largest) { return !(x <= largest) && largest == largest; }

template <typename T>
__device__ inline void max_pool_forward(Windows windows, Count rows, const T* input, T* output) {
    each_of_planes(rows, windows.output_len(), [&](Count row, int index) {
        Place o(index, windows.output);
        const T* plane = input + row * windows.input_len();
        int d0, d1, h0, h1, w0, w1;
        windows.span(0, o.d, d0, d1);
        windows.span(1, o.h, h0, h1);
        windows.span(2, o.w, w0, w1);
        T largest = -INFINITY;
        for (int d = d0; d < d1; ++d) {
            for (int h = h0; h < h1; ++h) {
                const T* line = plane + ((Count)d * windows.input[1] + h) * windows.input[2];
                for (int w = w0; w < w1; ++w) {
                    if (larger_or_nan(line[w], largest)) largest = line[w];
                }
            }
        }
        output[row * windows.output_len() + index] = largest;
    });
}

// Whether input (d, h, w) of value `own` is the first in window (wd, wh, ww) that is the largest, or NaN.
template <typename T>
__device__ inline bool is_first(const Windows& windows, const T* plane, Place at, Place window, T largest) {
    int d0, h0, h1, w0, w1, unused;
    windows.span(0, window.d, d0, unused);
    windows.span(1, window.h, h0, h1);
    windows.span(2, window.w, w0, w1);
    for (int d = d0; d <= at.d; ++d) {
        for (int h = h0; h < h1; ++h) {
            const T* line = plane + ((Count)d * windows.input[1] + h) * windows.input[2];
            for (int w = w0; w < w1; ++w) {
                if (d == at.d && h == at.h && w == at.w) return true;
                if (line[w] == largest || line[w] != line[w]) return false;
            }
        }
    }
    return false;
}

template <typename T>
__device__ inline void max_pool_backward(Windows windows, Count rows, const T* input, const T* output, const T* gradient,
                                         T* input_gradient) {
    each_of_planes(rows, windows.input_len(), [&](Count row, int index) {
        Place i(index, windows.input);
        const T* plane = input + row * windows.input_len();
        T own = plane[index];
        int d0, d1, h0, h1, w0, w1;
        windows.over(0, i.d, d0, d1);
        windows.over(1, i.h, h0, h1);
        windows.over(2, i.w, w0, w1);
        T sum = 0;
        Place window = i;
        for (window.d = d0; window.d < d1; ++window.d) {
            for (window.h = h0; window.h < h1; ++window.h) {
                Count line = ((Count)window.d * windows.output[1] + window.h) * windows.output[2];
                line += row * windows.output_len();
                for (window.w = w0; window.w < w1; ++window.w) {
                    T largest = output[line + window.w];
                    if ((own == largest || own != own) && is_first(windows, plane, i, window, largest)) {
                        sum += gradient[line + window.w];
                    }
                }
            }
        }
        input_gradient[row * windows.input_len() + index] = sum;
    });
}

template <typename T>
__device__ inline T share(const Windows& windows, const Place& o, int count_padding) {
    double counted = windows.counted(0, o.d, count_padding);
    counted *= windows.counted(1, o.h, count_padding);
    counted *= windows.counted(2, o.w, count_padding);
    return (T)1 / (T)counted;
}

template <typename T>
__device__ inline void avg_pool_forward(Windows windows, Count rows, int count_padding, const T* input, T* output) {
    each_of_planes(rows, windows.output_len(), [&](Count row, int index) {
        Place o(index, windows.output);
        const T* plane = input + row * windows.input_len();
        int d0, d1, h0, h1, w0, w1;
        windows.span(0, o.d, d0, d1);
        windows.span(1, o.h, h0, h1);
        windows.span(2, o.w, w0, w1);
        T sum = 0;
        for (int d = d0; d < d1; ++d) {
            for (int h = h0; h < h1; ++h) {
                const T* line = plane + ((Count)d * windows.input[1] + h) * windows.input[2];
                for (int w = w0; w < w1; ++w) sum += line[w];
            }
        }
        output[row * windows.output_len() + index] = sum * share<T>(windows, o, count_padding);
    });
}

template <typename T>
__device__ inline void avg_pool_backward(Windows windows, Count rows, int count_padding, const T* gradient,
                                         T* input_gradient) {
    each_of_planes(rows, windows.input_len(), [&](Count row, int index) {
        Place i(index, windows.input);
        int d0, d1, h0, h1, w0, w1;
        windows.over(0, i.d, d0, d1);
        windows.over(1, i.h, h0, h1);
        windows.over(2, i.w, w0, w1);
        T sum = 0;
        Place window = i;
        for (window.d = d0; window.d < d1; ++window.d) {
            for (window.h = h0; window.h < h1; ++window.h) {
                Count line = ((Count)window.d * windows.output[1] + window.h) * windows.output[2];
                line += row * windows.output_len();
                for (window.w = w0; window.w < w1; ++window.w) {
                    sum += gradient[line + window.w] * share<T>(windows, window, count_padding);
                }
            }
        }
        input_gradient[row * windows.input_len() + index] = sum;
    });
}

// Bins of any extents: `spans` holds the first input index of each bin and the one behind its last, axis by axis.
struct Bins {
    int input[3], output[3];

    __device__ Count input_len() const { return (Count)input[0] * input[1] * input[2]; }
    __device__ Count output_len() const { return (Count)output[0] * output[1] * output[2]; }
};

// Where in its plane the largest value of each bin lies: the first of several, the first NaN if there is one.
template <typename T>
__device__ inline void arg_max(Bins bins, Count rows, const int* spans, const T* input, unsigned* output) {
    const int *of_d = spans, *of_h = of_d + 2 * bins.output[0], *of_w = of_h + 2 * bins.output[1];
    each_of_planes(rows, bins.output_len(), [&](Count row, int index) {
        const Place o(index, bins.output);
        const T* plane = input + row * bins.input_len();
        Place place(of_d[2 * o.d], of_h[2 * o.h], of_w[2 * o.w]);
        unsigned where = (unsigned)place.number(bins.input);
        T largest = plane[where];
        for (place.d = of_d[2 * o.d]; place.d < of_d[2 * o.d + 1]; ++place.d) {
            for (place.h = of_h[2 * o.h]; place.h < of_h[2 * o.h + 1]; ++place.h) {
                for (place.w = of_w[2 * o.w]; place.w < of_w[2 * o.w + 1]; ++place.w) {
                    const Count at = place.number(bins.input);
                    if (larger_or_nan(plane[at], largest)) {
                        largest = plane[at];
                        where = (unsigned)at;
                    }
                }
            }
        }
        output[row * bins.output_len() + index] = where;
    });
}

#define DEFINE(T, NAME)                                                                                                  \
    extern "C" __global__ void max_pool_forward_##NAME(Windows windows, Count rows, const T* input, T* output) {         \
        max_pool_forward(windows, rows, input, output);                                                                  \
    }                                                                                                                    \
    extern "C" __global__ void max_pool_backward_##NAME(Windows windows, Count rows, const T* input, const T* output,    \
                                                        const T* gradient, T* input_gradient) {                          \
        max_pool_backward(windows, rows, input, output, gradient, input_gradient);                                       \
    }                                                                                                                    \
    extern "C" __global__ void avg_pool_forward_##NAME(Windows windows, Count rows, int count_padding, const T* input,   \
                                                       T* output) {                                                      \
        avg_pool_forward(windows, rows, count_padding, input, output);                                                   \
    }                                                                                                                    \
    extern "C" __global__ void avg_pool_backward_##NAME(Windows windows, Count rows, int count_padding,                  \
                                                        const T* gradient, T* input_gradient) {                          \
        avg_pool_backward(windows, rows, count_padding, gradient, input_gradient);                                       \
    }                                                                                                                    \
    extern "C" __global__ void arg_max_##NAME(Bins bins, Count rows, const int* spans, const T* input,                   \
                                              unsigned* output) {                                                        \
        arg_max(bins, rows, spans, input, output);                                                                       \
    }
FOR_ELEMENTS(DEFINE)
