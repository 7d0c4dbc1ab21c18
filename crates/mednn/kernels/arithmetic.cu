// Sums, differences, products and the like of two tensors, either repeated along axes of the other (cpu/arithmetic.rs).
//
// The innermost axis is a run for neighbouring threads; where a run begins in each tensor is found once a run.
#include "common.cuh"

#define MOST_AXES 6

struct Axes {
    // Of the axes around the runs: how many, their lengths, and the distances of neighbours in each tensor.
    Count outer, length[MOST_AXES], stride[2][MOST_AXES];
    // Of the runs.
    Count runs, run_length, run_stride[2];
};

// The numbers by which src/cuda/arithmetic.rs names them.
enum Rule { ADD, SUBTRACT, MULTIPLY, DIVIDE, EQUAL };

template <typename T> __device__ inline T combined(int rule, T a, T b) {
    if (rule == DIVIDE) return a / b;
    if (rule == EQUAL) return a == b ? (T)1 : (T)0;
    return rule == ADD ? a + b : rule == SUBTRACT ? a - b : a * b;
}

template <typename T> __device__ inline void combine(int rule, const Axes& axes, const T* a, const T* b, T* output) {
    if (axes.runs == 1 && axes.run_stride[0] == 1 && axes.run_stride[1] == 1) {
        map_elements<2, T>(axes.run_length, {a, b}, output, [rule](const T (&x)[2]) { return combined(rule, x[0], x[1]); });
        return;
    }
    Count step = (Count)gridDim.y * blockDim.y;
    for (Count run = blockIdx.y * (Count)blockDim.y + threadIdx.y; run < axes.runs; run += step) {
        Count rest = run, from_a = 0, from_b = 0;
        for (Count axis = axes.outer - 1; axis >= 0; --axis) {
            Count index = rest % axes.length[axis];
            rest /= axes.length[axis];
            from_a += index * axes.stride[0][axis];
            from_b += index * axes.stride[1][axis];
        }
        for (Count i = first_element(); i < axes.run_length; i += element_step()) {
            T x = a[from_a + i * axes.run_stride[0]], y = b[from_b + i * axes.run_stride[1]];
            output[run * axes.run_length + i] = combined(rule, x, y);
        }
    }
}

#define DEFINE(T, NAME)                                                                                                      \
    extern "C" __global__ void combine_##NAME(int rule, Axes axes, const T* a, const T* b, T* output) {                      \
        combine(rule, axes, a, b, output);                                                                                   \
    }                                                                                                                        \
    extern "C" __global__ void scale_##NAME(Count count, T factor, const T* input, T* output) {                              \
        map_elements<1, T>(count, {input}, output, [factor](const T(&x)[1]) { return x[0] * factor; });                      \
    }                                                                                                                        \
    extern "C" __global__ void scale_rows_##NAME(Count count, Count row_len, const float* factors, const T* input,           \
                                                 T* output) {                                                                \
        for (Count i = first_element(); i < count; i += element_step()) output[i] = input[i] * (T)factors[i / row_len];      \
    }
FOR_ELEMENTS(DEFINE)
