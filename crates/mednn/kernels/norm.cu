// Batch, group and instance normalisation with scale, shift and leaky ReLU in the same pass (cpu/norm.rs).
//
// A row is the spatial extent of one channel of one batch item, a set what shares a mean and a variance. Rows are cut into
// pieces that a team of threads holds in registers, so that deviations are taken from the mean of the piece and the input is
// read once; pieces are merged in f64 as Chan, Golub and LeVeque do, in an order that only the shape decides.
#include "teams.cuh"

// Elements of a piece that one thread holds.
#define HELD 16

struct Moments {
    double count, mean, squares;
};

__device__ inline Moments merged(Moments a, Moments b) {
    double count = a.count + b.count;
    if (count == 0) return a;
    double difference = b.mean - a.mean;
    return {count, a.mean + difference * (b.count / count),
            a.squares + b.squares + difference * difference * (a.count * b.count / count)};
}

struct Rows {
    int channels, sets_kind, groups;

    // sets_kind: 0 each row for itself, 1 groups of channels, 2 a channel over the batch.
    __device__ Count set_of(Count row) const {
        if (sets_kind == 0) return row;
        if (sets_kind == 2) return row % channels;
        return row / channels * groups + row % channels / (channels / groups);
    }
    __device__ Count set_count(Count rows) const {
        return sets_kind == 0 ? rows : sets_kind == 2 ? channels : rows / channels * groups;
    }
    __device__ Count rows_of_set(Count rows) const { return rows / set_count(rows); }
    // The rows of a set in order.
    __device__ Count row(Count set, Count i) const {
        if (sets_kind == 0) return set;
        if (sets_kind == 2) return i * channels + set;
        Count together = channels / groups;
        return set / groups * channels + set % groups * together + i;
    }
};

// The moments of each piece of each row: partial[row * pieces_of_row + piece] = {mean, squares}.
template <int TEAM, typename T>
__device__ inline void norm_moments(Count rows, Count row_len, Count pieces_of_row, const T* input, double* partial) {
    __shared__ double shared[THREADS / WARP];
    const int lane = threadIdx.x % TEAM;
    each_piece<TEAM>(rows * pieces_of_row, [&](Count piece) {
        bool real = piece < rows * pieces_of_row;
        Count row = real ? piece / pieces_of_row : 0;
        Count start = real ? piece % pieces_of_row * (TEAM * HELD) : row_len;
        int count = (int)min(row_len - start, (Count)(TEAM * HELD));
        const T* from = input + row * row_len + start;
        T held[HELD];
        T sum = 0;
#pragma unroll
        for (int k = 0; k < HELD; ++k) {
            int i = k * TEAM + lane;
            held[k] = i < count ? from[i] : (T)0;
            sum += held[k];
        }
        double total = team_sum<TEAM, double>(sum, shared);
        T centre = count > 0 ? (T)(total / count) : (T)0;
        T rest = 0, squares = 0;
#pragma unroll
        for (int k = 0; k < HELD; ++k) {
            T d = k * TEAM + lane < count ? held[k] - centre : (T)0;
            rest += d;
            squares += d * d;
        }
        double rest_sum = team_sum<TEAM, double>(rest, shared);
        double squares_sum = team_sum<TEAM, double>(squares, shared);
        if (real && lane == 0) {
            partial[2 * piece] = (double)centre + rest_sum / count;
            partial[2 * piece + 1] = squares_sum - rest_sum * rest_sum / count;
        }
    });
}

