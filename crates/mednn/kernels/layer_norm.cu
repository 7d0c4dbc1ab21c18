// Layer and root mean square normalisation over the middle axis of [outer, count, inner] (cpu/layer_norm).
//
// Where rows lie together (inner is 1), a team works on each; else each thread has a row of its own across memory and
// neighbours read side by side. Deviations are taken from a centre first and corrected for what rounding it has lost, so that
// a large mean costs no digits. Nothing is kept of the forward pass.
#include "teams.cuh"

// A value is normalised as ((x - centre) - rest) * factor.
template <typename T> struct Line {
    T centre, rest, factor;
    __device__ T normalised(T x) const { return ((x - centre) - rest) * factor; }
};

// One row as its thread or team sees it: elements `first`, `first + step`, ... of `count`, `stride` apart in memory.
template <int TEAM, typename T> struct Row {
    Count start, stride;
    int count, first;
    double* shared;

    static constexpr int STEP = TEAM;
    __device__ Count place(int c) const { return start + c * stride; }
    __device__ double total(double value) const { return TEAM == 1 ? value : team_sum<(TEAM == 1 ? WARP : TEAM)>(value, shared); }

    template <typename F> __device__ double sum(F term) const {
        double sum = 0;
        for (int c = first; c < count; c += STEP) sum += (double)term(c);
        return total(sum);
    }

    __device__ Line<T> line(const T* input, int about_mean, double epsilon, int all) const {
        T centre = 0;
        double rest = 0;
        if (about_mean) {
            centre = (T)(sum([&](int c) { return input[place(c)]; }) / all);
            rest = sum([&](int c) { return input[place(c)] - centre; }) / all;
        }
        double squares = sum([&](int c) {
            T d = input[place(c)] - centre;
            return d * d;
        });
        double variance = squares / all - rest * rest;
        return {centre, (T)rest, (T)(1 / sqrt(variance + epsilon))};
    }
};

template <int TEAM, typename T>
__device__ inline void normalise(const Row<TEAM, T>& row, int all, int about_mean, double epsilon, const T* input, const T* scale,
                                 const T* shift, T* output) {
    Line<T> line = row.line(input, about_mean, epsilon, all);
    for (int c = row.first; c < row.count; c += TEAM) {
        T y = line.normalised(input[row.place(c)]);
        if (scale) y *= scale[c];
        output[row.place(c)] = shift ? y + shift[c] : y;
    }
}

// d input = factor (g scale - mean(g scale) - normalised * mean(g scale normalised))
template <int TEAM, typename T>
__device__ inline void normalise_back(const Row<TEAM, T>& row, int all, int about_mean, double epsilon, const T* input,
                                      const T* scale, const T* gradient, T* input_gradient, T* lines) {
    Line<T> line = row.line(input, about_mean, epsilon, all);
    auto scaled = [&](int c) { return scale ? gradient[row.place(c)] * scale[c] : gradient[row.place(c)]; };
    T mean = about_mean ? (T)(row.sum(scaled) / all) : (T)0;
    T product = (T)(row.sum([&](int c) { return scaled(c) * line.normalised(input[row.place(c)]); }) / all);
    for (int c = row.first; c < row.count; c += TEAM) {
        input_gradient[row.place(c)] = line.factor * (scaled(c) - mean - line.normalised(input[row.place(c)]) * product);
    }
    if (lines && row.first == 0 && row.count > 0) {
        lines[0] = line.centre;
        lines[1] = line.rest;
        lines[2] = line.factor;
    }
}

// Runs `body(row, index)` for rows that lie together.
template <int TEAM, typename T, typename F> __device__ inline void each_team_row(Count rows, int count, double* shared, F body) {
    each_piece<TEAM>(rows, [&](Count row) {
        bool real = row < rows;
        body(Row<TEAM, T>{real ? row * count : 0, 1, real ? count : 0, (int)(threadIdx.x % TEAM), shared}, real ? row : 0);
    });
}

// The same for rows across memory.
template <typename T, typename F> __device__ inline void each_thread_row(Count rows, int count, Count inner, F body) {
    for (Count row = first_element(); row < rows; row += element_step()) {
        body(Row<1, T>{row / inner * count * inner + row % inner, inner, count, 0, nullptr}, row);
    }
}

