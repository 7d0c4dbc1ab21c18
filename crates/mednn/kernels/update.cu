// Steps of optimizers, averages of weights and changes of gradients, in place, one pass over a parameter and its state (optim).
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

struct RmsProp {
    float alpha, entering, eps, rate, decay, momentum;
};

// With `mean` the gradient is divided by its standard deviation, with `buffer` there is momentum.
extern "C" __global__ void update_rmsprop_f32(Count count, RmsProp r, const float* gradient, float* value, float* square,
                                              float* mean, float* buffer) {
    for (Count i = first_element(); i < count; i += element_step()) {
        float p = value[i], g = gradient[i] + r.decay * p;
        float s = r.alpha * square[i] + r.entering * g * g;
        square[i] = s;
        if (mean) {
            float m = r.alpha * mean[i] + r.entering * g;
            mean[i] = m;
            // Rounding can make the variance of equal gradients negative.
            s -= m * m;
            s = s < 0 ? 0 : s;
        }
        float direction = g / (sqrtf(s) + r.eps);
        if (buffer) {
            direction += r.momentum * buffer[i];
            buffer[i] = direction;
        }
        value[i] = p - r.rate * direction;
    }
}

struct Lamb {
    float beta1, entering, beta2, entering_square, size, root, eps, decay, keep;
};

// The means after a gradient and the direction of a step that is not adapted yet; the value is what decay leaves of it.
extern "C" __global__ void update_lamb_f32(Count count, Lamb l, const float* gradient, float* value, float* mean, float* square,
                                           float* direction) {
    for (Count i = first_element(); i < count; i += element_step()) {
        float g = gradient[i], p = value[i] * l.keep;
        float m = l.beta1 * mean[i] + l.entering * g;
        float v = l.beta2 * square[i] + l.entering_square * g * g;
        mean[i] = m;
        square[i] = v;
        value[i] = p;
        direction[i] = l.size * m / (sqrtf(v) * l.root + l.eps) + l.decay * p;
    }
}

struct Novograd {
    float beta1, entering, scale, decay, rate;
};

extern "C" __global__ void update_novograd_f32(Count count, Novograd n, const float* gradient, float* value, float* mean) {
    for (Count i = first_element(); i < count; i += element_step()) {
        float p = value[i], m = n.beta1 * mean[i] + n.entering * (gradient[i] * n.scale + n.decay * p);
        mean[i] = m;
        value[i] = p - n.rate * m;
    }
}

// sum += scale * term
extern "C" __global__ void update_add_f32(Count count, float scale, const float* term, float* sum) {
    for (Count i = first_element(); i < count; i += element_step()) sum[i] += scale * term[i];
}

// output = input, at most `limit` from zero.
extern "C" __global__ void update_limit_f32(Count count, float limit, const float* input, float* output) {
    for (Count i = first_element(); i < count; i += element_step()) {
        float x = input[i];
        x = x > limit ? limit : x;
        output[i] = x < -limit ? -limit : x;
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
