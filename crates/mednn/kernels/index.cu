// Selection along the middle axis of [outer, count, inner] by indices, sums where indices point, and the first elements in an
// order (cpu/index.rs, cpu/select.rs, cpu/top_k.rs). Indices are inside their axis.
//
// Sums are taken in the order of the indices: by one thread for a column where neighbouring columns are read side by side, else
// by a block for a row, in which the first thread of several with one index adds for all of them.
#include "teams.cuh"

// Indices of [outer, rows, inner], or of [rows] for all columns in common.
struct Indices {
    const unsigned* values;
    Count rows, inner;
    int common;

    __device__ unsigned at(Count place) const { return values[common ? place / inner % rows : place]; }
};

// output[place] is the input's element in the column that the index there names.
template <typename T>
__device__ inline void index_select(const Indices& indices, Count outer, Count count, const T* input, T* output) {
    const Count inner = indices.inner, len = outer * indices.rows * inner;
    for (Count i = first_element(); i < len; i += element_step()) {
        Count item = i / inner / indices.rows;
        output[i] = input[(item * count + indices.at(i)) * inner + i % inner];
    }
}

// output = base, or zeros, plus each element of `source` where its index says; one thread a column.
template <typename T>
__device__ inline void index_add_columns(const Indices& indices, Count outer, Count count, const T* base, const T* source,
                                         T* output) {
    const Count inner = indices.inner;
    for (Count column = first_element(); column < outer * inner; column += element_step()) {
        const Count item = column / inner, place = column % inner;
        T* out = output + item * count * inner + place;
        for (Count c = 0; c < count; ++c) out[c * inner] = base ? base[(item * count + c) * inner + place] : (T)0;
        for (Count row = 0; row < indices.rows; ++row) {
            const Count from = (item * indices.rows + row) * inner + place;
            out[indices.at(from) * inner] += source[from];
        }
    }
}

// The same for rows that lie together (inner is 1), one block a row. With `last` the last of several elements is written instead
// of their sum.
template <typename T>
__device__ inline void index_add_rows(const Indices& indices, Count outer, Count count, int last, const T* base, const T* source,
                                      T* output) {
    __shared__ unsigned targets[THREADS];
    __shared__ T values[THREADS];
    const int own = threadIdx.x;
    for (Count item = blockIdx.x; item < outer; item += gridDim.x) {
        T* out = output + item * count;
        for (Count c = own; c < count; c += THREADS) out[c] = base ? base[item * count + c] : (T)0;
        for (Count first = 0; first < indices.rows; first += THREADS) {
            const int present = (int)min((Count)THREADS, indices.rows - first);
            __syncthreads();
            if (own < present) {
                const Count from = item * indices.rows + first + own;
                targets[own] = indices.at(from);
                values[own] = source[from];
            }
            __syncthreads();
            if (own >= present) continue;
            const unsigned target = targets[own];
            bool others = false;
            for (int i = last ? own + 1 : 0; i < (last ? present : own) && !others; ++i) others = targets[i] == target;
            if (others) continue;
            T sum = last ? values[own] : out[target];
            for (int i = own; i < present && !last; ++i) {
                if (targets[i] == target) sum += values[i];
            }
            out[target] = sum;
        }
        __syncthreads();
    }
}

// An element and its number; none when that is negative. NaN counts as larger than all numbers, of equal elements that of the
// lowest number comes first.
template <typename T> struct Candidate {
    T value;
    int number;

    __device__ bool before(const Candidate& other, int largest) const {
        if (other.number < 0) return number >= 0;
        if (number < 0) return false;
        const bool nan = value != value, other_nan = other.value != other.value;
        if (value == other.value || (nan && other_nan)) return number < other.number;
        const bool above = nan || (!other_nan && value > other.value);
        return largest ? above : !above;
    }
};

// The numbers of the first `k` of `count` elements of each column, [outer, k, inner]; one block a column, one element a round.
template <typename T>
__device__ inline void top_k(Count outer, int count, Count inner, int k, int largest, const T* input, unsigned* output) {
    __shared__ Candidate<T> of_warps[THREADS / WARP];
    for (Count column = blockIdx.x; column < outer * inner; column += gridDim.x) {
        const Count item = column / inner, place = column % inner;
        const T* values = input + item * count * inner + place;
        Candidate<T> taken = {0, -1};
        for (int rank = 0; rank < k; ++rank) {
            Candidate<T> best = {0, -1};
            for (int c = threadIdx.x; c < count; c += THREADS) {
                const Candidate<T> candidate = {values[c * inner], c};
                if (taken.number >= 0 && !taken.before(candidate, largest)) continue;
                if (candidate.before(best, largest)) best = candidate;
            }
#pragma unroll
            for (int distance = WARP / 2; distance > 0; distance /= 2) {
                const Candidate<T> other = {__shfl_xor_sync(FULL_WARP, best.value, distance),
                                            __shfl_xor_sync(FULL_WARP, best.number, distance)};
                if (other.before(best, largest)) best = other;
            }
            __syncthreads();
            if (threadIdx.x % WARP == 0) of_warps[threadIdx.x / WARP] = best;
            __syncthreads();
            taken = of_warps[0];
            for (int w = 1; w < THREADS / WARP; ++w) {
                if (of_warps[w].before(taken, largest)) taken = of_warps[w];
            }
            if (threadIdx.x == 0) output[(item * k + rank) * inner + place] = (unsigned)taken.number;
        }
    }
}

#define DEFINE(T, NAME)                                                                                                      \
    extern "C" __global__ void index_select_##NAME(Count outer, Count count, Count rows, Count inner, int common,            \
                                                   const unsigned* indices, const T* input, T* output) {                     \
        index_select(Indices{indices, rows, inner, common}, outer, count, input, output);                                    \
    }                                                                                                                        \
    extern "C" __global__ void index_add_columns_##NAME(Count outer, Count count, Count rows, Count inner, int common,       \
                                                        const unsigned* indices, const T* base, const T* source,             \
                                                        T* output) {                                                         \
        index_add_columns(Indices{indices, rows, inner, common}, outer, count, base, source, output);                        \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                                    \
        index_add_rows_##NAME(Count outer, Count count, Count rows, int common, int last, const unsigned* indices,           \
                              const T* base, const T* source, T* output) {                                                   \
        index_add_rows(Indices{indices, rows, 1, common}, outer, count, last, base, source, output);                         \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                                    \
        top_k_##NAME(Count outer, int count, Count inner, int k, int largest, const T* input, unsigned* output) {            \
        top_k(outer, count, inner, k, largest, input, output);                                                               \
    }
FOR_ELEMENTS(DEFINE)
