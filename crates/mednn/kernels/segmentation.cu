// Sums over the classes of a segmentation in one pass over the logits, and the gradient of any function of them in another
// (cpu/segmentation): cross-entropy, Dice and its relatives, focal loss and their combinations.
//
// Logits are [batch, classes, voxels]. A block takes a chunk of the voxels of one batch item and all of their classes.
#include "common.cuh"

// Voxels of a chunk that one thread has.
#define OWN 8
// Sums of a class: those of `Overlap` in its order, and the voxels that count.
#define SUMS 9
// Slopes of a class: those of `Slopes` in its order.
#define SLOPES 7

struct Setup {
    Count batch, classes, voxels;
    // Whether exactly one class holds; else each has a sigmoid.
    Count exclusive;
    // The label of channel 0, and the one that counts nowhere, -1 for none.
    Count first_label, ignore;
    // Bytes of a label; 0 when the target gives the share of each class.
    Count label_bytes;
    // Which sums are wanted: all but the focal ones, the focal ones.
    Count overlaps, focusing;
};

// The product, and 0 where the weight is, even if the value is infinite.
template <typename T> __device__ inline T weighted(T weight, T value) { return weight != 0 ? weight * value : (T)0; }

template <typename T> __device__ inline T positive_part(T x) { return x < 0 ? (T)0 : x; }
template <typename T> __device__ inline T tail(T x) { return logarithm((T)1 + exponential(-magnitude(x))); }
template <typename T> __device__ inline T softplus(T x) { return positive_part(x) + tail(x); }

// q^gamma and its derivative for q in [0, 1].
template <typename T> struct Power {
    T gamma;

    __device__ static T safe_logarithm(T q) { return logarithm(q > (T)1.17549435e-38 ? q : (T)1.17549435e-38); }
    __device__ T of(T q) const {
        if (gamma == 0) return 1;
        return gamma == 2 ? q * q : exponential(gamma * safe_logarithm(q));
    }
    __device__ T slope(T q) const {
        if (gamma == 0) return 0;
        return gamma == 2 ? q + q : gamma * exponential((gamma - 1) * safe_logarithm(q));
    }
};

// One voxel: what is true of it and, once it is normalised, how probable each class is.
template <typename T> struct Voxel {
    const Setup& s;
    const T* logits;
    const void* target;
    // Where the labels of each region begin, and behind that these labels; or nothing.
    const int* regions;
    Count batch, voxel;
    unsigned label;
    // 1 where the voxel counts.
    T counts;
    // The logarithm of the sum of exponentials.
    T normaliser;

    __device__ Voxel(const Setup& s, const T* logits, const void* target, const int* regions, Count batch, Count voxel)
        : s(s), logits(logits), target(target), regions(regions), batch(batch), voxel(voxel), label(0), counts(1), normaliser(0) {
        Count place = batch * s.voxels + voxel;
        if (s.label_bytes == 1) label = ((const unsigned char*)target)[place];
        if (s.label_bytes == 4) label = ((const unsigned*)target)[place];
        if (s.label_bytes != 0 && (Count)label == s.ignore) counts = 0;
    }

    __device__ void normalise() {
        if (!s.exclusive) return;
        T largest = -INFINITY;
        for (int c = 0; c < s.classes; ++c) largest = logit(c) > largest ? logit(c) : largest;
        T sum = 0;
        for (int c = 0; c < s.classes; ++c) sum += exponential(logit(c) - largest);
        normaliser = largest + logarithm(sum);
    }

    __device__ Count place(int c) const { return (batch * s.classes + c) * s.voxels + voxel; }
    __device__ T logit(int c) const { return logits[place(c)]; }
    __device__ T probability(T x) const {
        return s.exclusive ? exponential(x - normaliser) : (T)1 / ((T)1 + exponential(-x));
    }
    __device__ bool is_bad() const {
        return s.label_bytes != 0 && !regions && counts != 0 && (Count)label >= s.classes + s.first_label;
    }
    __device__ T truth(int c) const {
        if (s.label_bytes == 0) return ((const T*)target)[place(c)];
        bool holds = (Count)label == c + s.first_label;
        if (regions) {
            holds = false;
            const int* labels = regions + s.classes + 1;
            for (int i = regions[c]; i < regions[c + 1]; ++i) holds = holds || (unsigned)labels[i] == label;
        }
        return holds ? counts : (T)0;
    }
};

// What one voxel adds to the sums of a class.
template <typename T> __device__ inline void add_terms(const Voxel<T>& v, int c, Power<T> power, T (&sums)[SUMS - 1]) {
    T x = v.logit(c), g = v.truth(c), p = v.probability(x);
    if (v.s.overlaps) {
        T surprise, everywhere;
        if (v.s.exclusive) {
            everywhere = v.normaliser - x;
            surprise = weighted(g, everywhere);
        } else {
            T wrong = softplus(x);
            everywhere = wrong - x;
            surprise = weighted(v.counts, wrong - g * x);
        }
        T counted = p * v.counts;
        sums[0] += counted * g;
        sums[1] += counted;
        sums[2] += counted * counted;
        sums[3] += g;
        sums[4] += surprise;
        sums[5] += weighted(v.counts, everywhere);
    }
    if (v.s.focusing) {
        if (v.s.exclusive) {
            sums[6] += weighted(g, power.of(1 - p) * (v.normaliser - x));
        } else {
            T rest = tail(x);
            sums[6] += weighted(g, power.of(1 - p) * (positive_part(-x) + rest));
            sums[7] += weighted(v.counts - g, power.of(p) * (positive_part(x) + rest));
        }
    }
}

