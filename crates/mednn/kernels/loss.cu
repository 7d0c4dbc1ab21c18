// Losses of differences, sums against maps and overlaps of boxes, and their gradients (cpu/huber.rs, cpu/map_sum.rs,
// cpu/boxes.rs).
#include "common.cuh"

// `curvature / 2 d^2` where |d| < threshold, `slope (|d| - threshold / 2)` elsewhere.
template <typename T> struct Huber {
    T threshold, slope, curvature;

    __device__ T value(T d) const {
        T size = magnitude(d);
        return size < threshold ? (T)0.5 * curvature * d * d : slope * (size - (T)0.5 * threshold);
    }
    // Times `factor`.
    __device__ T derivative(T d, T factor) const {
        if (magnitude(d) < threshold) return factor * curvature * d;
        return d > 0 ? factor * slope : d < 0 ? -(factor * slope) : d;
    }
};

// Of a map, the truth: 1 where the weight is negative.
template <typename T> __device__ inline T distance(T value, T weight) { return weight < 0 ? value - 1 : value; }

// The numbers by which src/cuda/loss.rs names them.
enum MapSum { PLAIN, WEIGHTED, SQUARED_ERROR };
enum Overlap { IOU, GIOU, DIOU, CIOU };

// A number and its derivative by one variable.
struct Dual {
    double value, slope;
};

__device__ inline Dual constant(double value) { return {value, 0}; }
__device__ inline Dual operator+(Dual a, Dual b) { return {a.value + b.value, a.slope + b.slope}; }
__device__ inline Dual operator-(Dual a, Dual b) { return {a.value - b.value, a.slope - b.slope}; }
__device__ inline Dual operator*(Dual a, Dual b) { return {a.value * b.value, b.value * a.slope + a.value * b.slope}; }
__device__ inline Dual operator/(Dual a, Dual b) {
    const double quotient = a.value / b.value;
    return {quotient, 1 / b.value * a.slope - quotient / b.value * b.slope};
}
__device__ inline Dual scaled(Dual a, double factor) { return {factor * a.value, factor * a.slope}; }
__device__ inline Dual squared(Dual a) { return {a.value * a.value, 2 * a.value * a.slope}; }

// The larger of two; equal ones share the derivative, NaN stays.
__device__ inline Dual larger(Dual a, Dual b) {
    const double share = a.value > b.value ? 1 : a.value < b.value ? 0 : 0.5;
    const double value = a.value > b.value || a.value != a.value ? a.value : b.value;
    return {value, share * a.slope + (1 - share) * b.slope};
}
__device__ inline Dual smaller(Dual a, Dual b) { return scaled(larger(scaled(a, -1), scaled(b, -1)), -1); }
__device__ inline Dual positive(Dual a) { return a.value <= 0 ? constant(0) : a; }

// The angle of the point (x, y), 0 at the origin.
__device__ inline Dual angle(Dual y, Dual x) {
    const double square = y.value * y.value + x.value * x.value;
    if (square == 0) return constant(0);
    return {atan2(y.value, x.value), x.value / square * y.slope - y.value / square * x.slope};
}

// The loss of a pair of boxes and its derivative by coordinate `place` of both, one after the other; none when it is negative.
template <int D, typename T> __device__ inline Dual box_loss(int overlap, const T* first, const T* second, int place) {
    const Dual epsilon = constant(1e-7);
    Dual intersection = constant(1), of_a = constant(1), of_b = constant(1), enclosing = constant(1);
    Dual apart = constant(0), diagonal = constant(0), sides_a[D], sides_b[D];
#pragma unroll
    for (int axis = 0; axis < D; ++axis) {
        auto at = [&](const T* box, int place_of, int before) {
            return Dual{(double)box[place_of], place == before + place_of ? 1.0 : 0.0};
        };
        const Dual low_a = at(first, axis, 0), high_a = at(first, D + axis, 0);
        const Dual low_b = at(second, axis, 2 * D), high_b = at(second, D + axis, 2 * D);
        const Dual around = larger(high_a, high_b) - smaller(low_a, low_b);
        sides_a[axis] = high_a - low_a;
        sides_b[axis] = high_b - low_b;
        intersection = intersection * positive(smaller(high_a, high_b) - larger(low_a, low_b));
        of_a = of_a * sides_a[axis];
        of_b = of_b * sides_b[axis];
        enclosing = enclosing * around;
        apart = apart + squared(scaled(low_a + high_a - low_b - high_b, 0.5));
        diagonal = diagonal + squared(around);
    }
    const Dual all = of_a + of_b - intersection, iou = intersection / (all + epsilon);
    Dual loss = constant(1) - iou;
    if (overlap == GIOU) loss = loss + (enclosing - all) / (enclosing + epsilon);
    if (overlap == DIOU || overlap == CIOU) loss = loss + apart / (diagonal + epsilon);
    if (overlap == CIOU) {
        const double factor = 4 / (3.14159265358979323846 * 3.14159265358979323846) / (D - 1);
        Dual v = constant(0);
#pragma unroll
        for (int axis = 0; axis < D - 1; ++axis) {
            const Dual turned = angle(sides_b[D - 1], sides_b[axis]) - angle(sides_a[D - 1], sides_a[axis]);
            v = v + scaled(squared(turned), factor);
        }
        loss = loss + scaled(v, v.value / (1 - iou.value + v.value + epsilon.value));
    }
    return loss;
}