// Moments of the pieces of a set, merged; one warp a set. statistics[set] = {mean, 1 / sqrt(variance + epsilon)},
// variances[set] if there is room for them.
__device__ inline void norm_statistics(Rows shape, Count rows, Count row_len, Count pieces_of_row, int piece_len, double epsilon,
                                       const double* partial, double* statistics, double* variances) {
    Count sets = shape.set_count(rows), pieces = shape.rows_of_set(rows) * pieces_of_row;
    int lane = threadIdx.x % WARP;
    each_piece<WARP>(sets, [&](Count set) {
        bool real = set < sets;
        Moments own = {0, 0, 0};
        for (Count i = lane; real && i < pieces; i += WARP) {
            Count piece = i % pieces_of_row;
            Count at = shape.row(set, i / pieces_of_row) * pieces_of_row + piece;
            double count = (double)min(row_len - piece * piece_len, (Count)piece_len);
            own = merged(own, {count, partial[2 * at], partial[2 * at + 1]});
        }
        for (int distance = WARP / 2; distance > 0; distance /= 2) {
            Moments other;
            other.count = __shfl_xor_sync(FULL_WARP, own.count, distance);
            other.mean = __shfl_xor_sync(FULL_WARP, own.mean, distance);
            other.squares = __shfl_xor_sync(FULL_WARP, own.squares, distance);
            // Both lanes of a pair merge in the same order, so that they agree.
            own = lane & distance ? merged(other, own) : merged(own, other);
        }
        if (real && lane == 0) {
            double variance = own.count == 0 ? 0 : own.squares / own.count;
            statistics[2 * set] = own.mean;
            statistics[2 * set + 1] = 1 / sqrt(variance + epsilon);
            if (variances) variances[set] = variance;
        }
    });
}

// The statistics of sets whose mean and variance are given.
template <typename T>
__device__ inline void norm_given(Count sets, double epsilon, const T* mean, const T* variance, double* statistics) {
    for (Count set = first_element(); set < sets; set += element_step()) {
        statistics[2 * set] = (double)mean[set];
        statistics[2 * set + 1] = 1 / sqrt((double)variance[set] + epsilon);
    }
}

// The line that a row is put through: leaky((x - mean) * scale + shift).
template <typename T> struct Line {
    T mean, scale, shift;

    __device__ Line(const Rows& shape, Count row, const double* statistics, const T* scales, const T* shifts) {
        Count set = shape.set_of(row), channel = row % shape.channels;
        mean = (T)statistics[2 * set];
        scale = (T)statistics[2 * set + 1] * (scales ? scales[channel] : (T)1);
        shift = shifts ? shifts[channel] : (T)0;
    }
    __device__ T before_activation(T x) const { return (x - mean) * scale + shift; }
};

template <typename T> __device__ inline T leaky(T z, T slope) { return z > 0 ? z : z * slope; }
template <typename T> __device__ inline T leaky_derivative(T z, T slope) { return z > 0 ? (T)1 : slope; }

// Runs `body(i)` for the elements `i` of a row that are this thread's; the grid is one of planes (src/cuda/launch.rs).
template <typename F, typename G> __device__ inline void each_row(Count rows, Count row_len, F prepare, G body) {
    Count row_step = (Count)gridDim.y * blockDim.y;
    for (Count row = blockIdx.y * (Count)blockDim.y + threadIdx.y; row < rows; row += row_step) {
        auto prepared = prepare(row);
        for (Count i = first_element(); i < row_len; i += element_step()) body(row, prepared, row * row_len + i);
    }
}

template <typename T>
__device__ inline void norm_apply(Rows shape, Count rows, Count row_len, T slope, const double* statistics, const T* scale,
                                  const T* shift, const T* input, T* output) {
    each_row(
        rows, row_len, [&](Count row) { return Line<T>(shape, row, statistics, scale, shift); },
        [&](Count, const Line<T>& line, Count i) { output[i] = leaky(line.before_activation(input[i]), slope); });
}

