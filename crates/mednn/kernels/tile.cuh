// Products of matrices whose elements are looked up when they are needed: what convolutions, linear maps and
// attention are made of.
//
// A block makes a tile of the product. Slices of both matrices go through shared memory, two of them in turn: while one is
// multiplied, the next is on its way in registers. Sums are taken in one order.
#pragma once
#include "common.cuh"

// How the threads of a block divide a tile among them.
//
// ROWS x COLUMNS elements of the product, DEPTH terms at a time. Exact arithmetic: each thread has ACROSS x ALONG elements.
template <typename T_, int ROWS_, int COLUMNS_, int ACROSS_, int ALONG_> struct Exact {
    typedef T_ T;
    static constexpr int ROWS = ROWS_, COLUMNS = COLUMNS_, DEPTH = 16, ACROSS = ACROSS_, ALONG = ALONG_;
    // Shared memory has 32 banks: rows of a slice begin in different ones.
    static constexpr int PAD = 4;
    static constexpr int THREAD_COLUMNS = COLUMNS / ALONG;
    static_assert(ROWS / ACROSS * THREAD_COLUMNS == THREADS, "a thread for each part of the tile");

    T sums[ACROSS][ALONG];

    __device__ static T stored(T x) { return x; }
    __device__ static int first_row() { return (int)threadIdx.x / THREAD_COLUMNS * ACROSS; }
    __device__ static int first_column() { return (int)threadIdx.x % THREAD_COLUMNS * ALONG; }

    __device__ void clear() {
#pragma unroll
        for (int i = 0; i < ACROSS; ++i) {
#pragma unroll
            for (int j = 0; j < ALONG; ++j) sums[i][j] = 0;
        }
    }

    __device__ void multiply(const T (&left)[DEPTH][ROWS + PAD], const T (&right)[DEPTH][COLUMNS + PAD]) {
#pragma unroll
        for (int k = 0; k < DEPTH; ++k) {
            T a[ACROSS], b[ALONG];
#pragma unroll
            for (int i = 0; i < ACROSS; ++i) a[i] = left[k][first_row() + i];
#pragma unroll
            for (int j = 0; j < ALONG; ++j) b[j] = right[k][first_column() + j];
#pragma unroll
            for (int i = 0; i < ACROSS; ++i) {
#pragma unroll
                for (int j = 0; j < ALONG; ++j) sums[i][j] += a[i] * b[j];
            }
        }
    }

    // Calls `write(row, column, sum)` for the elements of this thread.
    template <typename F> __device__ void each(F write) const {
#pragma unroll
        for (int i = 0; i < ACROSS; ++i) {
#pragma unroll
            for (int j = 0; j < ALONG; ++j) write(first_row() + i, first_column() + j, sums[i][j]);
        }
    }

    // Puts `f(row, column, sum)` in the place of each of them.
    template <typename F> __device__ void update(F f) {
#pragma unroll
        for (int i = 0; i < ACROSS; ++i) {
#pragma unroll
            for (int j = 0; j < ALONG; ++j) sums[i][j] = f(first_row() + i, first_column() + j, sums[i][j]);
        }
    }
};

#ifdef MEDNN_ON_HOST
#include "mma.h"
#else
__device__ inline float rounded_to_tf32(float x) {
    unsigned bits;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(x));
    return __uint_as_float(bits);
}

// sums += a * b for a 16 x 8 by 8 x 8 product shared by a warp.
__device__ inline void multiply_tf32(float (&sums)[4], const float (&a)[4], const float (&b)[2]) {
    asm volatile(
        "mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
        : "r"(__float_as_uint(a[0])), "r"(__float_as_uint(a[1])), "r"(__float_as_uint(a[2])), "r"(__float_as_uint(a[3])),
          "r"(__float_as_uint(b[0])), "r"(__float_as_uint(b[1])));
}
#endif