#define DEFINE_FOR_AXES(T, NAME, D)                                                                                          \
    extern "C" __global__ void box_overlap_##D##d_##NAME(Count pairs, int overlap, const T* first, const T* second,          \
                                                         T* output) {                                                        \
        for (Count i = first_element(); i < pairs; i += element_step()) {                                                    \
            output[i] = (T)box_loss<D>(overlap, first + 2 * D * i, second + 2 * D * i, -1).value;                            \
        }                                                                                                                    \
    }                                                                                                                        \
    /* The gradient of the boxes whose coordinates begin at `before` in both. */                                             \
    extern "C" __global__ void box_overlap_back_##D##d_##NAME(Count pairs, int overlap, int before, const T* first,          \
                                                              const T* second, const T* gradient, T* output) {               \
        for (Count i = first_element(); i < 2 * D * pairs; i += element_step()) {                                            \
            const Count pair = i / (2 * D);                                                                                  \
            const int place = before + (int)(i % (2 * D));                                                                   \
            const Dual loss = box_loss<D>(overlap, first + 2 * D * pair, second + 2 * D * pair, place);                      \
            output[i] = (T)((double)gradient[pair] * loss.slope);                                                            \
        }                                                                                                                    \
    }

#define DEFINE(T, NAME)                                                                                                      \
    extern "C" __global__ void huber_terms_##NAME(Count count, T threshold, T slope, T curvature, const T* input,            \
                                                  T* output) {                                                               \
        const Huber<T> f = {threshold, slope, curvature};                                                                    \
        map_elements<1, T>(count, {input}, output, [f](const T(&x)[1]) { return f.value(x[0]); });                           \
    }                                                                                                                        \
    /* The gradient of the mean, given that of it. */                                                                        \
    extern "C" __global__ void huber_gradient_##NAME(Count count, T threshold, T slope, T curvature, const T* input,         \
                                                     const T* gradient, T* output) {                                         \
        const Huber<T> f = {threshold, slope, curvature};                                                                    \
        const T factor = (T)((double)gradient[0] / (double)count);                                                           \
        map_elements<1, T>(count, {input}, output, [f, factor](const T(&x)[1]) { return f.derivative(x[0], factor); });      \
    }                                                                                                                        \
    extern "C" __global__ void squared_errors_##NAME(Count count, const T* values, const T* map, T* output) {                \
        map_elements<2, T>(count, {values, map}, output, [](const T(&x)[2]) {                                                \
            T error = distance(x[0], x[1]);                                                                                  \
            return magnitude(x[1]) * error * error;                                                                          \
        });                                                                                                                  \
    }                                                                                                                        \
    /* The gradient of the sums of rows against a map, given that of each row. */                                            \
    extern "C" __global__ void map_sum_gradient_##NAME(Count count, Count row_len, int sum, const T* values, const T* map,   \
                                                       const T* gradient, T* output) {                                       \
        for (Count i = first_element(); i < count; i += element_step()) {                                                    \
            const T factor = gradient[i / row_len], weight = sum == PLAIN ? (T)1 : map[i];                                   \
            const T error = sum == SQUARED_ERROR ? distance(values[i], weight) : (T)0;                                       \
            output[i] = sum == SQUARED_ERROR ? factor * magnitude(weight) * (error + error) : factor * weight;               \
        }                                                                                                                    \
    }                                                                                                                        \
    DEFINE_FOR_AXES(T, NAME, 2)                                                                                              \
    DEFINE_FOR_AXES(T, NAME, 3)
FOR_ELEMENTS(DEFINE)