// Sums over each piece of each row of the gradient before the activation, and of its product with the deviation from the mean.
template <int TEAM, typename T>
__device__ inline void norm_sums(Rows shape, Count rows, Count row_len, Count pieces_of_row, T slope, const double* statistics,
                                 const T* scale, const T* shift, const T* input, const T* gradient, double* partial) {
    __shared__ double shared[THREADS / WARP];
    const int lane = threadIdx.x % TEAM;
    each_piece<TEAM>(rows * pieces_of_row, [&](Count piece) {
        bool real = piece < rows * pieces_of_row;
        Count row = real ? piece / pieces_of_row : 0;
        Count start = real ? piece % pieces_of_row * (TEAM * HELD) : row_len;
        int count = (int)min(row_len - start, (Count)(TEAM * HELD));
        Count from = row * row_len + start;
        Line<T> line(shape, row, statistics, scale, shift);
        T sum = 0, product = 0;
#pragma unroll
        for (int k = 0; k < HELD; ++k) {
            int i = k * TEAM + lane;
            if (i < count) {
                T d = input[from + i] - line.mean;
                T g = gradient[from + i] * leaky_derivative(d * line.scale + line.shift, slope);
                sum += g;
                product += g * d;
            }
        }
        double sums = team_sum<TEAM, double>(sum, shared), products = team_sum<TEAM, double>(product, shared);
        if (real && lane == 0) {
            partial[2 * piece] = sums;
            partial[2 * piece + 1] = products;
        }
    });
}

// The sums of each row: {sum of gradients, sum of their products with the normalised values}; one warp a row.
__device__ inline void norm_row_sums(Rows shape, Count rows, Count pieces_of_row, const double* statistics, const double* partial,
                                     double* sums) {
    int lane = threadIdx.x % WARP;
    each_piece<WARP>(rows, [&](Count row) {
        bool real = row < rows;
        double sum = 0, product = 0;
        for (Count i = lane; real && i < pieces_of_row; i += WARP) {
            sum += partial[2 * (row * pieces_of_row + i)];
            product += partial[2 * (row * pieces_of_row + i) + 1];
        }
        sum = team_sum<WARP, double>(sum, nullptr);
        product = team_sum<WARP, double>(product, nullptr);
        if (real && lane == 0) {
            sums[2 * row] = sum;
            sums[2 * row + 1] = product * statistics[2 * shape.set_of(row) + 1];
        }
    });
}

// Of each set, what the gradient of the input takes away everywhere and in proportion to the deviation from the mean; of each
// channel, the gradients of scale and shift. One thread for each set and each channel.
template <typename T>
__device__ inline void norm_fold(Rows shape, Count rows, Count row_len, const double* statistics, const T* scale,
                                 const double* sums, double* lines, T* scale_gradient, T* shift_gradient) {
    Count sets = shape.set_count(rows), together = shape.rows_of_set(rows), batch = rows / shape.channels;
    double count = (double)together * row_len;
    for (Count i = first_element(); i < sets + shape.channels; i += element_step()) {
        if (i < sets) {
            double sum = 0, product = 0;
            for (Count k = 0; k < together; ++k) {
                Count row = shape.row(i, k);
                double factor = scale ? (double)scale[row % shape.channels] : 1.0;
                sum += sums[2 * row] * factor;
                product += sums[2 * row + 1] * factor;
            }
            double r = statistics[2 * i + 1];
            lines[2 * i] = r * sum / count;
            lines[2 * i + 1] = r * r * product / count;
        } else if (scale_gradient) {
            Count channel = i - sets;
            double sum = 0, product = 0;
            for (Count b = 0; b < batch; ++b) {
                sum += sums[2 * (b * shape.channels + channel)];
                product += sums[2 * (b * shape.channels + channel) + 1];
            }
            shift_gradient[channel] = (T)sum;
            scale_gradient[channel] = (T)product;
        }
    }
}

template <typename T> struct BackwardLine {
    Line<T> line;
    T constant, linear;
};