// Tensor cores: factors of 10 bits behind the point, sums in f32. Each warp has WARP_ROWS x WARP_COLUMNS elements of the tile.
template <int ROWS_, int COLUMNS_, int WARP_ROWS, int WARP_COLUMNS> struct Tf32 {
    typedef float T;
    static constexpr int ROWS = ROWS_, COLUMNS = COLUMNS_, DEPTH = 16;
    // With rows 8 banks apart, the lanes of a warp read 32 different ones.
    static constexpr int PAD = 8;
    static_assert(ROWS / WARP_ROWS * (COLUMNS / WARP_COLUMNS) * WARP == THREADS, "a warp for each part of the tile");

    float sums[WARP_ROWS / 16][WARP_COLUMNS / 8][4];

    __device__ static float stored(float x) { return rounded_to_tf32(x); }
    __device__ static int warp_row() { return (int)threadIdx.x / WARP / (COLUMNS / WARP_COLUMNS) * WARP_ROWS; }
    __device__ static int warp_column() { return (int)threadIdx.x / WARP % (COLUMNS / WARP_COLUMNS) * WARP_COLUMNS; }

    __device__ void clear() {
#pragma unroll
        for (int i = 0; i < WARP_ROWS / 16; ++i) {
#pragma unroll
            for (int j = 0; j < WARP_COLUMNS / 8; ++j) {
#pragma unroll
                for (int k = 0; k < 4; ++k) sums[i][j][k] = 0;
            }
        }
    }

    __device__ void multiply(const float (&left)[DEPTH][ROWS + PAD], const float (&right)[DEPTH][COLUMNS + PAD]) {
        const int quad = threadIdx.x % WARP / 4, in_quad = threadIdx.x % 4;
#pragma unroll
        for (int k = 0; k < DEPTH; k += 8) {
            float a[WARP_ROWS / 16][4], b[WARP_COLUMNS / 8][2];
#pragma unroll
            for (int i = 0; i < WARP_ROWS / 16; ++i) {
                int row = warp_row() + i * 16 + quad;
                a[i][0] = left[k + in_quad][row];
                a[i][1] = left[k + in_quad][row + 8];
                a[i][2] = left[k + in_quad + 4][row];
                a[i][3] = left[k + in_quad + 4][row + 8];
            }
#pragma unroll
            for (int j = 0; j < WARP_COLUMNS / 8; ++j) {
                int column = warp_column() + j * 8 + quad;
                b[j][0] = right[k + in_quad][column];
                b[j][1] = right[k + in_quad + 4][column];
            }
#pragma unroll
            for (int i = 0; i < WARP_ROWS / 16; ++i) {
#pragma unroll
                for (int j = 0; j < WARP_COLUMNS / 8; ++j) multiply_tf32(sums[i][j], a[i], b[j]);
            }
        }
    }

    // Where the fragment `k` of a product is in the tile.
    __device__ static int row(int i, int k) { return warp_row() + i * 16 + threadIdx.x % WARP / 4 + k / 2 * 8; }
    __device__ static int column(int j, int k) { return warp_column() + j * 8 + threadIdx.x % 4 * 2 + k % 2; }

    template <typename F> __device__ void each(F write) const {
#pragma unroll
        for (int i = 0; i < WARP_ROWS / 16; ++i) {
#pragma unroll
            for (int j = 0; j < WARP_COLUMNS / 8; ++j) {
#pragma unroll
                for (int k = 0; k < 4; ++k) write(row(i, k), column(j, k), sums[i][j][k]);
            }
        }
    }

    template <typename F> __device__ void update(F f) {
#pragma unroll
        for (int i = 0; i < WARP_ROWS / 16; ++i) {
#pragma unroll
            for (int j = 0; j < WARP_COLUMNS / 8; ++j) {
#pragma unroll
                for (int k = 0; k < 4; ++k) sums[i][j][k] = f(row(i, k), column(j, k), sums[i][j][k]);
            }
        }
    }
};

// Which elements of a slice of DEPTH x LENGTH a thread brings: those of one place along the side that is read side by side.
//
// ALONG_TERMS says which side that is: neighbouring threads bring neighbouring terms, or neighbouring rows (columns).
template <int DEPTH, int LENGTH, bool ALONG_TERMS> struct Share {
    static constexpr int COUNT = DEPTH * LENGTH / THREADS;

    __device__ static int term(int j) {
        return ALONG_TERMS ? (int)threadIdx.x % DEPTH : (int)threadIdx.x / LENGTH + j * (THREADS / LENGTH);
    }
    __device__ static int place(int j) {
        return ALONG_TERMS ? (int)threadIdx.x / DEPTH + j * (THREADS / DEPTH) : (int)threadIdx.x % LENGTH;
    }
};

// Two slices of both matrices, in shared memory.
template <typename Core> struct Slices {
    typename Core::T lefts[2][Core::DEPTH][Core::ROWS + Core::PAD];
    typename Core::T rights[2][Core::DEPTH][Core::COLUMNS + Core::PAD];
};

// Adds the tile of `left` times `right` over the terms from `first` to `end`: left(row, term) and right(term, column) give
// elements, zero outside the matrices. Both are asked with places inside the tile. At the end the block has waited for all of
// its threads.
template <typename Core, bool LEFT_ALONG_TERMS, bool RIGHT_ALONG_TERMS, typename L, typename R>
__device__ inline void add_product(Core& core, Slices<Core>& slices, Count first, Count end, L left, R right) {
    typedef typename Core::T T;
    typedef Share<Core::DEPTH, Core::ROWS, LEFT_ALONG_TERMS> LeftShare;
    typedef Share<Core::DEPTH, Core::COLUMNS, RIGHT_ALONG_TERMS> RightShare;
    T next_left[LeftShare::COUNT], next_right[RightShare::COUNT];
    int turn = 0;
    for (Count from = first; from < end + Core::DEPTH; from += Core::DEPTH) {
        if (from < end) {
#pragma unroll
            for (int j = 0; j < LeftShare::COUNT; ++j) {
                Count term = from + LeftShare::term(j);
                next_left[j] = term < end ? left(LeftShare::place(j), term) : (T)0;
            }
#pragma unroll
            for (int j = 0; j < RightShare::COUNT; ++j) {
                Count term = from + RightShare::term(j);
                next_right[j] = term < end ? right(term, RightShare::place(j)) : (T)0;
            }
        }
        // What was brought in the round before is multiplied while this round's reads are under way.
        if (from > first) core.multiply(slices.lefts[turn ^ 1], slices.rights[turn ^ 1]);
        if (from < end) {
#pragma unroll
            for (int j = 0; j < LeftShare::COUNT; ++j) {
                slices.lefts[turn][LeftShare::term(j)][LeftShare::place(j)] = Core::stored(next_left[j]);
            }
#pragma unroll
            for (int j = 0; j < RightShare::COUNT; ++j) {
                slices.rights[turn][RightShare::term(j)][RightShare::place(j)] = Core::stored(next_right[j]);
            }
        }
        __syncthreads();
        turn ^= 1;
    }
}

// The same, not added to anything.
template <typename Core, bool LEFT_ALONG_TERMS, bool RIGHT_ALONG_TERMS, typename L, typename R>
__device__ inline void tile_product(Core& core, Count first, Count end, L left, R right) {
    __shared__ Slices<Core> slices;
    core.clear();
    add_product<Core, LEFT_ALONG_TERMS, RIGHT_ALONG_TERMS>(core, slices, first, end, left, right);
}