// The sums that make the gradients of scale and shift, of one piece of the rows: a thread for each element of a row and piece.
// sums[piece][{scale, shift}][element].
template <typename T>
__device__ inline void affine_sums(Count rows, int count, Count inner, Count piece_len, const T* lines, const T* input,
                                   const T* gradient, double* sums) {
    const Count pieces = (rows + piece_len - 1) / piece_len;
    for (Count i = first_element(); i < pieces * count; i += element_step()) {
        Count piece = i / count;
        int c = (int)(i % count);
        Count end = min((piece + 1) * piece_len, rows);
        double of_scale = 0, of_shift = 0;
        for (Count row = piece * piece_len; row < end; ++row) {
            Count place = (row / inner * count + c) * inner + row % inner;
            Line<T> line = {lines[3 * row], lines[3 * row + 1], lines[3 * row + 2]};
            of_scale += (double)(gradient[place] * line.normalised(input[place]));
            of_shift += (double)gradient[place];
        }
        sums[2 * piece * count + c] = of_scale;
        sums[(2 * piece + 1) * count + c] = of_shift;
    }
}

// Adds up the pieces in order.
template <typename T>
__device__ inline void affine_fold(Count pieces, int count, const double* sums, T* scale_gradient, T* shift_gradient) {
    for (Count i = first_element(); i < 2 * (Count)count; i += element_step()) {
        double sum = 0;
        for (Count piece = 0; piece < pieces; ++piece) sum += sums[2 * piece * count + i];
        if (i < count && scale_gradient) scale_gradient[i] = (T)sum;
        if (i >= count && shift_gradient) shift_gradient[i - count] = (T)sum;
    }
}

#define DEFINE_FOR_TEAM(T, NAME, TEAM, TEAM_NAME)                                                                            \
    extern "C" __global__ void __launch_bounds__(THREADS) layer_norm_##TEAM_NAME##_##NAME(                                   \
        Count rows, int count, Count inner, int about_mean, double epsilon, const T* input, const T* scale, const T* shift,  \
        T* output) {                                                                                                         \
        __shared__ double shared[THREADS / WARP];                                                                            \
        each_team_row<TEAM, T>(rows, count, shared, [&](const Row<TEAM, T>& row, Count) {                                    \
            normalise(row, count, about_mean, epsilon, input, scale, shift, output);                                         \
        });                                                                                                                  \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS) layer_norm_back_##TEAM_NAME##_##NAME(                              \
        Count rows, int count, Count inner, int about_mean, double epsilon, const T* input, const T* scale,                  \
        const T* gradient, T* input_gradient, T* lines) {                                                                    \
        __shared__ double shared[THREADS / WARP];                                                                            \
        each_team_row<TEAM, T>(rows, count, shared, [&](const Row<TEAM, T>& row, Count index) {                              \
            normalise_back(row, count, about_mean, epsilon, input, scale, gradient, input_gradient, lines + 3 * index);      \
        });                                                                                                                  \
    }

#define DEFINE(T, NAME)                                                                                                      \
    DEFINE_FOR_TEAM(T, NAME, WARP, warp)                                                                                     \
    DEFINE_FOR_TEAM(T, NAME, THREADS, block)                                                                                 \
    extern "C" __global__ void layer_norm_columns_##NAME(Count rows, int count, Count inner, int about_mean, double epsilon, \
                                                         const T* input, const T* scale, const T* shift, T* output) {        \
        each_thread_row<T>(rows, count, inner, [&](const Row<1, T>& row, Count) {                                            \
            normalise(row, count, about_mean, epsilon, input, scale, shift, output);                                         \
        });                                                                                                                  \
    }                                                                                                                        \
    extern "C" __global__ void layer_norm_back_columns_##NAME(Count rows, int count, Count inner, int about_mean,            \
                                                              double epsilon, const T* input, const T* scale,                \
                                                              const T* gradient, T* input_gradient, T* lines) {              \
        each_thread_row<T>(rows, count, inner, [&](const Row<1, T>& row, Count index) {                                      \
            normalise_back(row, count, about_mean, epsilon, input, scale, gradient, input_gradient, lines + 3 * index);      \
        });                                                                                                                  \
    }                                                                                                                        \
    extern "C" __global__ void layer_norm_sums_##NAME(Count rows, int count, Count inner, Count piece_len, const T* lines,   \
                                                      const T* input, const T* gradient, double* sums) {                     \
        affine_sums(rows, count, inner, piece_len, lines, input, gradient, sums);                                            \
    }                                                                                                                        \
    extern "C" __global__ void layer_norm_fold_##NAME(Count pieces, int count, const double* sums, T* scale_gradient,        \
                                                      T* shift_gradient) {                                                   \
        affine_fold(pieces, count, sums, scale_gradient, shift_gradient);                                                    \
    }
FOR_ELEMENTS(DEFINE)
