// What all kernels share: sizes, 16-byte access, sums over teams of threads.
//
// A kernel is a template over the element type and is named once for each, `name_f32` and `name_f64`, by FOR_ELEMENTS.
// Counts of elements are 64 bits wide; extents of one axis, and places inside one plane, are 32.
#pragma once

typedef long long Count;

#define FULL_WARP 0xffffffffu
#define WARP 32

// Threads of a block, unless a kernel says otherwise (src/cuda/launch.rs).
#define THREADS 256

#define FOR_ELEMENTS(DEFINE) DEFINE(float, f32) DEFINE(double, f64)

// As many elements as one access of 16 bytes moves.
template <typename T> struct alignas(16) Pack {
    static constexpr int LENGTH = 16 / sizeof(T);
    T values[LENGTH];
};

__device__ inline bool on_packs(const void* a) { return (reinterpret_cast<unsigned long long>(a) & 15) == 0; }

__device__ inline Count first_element() { return blockIdx.x * (Count)blockDim.x + threadIdx.x; }
__device__ inline Count element_step() { return (Count)gridDim.x * blockDim.x; }

// out[i] = f({in[0][i], in[1][i], ...}) for all i, 16 bytes at a time where all pointers allow it.
template <int K, typename T, typename F>
__device__ inline void map_elements(Count count, const T* const (&in)[K], T* out, F f) {
    bool packed = on_packs(out);
    for (int k = 0; k < K; ++k) packed = packed && on_packs(in[k]);
    Count packs = packed ? count / Pack<T>::LENGTH : 0;
    for (Count p = first_element(); p < packs; p += element_step()) {
        Pack<T> read[K], written;
#pragma unroll
        for (int k = 0; k < K; ++k) read[k] = reinterpret_cast<const Pack<T>*>(in[k])[p];
#pragma unroll
        for (int lane = 0; lane < Pack<T>::LENGTH; ++lane) {
            T values[K];
#pragma unroll
            for (int k = 0; k < K; ++k) values[k] = read[k].values[lane];
            written.values[lane] = f(values);
        }
        reinterpret_cast<Pack<T>*>(out)[p] = written;
    }
    for (Count i = packs * Pack<T>::LENGTH + first_element(); i < count; i += element_step()) {
        T values[K];
#pragma unroll
        for (int k = 0; k < K; ++k) values[k] = in[k][i];
        out[i] = f(values);
    }
}

// Runs `body(row, i)` for all rows and all their elements. The grid is one of planes (src/cuda/launch.rs).
template <typename F> __device__ inline void each_of_rows(Count rows, Count len, F body) {
    Count step = (Count)gridDim.y * blockDim.y;
    for (Count row = blockIdx.y * (Count)blockDim.y + threadIdx.y; row < rows; row += step) {
        for (Count i = first_element(); i < len; i += element_step()) body(row, i);
    }
}

// The sum over TEAM threads, all of which get it: TEAM is WARP, or the whole block with `shared` one value a warp.
// Every thread of the block calls it. Terms are added in an order that only TEAM decides.
template <int TEAM, typename S> __device__ inline S team_sum(S value, S* shared) {
#pragma unroll
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
        value += __shfl_xor_sync(FULL_WARP, value, distance);
    }
    if (TEAM == WARP) return value;
    int warp = threadIdx.x / WARP;
    __syncthreads();
    if (threadIdx.x % WARP == 0) shared[warp] = value;
    __syncthreads();
    S total = shared[0];
    for (int w = 1; w < TEAM / WARP; ++w) total += shared[w];
    return total;
}

template <int TEAM, typename S> __device__ inline S team_max(S value, S* shared) {
#pragma unroll
    for (int distance = WARP / 2; distance > 0; distance /= 2) {
        S other = __shfl_xor_sync(FULL_WARP, value, distance);
        value = other > value ? other : value;
    }
    if (TEAM == WARP) return value;
    int warp = threadIdx.x / WARP;
    __syncthreads();
    if (threadIdx.x % WARP == 0) shared[warp] = value;
    __syncthreads();
    S largest = shared[0];
    for (int w = 1; w < TEAM / WARP; ++w) largest = shared[w] > largest ? shared[w] : largest;
    return largest;
}

__device__ inline float root(float x) { return sqrtf(x); }
__device__ inline double root(double x) { return sqrt(x); }
__device__ inline float exponential(float x) { return expf(x); }
__device__ inline double exponential(double x) { return exp(x); }
__device__ inline float logarithm(float x) { return logf(x); }
__device__ inline double logarithm(double x) { return log(x); }
__device__ inline float hyperbolic_tangent(float x) { return tanhf(x); }
__device__ inline double hyperbolic_tangent(double x) { return tanh(x); }
__device__ inline float error_function(float x) { return erff(x); }
__device__ inline double error_function(double x) { return erf(x); }
__device__ inline float magnitude(float x) { return fabsf(x); }
__device__ inline double magnitude(double x) { return fabs(x); }
