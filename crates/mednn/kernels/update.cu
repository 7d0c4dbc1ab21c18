// Steps of optimizers and averages of weights, in place, one pass over a parameter and its state (optim/sgd.rs, adam.rs, ema.rs).
#include "common.cuh"

struct Sgd {
    float rate, decay, momentum, entering, along, ahead;
};

// Without `buffer` there is no momentum.
extern "C" __global__ void update_sgd_f32(Count count, Sgd s, const float* gradient, float* value, float* buffer) {
    for (Count i = first_element(); i < count; i += element_step()) {
        float p = value[i], g = gradient[i] + s.decay * p;
        if (buffer) {
            float v = s.momentum * buffer[i] + s.entering * g;
            buffer[i] = v;
            g = s.along * v + s.ahead * g;
        }
        value[i] = p - s.rate * g;
    }
}

struct Adam {
    float beta1, entering, beta2, entering_square, in_gradient, keep, size, root, eps;
};

// With `largest` the step is divided by the largest mean square so far.
extern "C" __global__ void update_adam_f32(Count count, Adam a, const float* gradient, float* value, float* mean, float* square,
                                           float* largest) {
    for (Count i = first_element(); i < count; i += element_step()) {
        float p = value[i], g = gradient[i] + a.in_gradient * p;
        float m = a.beta1 * mean[i] + a.entering * g;
        float v = a.beta2 * square[i] + a.entering_square * g * g;
        mean[i] = m;
        square[i] = v;
        if (largest) {
            v = largest[i] > v ? largest[i] : v;
            largest[i] = v;
        }
        value[i] = p * a.keep - a.size * m / (sqrtf(v) * a.root + a.eps);
    }
}

// Moves an average a part of the way towards a value; exact at both ends.
extern "C" __global__ void update_average_f32(Count count, float toward, const float* value, float* average) {
    for (Count i = first_element(); i < count; i += element_step()) {
        float step = value[i] - average[i];
        average[i] = toward < 0.5f ? average[i] + toward * step : value[i] - (1.0f - toward) * step;
    }
}

extern "C" __global__ void update_exchange_f32(Count count, float* a, float* b) {
    for (Count i = first_element(); i < count; i += element_step()) {
        float x = a[i];
        a[i] = b[i];
        b[i] = x;
    }
}
