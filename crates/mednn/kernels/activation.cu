// Activation functions (cpu/activation), one pass over memory each.
#include "pointwise.cuh"

template <typename T> struct Forward {
    Count count;
    const T* input;
    T* output;
    template <typename F> __device__ void operator()(F f) const {
        map_elements<1, T>(count, {input}, output, [f](const T (&x)[1]) { return f.value(x[0]); });
    }
};

template <typename T> struct Backward {
    Count count;
    const T *input, *gradient;
    T* input_gradient;
    template <typename F> __device__ void operator()(F f) const {
        map_elements<2, T>(count, {input, gradient}, input_gradient,
                           [f](const T (&x)[2]) { return x[1] * f.derivative(x[0]); });
    }
};

// Channels of batch items, `len` elements each, with a slope each or one in common.
struct Rows {
    Count count, len;
    int channels, slopes;

    __device__ int slope(Count i) const { return slopes == 1 ? 0 : (int)(i / len % channels); }
};

template <typename T> __device__ inline void prelu_forward(const Rows& rows, const T* input, const T* slopes, T* output) {
    for (Count i = first_element(); i < rows.count * rows.len; i += element_step()) {
        output[i] = LeakyRelu<T>{slopes[rows.slope(i)]}.value(input[i]);
    }
}

// terms: what adds up to the gradients of the slopes.
template <typename T>
__device__ inline void prelu_backward(const Rows& rows, const T* input, const T* slopes, const T* gradient, T* input_gradient,
                                      T* terms) {
    for (Count i = first_element(); i < rows.count * rows.len; i += element_step()) {
        T x = input[i], g = gradient[i];
        input_gradient[i] = g * LeakyRelu<T>{slopes[rows.slope(i)]}.derivative(x);
        terms[i] = x > 0 ? (T)0 : g * x;
    }
}

#define DEFINE(T, NAME)                                                                                                \
    extern "C" __global__ void activation_forward_##NAME(int kind, T a, T b, Count count, const T* input, T* output) { \
        with_function(kind, a, b, Forward<T>{count, input, output});                                                   \
    }                                                                                                                  \
    extern "C" __global__ void activation_backward_##NAME(int kind, T a, T b, Count count, const T* input,             \
                                                          const T* gradient, T* input_gradient) {                      \
        with_function(kind, a, b, Backward<T>{count, input, gradient, input_gradient});                                \
    }                                                                                                                  \
    extern "C" __global__ void prelu_forward_##NAME(Rows rows, const T* input, const T* slopes, T* output) {           \
        prelu_forward(rows, input, slopes, output);                                                                    \
    }                                                                                                                  \
    extern "C" __global__ void prelu_backward_##NAME(Rows rows, const T* input, const T* slopes, const T* gradient,    \
                                                     T* input_gradient, T* terms) {                                    \
        prelu_backward(rows, input, slopes, gradient, input_gradient, terms);                                          \
    }
FOR_ELEMENTS(DEFINE)
