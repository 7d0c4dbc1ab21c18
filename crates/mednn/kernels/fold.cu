// Sums over any axes of a tensor, in f64, and maxima (cpu/fold.rs).
//
// One axis at a time of [outer, count, inner]; a long one is cut into pieces, whose sums are then summed.
#include "teams.cuh"

// The sum of terms `first` to `end` of a row, by every thread that calls for itself; with `b` of the products with it.
template <typename T> __device__ inline double term(const T* a, const T* b, Count i) {
    return b ? (double)a[i] * (double)b[i] : (double)a[i];
}

// Rows that lie together: a team for each piece. sums[row * pieces + piece].
template <int TEAM, typename T>
__device__ inline void fold_rows(Count rows, Count count, Count piece_len, const T* a, const T* b, double* sums) {
    __shared__ double shared[THREADS / WARP];
    const int lane = threadIdx.x % TEAM;
    const Count pieces = (count + piece_len - 1) / piece_len;
    each_piece<TEAM>(rows * pieces, [&](Count piece) {
        bool real = piece < rows * pieces;
        Count row = real ? piece / pieces : 0, first = real ? piece % pieces * piece_len : count;
        Count end = min(first + piece_len, count);
        double sum = 0;
        for (Count i = first + lane; i < end; i += TEAM) sum += term(a, b, row * count + i);
        sum = team_sum<TEAM>(sum, shared);
        if (real && lane == 0) sums[piece] = sum;
    });
}

// Rows across memory: a thread for each column of each piece. sums[(outer * pieces + piece) * inner + column].
template <typename T>
__device__ inline void fold_columns(Count outer, Count count, Count inner, Count piece_len, const T* a, const T* b, double* sums) {
    const Count pieces = (count + piece_len - 1) / piece_len;
    for (Count i = first_element(); i < outer * pieces * inner; i += element_step()) {
        Count column = i % inner, piece = i / inner % pieces, row = i / inner / pieces;
        Count first = piece * piece_len, end = min(first + piece_len, count);
        double sum = 0;
        for (Count k = first; k < end; ++k) sum += term(a, b, (row * count + k) * inner + column);
        sums[i] = sum;
    }
}

// The larger of two, NaN if one is.
template <typename T> __device__ inline T larger(T a, T b) { return a > b || a != a ? a : b; }

// output[outer][column]: the largest of the middle axis, by a warp for rows that lie together, else by a thread for each column.
template <typename T> __device__ inline void fold_max_rows(Count rows, Count count, const T* input, T* output) {
    const int lane = threadIdx.x % WARP;
    each_piece<WARP>(rows, [&](Count row) {
        T most = -INFINITY;
        for (Count i = lane; row < rows && i < count; i += WARP) most = larger(input[row * count + i], most);
#pragma unroll
        for (int distance = WARP / 2; distance > 0; distance /= 2) {
            most = larger(__shfl_xor_sync(FULL_WARP, most, distance), most);
        }
        if (row < rows && lane == 0) output[row] = most;
    });
}

template <typename T>
__device__ inline void fold_max_columns(Count outer, Count count, Count inner, const T* input, T* output) {
    for (Count i = first_element(); i < outer * inner; i += element_step()) {
        const T* column = input + i / inner * count * inner + i % inner;
        T most = column[0];
        for (Count k = 1; k < count; ++k) most = larger(column[k * inner], most);
        output[i] = most;
    }
}

#define DEFINE_FOR_TEAM(T, NAME, TEAM, TEAM_NAME)                                                                            \
    extern "C" __global__ void __launch_bounds__(THREADS) fold_rows_##TEAM_NAME##_##NAME(                                    \
        Count rows, Count count, Count piece_len, const T* a, const T* b, double* sums) {                                    \
        fold_rows<TEAM>(rows, count, piece_len, a, b, sums);                                                                 \
    }

#define DEFINE(T, NAME)                                                                                                      \
    DEFINE_FOR_TEAM(T, NAME, WARP, warp)                                                                                     \
    DEFINE_FOR_TEAM(T, NAME, THREADS, block)                                                                                 \
    extern "C" __global__ void fold_columns_##NAME(Count outer, Count count, Count inner, Count piece_len, const T* a,       \
                                                   const T* b, double* sums) {                                               \
        fold_columns(outer, count, inner, piece_len, a, b, sums);                                                            \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                                    \
        fold_max_rows_##NAME(Count rows, Count count, const T* input, T* output) {                                           \
        fold_max_rows(rows, count, input, output);                                                                           \
    }                                                                                                                        \
    extern "C" __global__ void fold_max_columns_##NAME(Count outer, Count count, Count inner, const T* input, T* output) {   \
        fold_max_columns(outer, count, inner, input, output);                                                                \
    }                                                                                                                        \
    extern "C" __global__ void fold_rounded_##NAME(Count count, double factor, const double* sums, T* output) {              \
        for (Count i = first_element(); i < count; i += element_step()) output[i] = (T)(sums[i] * factor);                   \
    }
FOR_ELEMENTS(DEFINE)
