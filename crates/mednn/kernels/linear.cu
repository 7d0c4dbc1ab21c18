// Linear maps of rows and their gradients (cpu/linear): products of matrices that lie in memory.
#include "tile.cuh"

// A matrix by the distances of neighbours along its rows and its columns.
struct Matrix {
    Count row, column;
};

// output[split][row * columns + column] = sum over terms of left(row, term) * right(term, column), plus bias[column].
//
// Which side of each matrix is read side by side is known when compiling; the terms are divided among `gridDim.z` blocks.
template <typename Core, bool LEFT_ALONG_TERMS, bool RIGHT_ALONG_TERMS, typename T>
__device__ inline void product(Count rows, Count columns, Count terms, Matrix left, Matrix right, const T* a, const T* b,
                               const T* bias, T* output) {
    const Count first_column = blockIdx.x * (Count)Core::COLUMNS, first_row = blockIdx.y * (Count)Core::ROWS;
    const Count slices = (terms + Core::DEPTH - 1) / Core::DEPTH;
    const int split = blockIdx.z, splits = gridDim.z;
    const Count first = slices * split / splits * Core::DEPTH;
    const Count end = min(slices * (split + 1) / splits * Core::DEPTH, terms);
    Core core;
    tile_product<Core, LEFT_ALONG_TERMS, RIGHT_ALONG_TERMS>(
        core, first, end,
        [&](int row, Count term) {
            Count r = first_row + row;
            return r < rows ? a[r * left.row + term * left.column] : (T)0;
        },
        [&](Count term, int column) {
            Count c = first_column + column;
            return c < columns ? b[term * right.row + c * right.column] : (T)0;
        });
    core.each([&](int row, int column, T sum) {
        Count r = first_row + row, c = first_column + column;
        if (r < rows && c < columns) output[(split * rows + r) * columns + c] = bias ? sum + bias[c] : sum;
    });
}

#define DEFINE_FOR_CORE(T, NAME, ...)                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS) linear_forward_##NAME(                                             \
        Count rows, Count columns, Count terms, Matrix left, Matrix right, const T* a, const T* b, const T* bias,            \
        T* output) {                                                                                                         \
        product<__VA_ARGS__, true, true>(rows, columns, terms, left, right, a, b, bias, output);                             \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS) linear_input_gradient_##NAME(                                      \
        Count rows, Count columns, Count terms, Matrix left, Matrix right, const T* a, const T* b, const T* bias,            \
        T* output) {                                                                                                         \
        product<__VA_ARGS__, true, false>(rows, columns, terms, left, right, a, b, bias, output);                            \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS) linear_weight_gradient_##NAME(                                     \
        Count rows, Count columns, Count terms, Matrix left, Matrix right, const T* a, const T* b, const T* bias,            \
        T* output) {                                                                                                         \
        product<__VA_ARGS__, false, false>(rows, columns, terms, left, right, a, b, bias, output);                           \
    }
typedef Exact<float, 128, 128, 8, 8> HighF32;
typedef Exact<float, 32, 128, 4, 4> FlatF32;
typedef Tf32<128, 128, 64, 32> HighTf32;
typedef Tf32<32, 128, 32, 16> FlatTf32;
typedef Exact<double, 64, 64, 4, 4> HighF64;
typedef Exact<double, 16, 128, 2, 4> FlatF64;
DEFINE_FOR_CORE(float, high_f32, HighF32)
DEFINE_FOR_CORE(float, flat_f32, FlatF32)
DEFINE_FOR_CORE(float, high_tf32, HighTf32)
DEFINE_FOR_CORE(float, flat_tf32, FlatTf32)
DEFINE_FOR_CORE(double, high_f64, HighF64)
DEFINE_FOR_CORE(double, flat_f64, FlatF64)
