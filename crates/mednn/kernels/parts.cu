// Parts of an axis taken out and put back, and tensors joined along it (cpu/narrow.rs, ops/concat.rs).
//
// Tensors are [outer, count, inner] with the last two axes seen as one row.
#include "common.cuh"

#define DEFINE(T, NAME)                                                                                                      \
    /* output[row] = input[row][first .. first + part_len]. */                                                               \
    extern "C" __global__ void narrow_##NAME(Count rows, Count row_len, Count first, Count part_len, const T* input,         \
                                             T* output) {                                                                    \
        each_of_rows(rows, part_len, [&](Count row, Count i) { output[row * part_len + i] = input[row * row_len + first + i]; }); \
    }                                                                                                                        \
    /* The inverse, zero outside the part. */                                                                                \
    extern "C" __global__ void widen_##NAME(Count rows, Count row_len, Count first, Count part_len, const T* part,           \
                                            T* output) {                                                                     \
        each_of_rows(rows, row_len, [&](Count row, Count i) {                                                                \
            bool inside = i >= first && i < first + part_len;                                                                \
            output[row * row_len + i] = inside ? part[row * part_len + i - first] : (T)0;                                    \
        });                                                                                                                  \
    }                                                                                                                        \
    /* output[row] = a[row] and b[row], one behind the other. */                                                             \
    extern "C" __global__ void join_##NAME(Count rows, Count a_len, Count b_len, const T* a, const T* b, T* output) {        \
        each_of_rows(rows, a_len + b_len, [&](Count row, Count i) {                                                          \
            output[row * (a_len + b_len) + i] = i < a_len ? a[row * a_len + i] : b[row * b_len + i - a_len];                 \
        });                                                                                                                  \
    }
FOR_ELEMENTS(DEFINE)
