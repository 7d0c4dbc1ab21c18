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

#define DEFINE(T, NAME)                                                                                                \
    extern "C" __global__ void activation_forward_##NAME(int kind, T a, T b, Count count, const T* input, T* output) { \
        with_function(kind, a, b, Forward<T>{count, input, output});                                                   \
    }                                                                                                                  \
    extern "C" __global__ void activation_backward_##NAME(int kind, T a, T b, Count count, const T* input,             \
                                                          const T* gradient, T* input_gradient) {                      \
        with_function(kind, a, b, Backward<T>{count, input, gradient, input_gradient});                                \
    }
FOR_ELEMENTS(DEFINE)
