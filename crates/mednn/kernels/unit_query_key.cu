// Queries and keys of one length (cpu/unit_query_key.rs): tokens hold the queries of all heads, then the keys, then the values.
// A warp has one vector of a token.
#include "teams.cuh"

struct Tokens {
    Count rows;
    int heads, dim;
};

// The factor of a query by its logarithm, at most 100.
template <typename T> __device__ inline T factor_of(T log) {
    const T most = (T)4.605170185988092;
    return exponential(log > most ? most : log);
}

template <typename T> __device__ inline T shortest(T length) { return length > (T)1e-12 ? length : (T)1e-12; }

template <typename F> __device__ inline void each_vector(Count vectors, int dim, F body) {
    each_piece<WARP>(vectors, [&](Count vector) {
        const bool real = vector < vectors;
        body(real ? vector : 0, real ? dim : 0, (int)threadIdx.x % WARP);
    });
}

template <typename T> __device__ inline T dot(const T* a, const T* b, int dim, int lane) {
    T sum = 0;
    for (int i = lane; i < dim; i += WARP) sum += a[i] * b[i];
    return team_sum<WARP>(sum, (T*)nullptr);
}

template <typename T> __device__ inline void unit_forward(const Tokens& t, const T* input, const T* logs, T* output) {
    each_vector(3 * t.heads * t.rows, t.dim, [&](Count vector, int dim, int lane) {
        const int number = (int)(vector % (3 * t.heads));
        const T* x = input + vector * t.dim;
        const T length = shortest(root(dot(x, x, dim, lane)));
        T factor = (number < t.heads ? factor_of(logs[number]) : (T)1) / length;
        if (number >= 2 * t.heads) factor = 1;
        for (int i = lane; i < dim; i += WARP) output[vector * t.dim + i] = x[i] * factor;
    });
}

template <typename T>
__device__ inline void unit_input_gradient(const Tokens& t, const T* input, const T* logs, const T* gradient, T* input_gradient) {
    each_vector(3 * t.heads * t.rows, t.dim, [&](Count vector, int dim, int lane) {
        const int number = (int)(vector % (3 * t.heads));
        const T *x = input + vector * t.dim, *g = gradient + vector * t.dim;
        const T square = dot(x, x, dim, lane), product = dot(x, g, dim, lane);
        T factor = (number < t.heads ? factor_of(logs[number]) : (T)1) / shortest(root(square));
        // A vector shorter than the shortest is divided by a constant.
        T along = root(square) >= (T)1e-12 ? product / square : (T)0;
        if (number >= 2 * t.heads) {
            factor = 1;
            along = 0;
        }
        for (int i = lane; i < dim; i += WARP) input_gradient[vector * t.dim + i] = factor * (g[i] - x[i] * along);
    });
}

// terms[row][head]: what adds up to the gradient of a head's factor.
template <typename T> __device__ inline void unit_terms(const Tokens& t, const T* input, const T* gradient, T* terms) {
    each_vector(t.heads * t.rows, t.dim, [&](Count piece, int dim, int lane) {
        const Count start = (piece / t.heads * 3 * t.heads + piece % t.heads) * t.dim;
        const T *x = input + start, *g = gradient + start;
        const T term = dot(x, g, dim, lane) / shortest(root(dot(x, x, dim, lane)));
        if (lane == 0 && dim > 0) terms[piece] = term;
    });
}

#define DEFINE(T, NAME)                                                                                                    \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                                  \
        unit_forward_##NAME(Tokens tokens, const T* input, const T* logs, T* output) {                                     \
        unit_forward(tokens, input, logs, output);                                                                         \
    }                                                                                                                      \
    extern "C" __global__ void __launch_bounds__(THREADS) unit_input_gradient_##NAME(                                      \
        Tokens tokens, const T* input, const T* logs, const T* gradient, T* input_gradient) {                              \
        unit_input_gradient(tokens, input, logs, gradient, input_gradient);                                                \
    }                                                                                                                      \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                                  \
        unit_terms_##NAME(Tokens tokens, const T* input, const T* gradient, T* terms) {                                    \
        unit_terms(tokens, input, gradient, terms);                                                                        \
    }                                                                                                                      \
    /* The gradient of the logarithms from that of the factors; none of one above the largest. */                          \
    extern "C" __global__ void unit_log_gradient_##NAME(Count heads, const T* logs, const T* sums, T* output) {            \
        for (Count h = first_element(); h < heads; h += element_step()) {                                                  \
            output[h] = logs[h] <= (T)4.605170185988092 ? sums[h] * factor_of(logs[h]) : (T)0;                             \
        }                                                                                                                  \
    }
FOR_ELEMENTS(DEFINE)
