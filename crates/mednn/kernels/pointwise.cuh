// Activation functions and their derivatives (cpu/activation/functions.rs), in its order and with its conventions.
#pragma once
#include "common.cuh"

// The numbers by which src/cuda/activation.rs names them.
enum Kind {
    IDENTITY, RELU, LEAKY_RELU, ELU, RELU6, SELU, CELU, GELU, GELU_TANH, SILU, SIGMOID, TANH, MISH, HARD_SIGMOID,
    HARD_SWISH, SOFTPLUS
};

template <typename T> __device__ inline T sigmoid(T z) { return (T)1 / ((T)1 + exponential(-z)); }

template <typename T> __device__ inline T clamped(T z, T low, T high) {
    z = z < low ? low : z;
    return z > high ? high : z;
}

template <typename T> struct Identity {
    __device__ T value(T z) const { return z; }
    __device__ T derivative(T) const { return 1; }
};

template <typename T> struct Relu {
    __device__ T value(T z) const { return z < 0 ? 0 : z; }
    __device__ T derivative(T z) const { return z <= 0 ? 0 : 1; }
};

template <typename T> struct LeakyRelu {
    T slope;
    __device__ T value(T z) const { return z > 0 ? z : z * slope; }
    __device__ T derivative(T z) const { return z > 0 ? 1 : slope; }
};

template <typename T> struct Elu {
    T alpha;
    __device__ T value(T z) const { return z > 0 ? z : alpha * (exponential(z) - 1); }
    __device__ T derivative(T z) const { return z > 0 ? 1 : alpha * exponential(z); }
};

template <typename T> struct Relu6 {
    __device__ T value(T z) const { return clamped<T>(z, 0, 6); }
    __device__ T derivative(T z) const { return z <= 0 || z >= 6 ? 0 : 1; }
};

template <typename T> struct Selu {
    static constexpr double SCALE = 1.0507009873554805, ALPHA = 1.6732632423543772;
    __device__ T value(T z) const { return (T)SCALE * Elu<T>{(T)ALPHA}.value(z); }
    __device__ T derivative(T z) const { return (T)SCALE * Elu<T>{(T)ALPHA}.derivative(z); }
};

template <typename T> struct Celu {
    T alpha;
    __device__ T value(T z) const { return z > 0 ? z : alpha * (exponential(z / alpha) - 1); }
    __device__ T derivative(T z) const { return z > 0 ? 1 : exponential(z / alpha); }
};

template <typename T> struct Gelu {
    __device__ static T distribution(T z) { return (T)0.5 * (1 + error_function(z * (T)0.70710678118654752)); }
    __device__ T value(T z) const { return z * distribution(z); }
    __device__ T derivative(T z) const {
        return distribution(z) + z * (T)0.3989422804014327 * exponential((T)-0.5 * z * z);
    }
};

template <typename T> struct GeluTanh {
    static constexpr double ROOT_TWO_OVER_PI = 0.7978845608028654, CUBIC = 0.044715;
    __device__ static T argument(T z) { return (T)ROOT_TWO_OVER_PI * (z + (T)CUBIC * z * z * z); }
    __device__ T value(T z) const { return (T)0.5 * z * (1 + hyperbolic_tangent(argument(z))); }
    __device__ T derivative(T z) const {
        T t = hyperbolic_tangent(argument(z));
        T inner = (T)ROOT_TWO_OVER_PI * (1 + (T)(3 * CUBIC) * z * z);
        return (T)0.5 * (1 + t) + (T)0.5 * z * (1 - t * t) * inner;
    }
};

template <typename T> struct Silu {
    __device__ T value(T z) const { return z * sigmoid(z); }
    __device__ T derivative(T z) const {
        T s = sigmoid(z);
        return s * (1 + z * (1 - s));
    }
};

template <typename T> struct Sigmoid {
    __device__ T value(T z) const { return sigmoid(z); }
    __device__ T derivative(T z) const {
        T s = sigmoid(z);
        return s * (1 - s);
    }
};

template <typename T> struct Tanh {
    __device__ T value(T z) const { return hyperbolic_tangent(z); }
    __device__ T derivative(T z) const {
        T t = hyperbolic_tangent(z);
        return 1 - t * t;
    }
};

template <typename T> struct Mish {
    // tanh(ln(1 + e)) with e = exp(z), which is 1 long before e squared overflows.
    __device__ static T gate(T z) {
        T e = exponential(z > 40 ? (T)40 : z);
        T n = e * (e + 2);
        return n / (n + 2);
    }
    __device__ T value(T z) const { return z * gate(z); }
    __device__ T derivative(T z) const {
        T g = gate(z);
        return g + z * (1 - g * g) * sigmoid(z);
    }
};

template <typename T> struct HardSigmoid {
    __device__ T value(T z) const { return clamped<T>(z + 3, 0, 6) * (T)(1.0 / 6.0); }
    __device__ T derivative(T z) const { return magnitude(z) < 3 ? (T)(1.0 / 6.0) : 0; }
};

template <typename T> struct HardSwish {
    __device__ T value(T z) const { return z * HardSigmoid<T>{}.value(z); }
    __device__ T derivative(T z) const { return HardSigmoid<T>{}.value(z) + z * HardSigmoid<T>{}.derivative(z); }
};

template <typename T> struct Softplus {
    T beta, threshold;
    __device__ T value(T z) const {
        T scaled = beta * z;
        // ln(1 + e^s) = max(s, 0) + ln(1 + e^-|s|); what the sum with 1 rounds away comes back in first order.
        T e = exponential(-magnitude(scaled));
        T sum = 1 + e;
        T lost = e - (sum - 1);
        T positive = scaled < 0 ? (T)0 : scaled;
        return scaled > threshold ? z : (positive + (logarithm(sum) + lost / sum)) / beta;
    }
    __device__ T derivative(T z) const {
        T scaled = beta * z;
        return scaled > threshold ? 1 : sigmoid(scaled);
    }
};

// Calls `then` with the function of this kind; `a` and `b` are its settings.
template <typename T, typename F> __device__ inline void with_function(int kind, T a, T b, F then) {
    switch (kind) {
        case IDENTITY: then(Identity<T>{}); break;
        case RELU: then(Relu<T>{}); break;
        case LEAKY_RELU: then(LeakyRelu<T>{a}); break;
        case ELU: then(Elu<T>{a}); break;
        case RELU6: then(Relu6<T>{}); break;
        case SELU: then(Selu<T>{}); break;
        case CELU: then(Celu<T>{a}); break;
        case GELU: then(Gelu<T>{}); break;
        case GELU_TANH: then(GeluTanh<T>{}); break;
        case SILU: then(Silu<T>{}); break;
        case SIGMOID: then(Sigmoid<T>{}); break;
        case TANH: then(Tanh<T>{}); break;
        case MISH: then(Mish<T>{}); break;
        case HARD_SIGMOID: then(HardSigmoid<T>{}); break;
        case HARD_SWISH: then(HardSwish<T>{}); break;
        case SOFTPLUS: then(Softplus<T>{a, b}); break;
    }
}