// The gradient of the input; without `lines` the statistics were constants.
template <typename T>
__device__ inline void norm_backward(Rows shape, Count rows, Count row_len, T slope, const double* statistics, const T* scale,
                                     const T* shift, const double* lines, const T* input, const T* gradient,
                                     T* input_gradient) {
    each_row(
        rows, row_len,
        [&](Count row) {
            Count set = shape.set_of(row);
            return BackwardLine<T>{Line<T>(shape, row, statistics, scale, shift), lines ? (T)lines[2 * set] : (T)0,
                                   lines ? (T)lines[2 * set + 1] : (T)0};
        },
        [&](Count, const BackwardLine<T>& of, Count i) {
            T d = input[i] - of.line.mean;
            T g = gradient[i] * leaky_derivative(d * of.line.scale + of.line.shift, slope);
            input_gradient[i] = g * of.line.scale - of.constant - d * of.linear;
        });
}

extern "C" __global__ void norm_statistics_f64(Rows shape, Count rows, Count row_len, Count pieces_of_row, int piece_len,
                                               double epsilon, const double* partial, double* statistics, double* variances) {
    norm_statistics(shape, rows, row_len, pieces_of_row, piece_len, epsilon, partial, statistics, variances);
}
extern "C" __global__ void norm_row_sums_f64(Rows shape, Count rows, Count pieces_of_row, const double* statistics,
                                             const double* partial, double* sums) {
    norm_row_sums(shape, rows, pieces_of_row, statistics, partial, sums);
}

#define DEFINE_FOR_TEAM(T, NAME, TEAM, TEAM_NAME)                                                                            \
    extern "C" __global__ void __launch_bounds__(THREADS) norm_moments_##TEAM_NAME##_##NAME(                                 \
        Count rows, Count row_len, Count pieces_of_row, const T* input, double* partial) {                                   \
        norm_moments<TEAM>(rows, row_len, pieces_of_row, input, partial);                                                    \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS) norm_sums_##TEAM_NAME##_##NAME(                                    \
        Rows shape, Count rows, Count row_len, Count pieces_of_row, T slope, const double* statistics, const T* scale,       \
        const T* shift, const T* input, const T* gradient, double* partial) {                                                \
        norm_sums<TEAM>(shape, rows, row_len, pieces_of_row, slope, statistics, scale, shift, input, gradient, partial);     \
    }

#define DEFINE(T, NAME)                                                                                                      \
    DEFINE_FOR_TEAM(T, NAME, WARP, warp)                                                                                     \
    DEFINE_FOR_TEAM(T, NAME, THREADS, block)                                                                                 \
    extern "C" __global__ void norm_given_##NAME(Count sets, double epsilon, const T* mean, const T* variance,               \
                                                 double* statistics) {                                                       \
        norm_given(sets, epsilon, mean, variance, statistics);                                                               \
    }                                                                                                                        \
    extern "C" __global__ void norm_apply_##NAME(Rows shape, Count rows, Count row_len, T slope, const double* statistics,   \
                                                 const T* scale, const T* shift, const T* input, T* output) {                \
        norm_apply(shape, rows, row_len, slope, statistics, scale, shift, input, output);                                    \
    }                                                                                                                        \
    extern "C" __global__ void norm_fold_##NAME(Rows shape, Count rows, Count row_len, const double* statistics,             \
                                                const T* scale, const double* sums, double* lines, T* scale_gradient,        \
                                                T* shift_gradient) {                                                         \
        norm_fold(shape, rows, row_len, statistics, scale, sums, lines, scale_gradient, shift_gradient);                     \
    }                                                                                                                        \
    extern "C" __global__ void norm_backward_##NAME(Rows shape, Count rows, Count row_len, T slope,                          \
                                                    const double* statistics, const T* scale, const T* shift,                \
                                                    const double* lines, const T* input, const T* gradient,                  \
                                                    T* input_gradient) {                                                     \
        norm_backward(shape, rows, row_len, slope, statistics, scale, shift, lines, input, gradient, input_gradient);        \
    }
FOR_ELEMENTS(DEFINE)
