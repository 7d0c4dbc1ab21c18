// Softmax and its logarithm over the middle axis of [outer, count, inner] (cpu/softmax.rs).
//
// Where rows lie together (inner is 1), a team works on each; else each thread has a column of its own and neighbours read
// side by side.
#include "teams.cuh"

template <int TEAM, typename T>
__device__ inline void softmax_rows(Count rows, int count, int log, const T* input, T* output) {
    __shared__ T shared[THREADS / WARP];
    const int lane = threadIdx.x % TEAM;
    each_piece<TEAM>(rows, [&](Count row) {
        const int len = row < rows ? count : 0;
        const T* x = input + (row < rows ? row : 0) * count;
        T* y = output + (row < rows ? row : 0) * count;
        T largest = -INFINITY;
        for (int i = lane; i < len; i += TEAM) largest = x[i] > largest ? x[i] : largest;
        largest = team_max<TEAM>(largest, shared);
        T sum = 0;
        for (int i = lane; i < len; i += TEAM) sum += exponential(x[i] - largest);
        sum = team_sum<TEAM>(sum, shared);
        T factor = log ? logarithm(sum) : (T)1 / sum;
        for (int i = lane; i < len; i += TEAM) {
            // The largest first: next to a large one the logarithm would lose its digits.
            y[i] = log ? (x[i] - largest) - factor : exponential(x[i] - largest) * factor;
        }
    });
}

template <typename T>
__device__ inline void softmax_columns(Count columns, int count, Count inner, int log, const T* input, T* output) {
    for (Count column = first_element(); column < columns; column += element_step()) {
        Count start = column / inner * count * inner + column % inner;
        T largest = -INFINITY;
        for (int c = 0; c < count; ++c) {
            T x = input[start + c * inner];
            largest = x > largest ? x : largest;
        }
        T sum = 0;
        for (int c = 0; c < count; ++c) sum += exponential(input[start + c * inner] - largest);
        T factor = log ? logarithm(sum) : (T)1 / sum;
        for (int c = 0; c < count; ++c) {
            T shifted = input[start + c * inner] - largest;
            output[start + c * inner] = log ? shifted - factor : exponential(shifted) * factor;
        }
    }
}

template <typename T> __device__ inline T softmax_gradient(int log, T sum, T y, T g) {
    return log ? g - exponential(y) * sum : y * (g - sum);
}

template <int TEAM, typename T>
__device__ inline void softmax_rows_backward(Count rows, int count, int log, const T* output, const T* gradient,
                                             T* input_gradient) {
    __shared__ T shared[THREADS / WARP];
    const int lane = threadIdx.x % TEAM;
    each_piece<TEAM>(rows, [&](Count row) {
        const int len = row < rows ? count : 0;
        const Count start = (row < rows ? row : 0) * count;
        T sum = 0;
        for (int i = lane; i < len; i += TEAM) sum += log ? gradient[start + i] : gradient[start + i] * output[start + i];
        sum = team_sum<TEAM>(sum, shared);
        for (int i = lane; i < len; i += TEAM) {
            input_gradient[start + i] = softmax_gradient(log, sum, output[start + i], gradient[start + i]);
        }
    });
}

template <typename T>
__device__ inline void softmax_columns_backward(Count columns, int count, Count inner, int log, const T* output,
                                                const T* gradient, T* input_gradient) {
    for (Count column = first_element(); column < columns; column += element_step()) {
        Count start = column / inner * count * inner + column % inner;
        T sum = 0;
        for (int c = 0; c < count; ++c) {
            Count i = start + c * inner;
            sum += log ? gradient[i] : gradient[i] * output[i];
        }
        for (int c = 0; c < count; ++c) {
            Count i = start + c * inner;
            input_gradient[i] = softmax_gradient(log, sum, output[i], gradient[i]);
        }
    }
}

#define DEFINE_FOR_TEAM(T, NAME, TEAM, TEAM_NAME)                                                                         \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                                 \
        softmax_rows_##TEAM_NAME##_##NAME(Count rows, int count, int log, const T* input, T* output) {                    \
        softmax_rows<TEAM>(rows, count, log, input, output);                                                              \
    }                                                                                                                     \
    extern "C" __global__ void __launch_bounds__(THREADS) softmax_rows_backward_##TEAM_NAME##_##NAME(                     \
        Count rows, int count, int log, const T* output, const T* gradient, T* input_gradient) {                          \
        softmax_rows_backward<TEAM>(rows, count, log, output, gradient, input_gradient);                                  \
    }

#define DEFINE(T, NAME)                                                                                                   \
    DEFINE_FOR_TEAM(T, NAME, WARP, warp)                                                                                  \
    DEFINE_FOR_TEAM(T, NAME, THREADS, block)                                                                              \
    extern "C" __global__ void softmax_columns_##NAME(Count columns, int count, Count inner, int log, const T* input,     \
                                                      T* output) {                                                        \
        softmax_columns(columns, count, inner, log, input, output);                                                       \
    }                                                                                                                     \
    extern "C" __global__ void softmax_columns_backward_##NAME(Count columns, int count, Count inner, int log,            \
                                                               const T* output, const T* gradient, T* input_gradient) {   \
        softmax_columns_backward(columns, count, inner, log, output, gradient, input_gradient);                           \
    }
FOR_ELEMENTS(DEFINE)