// partial[batch][chunk][class][sum]; bad: the first voxel with a label that is neither a class nor ignored.
template <typename T>
__device__ inline void segmentation_sums(const Setup& s, double gamma, const T* logits, const void* target, const int* regions,
                                         double* partial, unsigned long long* bad) {
    __shared__ double shared[THREADS / WARP];
    const Count batch = blockIdx.y, chunk = blockIdx.x, chunks = gridDim.x;
    const Count first = chunk * (THREADS * OWN) + threadIdx.x;
    double counted = 0;
    T normalisers[OWN];
#pragma unroll
    for (int k = 0; k < OWN; ++k) {
        normalisers[k] = 0;
        Count voxel = first + k * THREADS;
        if (voxel >= s.voxels) continue;
        Voxel<T> v(s, logits, target, regions, batch, voxel);
        v.normalise();
        normalisers[k] = v.normaliser;
        counted += (double)v.counts;
        if (v.is_bad()) atomicMin(bad, (unsigned long long)(batch * s.voxels + voxel));
    }
    for (int c = 0; c < s.classes; ++c) {
        T sums[SUMS - 1] = {};
#pragma unroll
        for (int k = 0; k < OWN; ++k) {
            Count voxel = first + k * THREADS;
            if (voxel >= s.voxels) continue;
            Voxel<T> v(s, logits, target, regions, batch, voxel);
            v.normaliser = normalisers[k];
            add_terms(v, c, Power<T>{(T)gamma}, sums);
        }
        double* to = partial + ((batch * chunks + chunk) * s.classes + c) * SUMS;
        for (int t = 0; t < SUMS - 1; ++t) {
            double total = team_sum<THREADS, double>(sums[t], shared);
            if (threadIdx.x == 0) to[t] = total;
        }
        double total = team_sum<THREADS>(c == 0 ? counted : 0.0, shared);
        if (threadIdx.x == 0) to[SUMS - 1] = total;
    }
}

// The gradient for the logits of a loss whose derivatives by the sums are slopes[batch][class][slope].
template <typename T>
__device__ inline void segmentation_gradient(const Setup& s, double gamma, const T* logits, const void* target,
                                             const int* regions, const T* slopes, T* gradient) {
    const Power<T> power = {(T)gamma};
    for (Count i = first_element(); i < s.batch * s.voxels; i += element_step()) {
        Voxel<T> v(s, logits, target, regions, i / s.voxels, i % s.voxels);
        v.normalise();
        // With d_c the derivative by p_c and u_c that by log p_c, that by the logit is
        // p_c (d_c - sum_k p_k d_k) + u_c - p_c sum_k u_k for a softmax.
        T carried = 0;
        for (int c = 0; c < s.classes; ++c) {
            const T* slope = slopes + (v.batch * s.classes + c) * SLOPES;
            T x = v.logit(c), g = v.truth(c), p = v.probability(x), q = 1 - p;
            T by_logit = 0;
            if (s.overlaps) {
                T by_probability = slope[0] * g + (slope[1] + 2 * slope[2] * p) * v.counts;
                if (s.exclusive) {
                    by_logit = p * by_probability - (slope[3] * g + slope[4] * v.counts);
                } else {
                    by_logit = p * q * by_probability + slope[3] * (p * v.counts - g) + slope[4] * v.counts * (p - 1);
                }
            }
            if (s.focusing) {
                if (s.exclusive) {
                    T of_power = power.slope(q) * p * (v.normaliser - x) + power.of(q);
                    by_logit -= weighted(g, slope[5] * of_power);
                } else {
                    T rest = tail(x);
                    T hit = -(power.gamma * p * (positive_part(-x) + rest) + q) * power.of(q);
                    T miss = (power.gamma * q * (positive_part(x) + rest) + p) * power.of(p);
                    by_logit += weighted(g, slope[5] * hit) + weighted(v.counts - g, slope[6] * miss);
                }
            }
            gradient[v.place(c)] = by_logit;
            carried += by_logit;
        }
        if (!s.exclusive) continue;
        for (int c = 0; c < s.classes; ++c) gradient[v.place(c)] -= v.probability(v.logit(c)) * carried;
    }
}

#define DEFINE(T, NAME)                                                                                                      \
    extern "C" __global__ void __launch_bounds__(THREADS, 1) /* else registers are spilled */                                \
        segmentation_sums_##NAME(Setup setup, double gamma, const T* logits, const void* target, const int* regions,         \
                                 double* partial, unsigned long long* bad) {                                                 \
        segmentation_sums(setup, gamma, logits, target, regions, partial, bad);                                              \
    }                                                                                                                        \
    extern "C" __global__ void segmentation_gradient_##NAME(Setup setup, double gamma, const T* logits, const void* target,  \
                                                            const int* regions, const T* slopes, T* gradient) {              \
        segmentation_gradient(setup, gamma, logits, target, regions, slopes, gradient);                                      \
    }
FOR_ELEMENTS(DEFINE)
