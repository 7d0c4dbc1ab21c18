// Sampling of planes at given places and its gradients (cpu/grid_sample.rs); 2D has depth 1, 1D height 1 too.
//
// Places are read in f64, as on the CPU. The gradient of the input is gathered: the block of a tile of voxels goes over the
// samples, by the groups of which it knows how far they reach, so that nothing is added atomically.
#include "planes.cuh"

// The numbers by which src/cuda/grid_sample.rs names them.
enum Padding { ZEROS, BORDER, REFLECTION };

struct Problem {
    int padding, align_corners, batch, channels, axes, input[3], tile[3];

    __device__ Count plane_len() const { return (Count)input[0] * input[1] * input[2]; }
};

__device__ inline void clip(double& place, double size, double& slope) {
    if (place <= 0) {
        place = 0;
        slope = 0;
    } else if (place >= size - 1) {
        place = size - 1;
        slope = 0;
    }
}

// Brings a place inside if the padding does so; `slope` is the derivative of doing that.
__device__ inline void pad(const Problem& p, double& place, double size, double& slope) {
    slope = 1;
    if (p.padding == ZEROS) return;
    if (p.padding == REFLECTION) {
        const double low = p.align_corners ? 0 : -0.5, span = p.align_corners ? size - 1 : size;
        if (span == 0) {
            place = 0;
            slope = 0;
        } else {
            const double distance = fabs(place - low), rest = fmod(distance, span);
            const bool even = fmod(floor(distance / span), 2.0) == 0;
            slope = (place - low < 0) == even ? -1 : 1;
            place = even ? rest + low : span - rest + low;
        }
    }
    clip(place, size, slope);
}

// The voxels of one axis that a sample uses, their weights and the derivatives of these by the coordinate; one that lies outside
// has index -1.
template <typename T, int TAPS> struct AxisTaps {
    int index[TAPS];
    T weight[TAPS], slope[TAPS];

    __device__ void put(int tap, double at, int extent, double w, double s) {
        index[tap] = at >= 0 && at < extent ? (int)at : -1;
        weight[tap] = (T)w;
        slope[tap] = (T)s;
    }
    __device__ void one(double w, double s) {
#pragma unroll
        for (int tap = 0; tap < TAPS; ++tap) put(tap, tap == 0 ? 0 : -1, 1, w, s);
    }
};

__device__ inline double cubic(double x) {
    const double a = -0.75;
    x = fabs(x);
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

__device__ inline double cubic_slope(double x) {
    const double a = -0.75, sign = x < 0 ? -1 : 1;
    x = fabs(x);
    if (x <= 1) return sign * (3 * (a + 2) * x - 2 * (a + 3)) * x;
    return x < 2 ? sign * ((3 * a * x - 10 * a) * x + 8 * a) : 0;
}

// One tap is the nearest voxel, two are linear, four are cubic.
template <typename T, int TAPS>
__device__ inline void axis_taps(const Problem& p, double coordinate, int extent, AxisTaps<T, TAPS>& taps) {
    const double size = extent;
    double place = p.align_corners ? (coordinate + 1) / 2 * (size - 1) : ((coordinate + 1) * size - 1) / 2;
    const double scale = p.align_corners ? (size - 1) / 2 : size / 2;
    if (place != place) {
        taps.one(NAN, NAN);
        return;
    }
    // Far outside is as good as infinitely far, and keeps the arithmetic finite.
    place = fmin(fmax(place, -1e15), 1e15);
    double slope;
    if (TAPS == 1) {
        pad(p, place, size, slope);
        taps.put(0, rint(place), extent, 1, 0);
    } else if (TAPS == 2) {
        pad(p, place, size, slope);
        const double low = floor(place), weight = place - low;
        taps.put(0, low, extent, 1 - weight, -slope * scale);
        taps.put(TAPS - 1, low + 1, extent, weight, slope * scale);
    } else {
        const double low = floor(place);
#pragma unroll
        for (int tap = 0; tap < TAPS; ++tap) {
            // Here the voxels are brought inside, not the place.
            double at = low + tap - 1;
            const double from = place - at;
            pad(p, at, size, slope);
            taps.put(tap, at, extent, cubic(from), cubic_slope(from) * scale);
        }
    }
}

// The taps of a sample along all axes; its coordinates come last axis first.
template <typename T, int TAPS> struct Sample {
    AxisTaps<T, TAPS> axes[3];

    __device__ Sample(const Problem& p, const T* coordinates) {
#pragma unroll
        for (int axis = 0; axis < 3; ++axis) {
            if (2 - axis < p.axes) {
                axis_taps(p, (double)coordinates[2 - axis], p.input[axis], axes[axis]);
            } else {
                axes[axis].one(1, 0);
            }
        }
    }

    // Whether the tap of this number along depth is used, and all of it. Numbers that the compiler does not know are looked for,
    // since registers have none.
    __device__ bool depth(int number, int& index, T& weight, T& slope) const {
        index = -1;
#pragma unroll
        for (int tap = 0; tap < TAPS; ++tap) {
            if (tap != number) continue;
            index = axes[0].index[tap];
            weight = axes[0].weight[tap];
            slope = axes[0].slope[tap];
        }
        return index >= 0;
    }

    // The sample of a plane: sums along width within those along height within those along depth.
    __device__ T of(const Problem& p, const T* plane) const {
        T total = 0;
#pragma unroll 1
        for (int number = 0; number < TAPS; ++number) {
            int d;
            T weight, slope, of_plane = 0;
            if (!depth(number, d, weight, slope)) continue;
#pragma unroll
            for (int h = 0; h < TAPS; ++h) {
                if (axes[1].index[h] < 0) continue;
                const T* line = plane + ((Count)d * p.input[1] + axes[1].index[h]) * p.input[2];
                T of_line = 0;
#pragma unroll
                for (int w = 0; w < TAPS; ++w) {
                    if (axes[2].index[w] >= 0) of_line += axes[2].weight[w] * line[axes[2].index[w]];
                }
                of_plane += axes[1].weight[h] * of_line;
            }
            total += weight * of_plane;
        }
        return total;
    }

    // Its derivatives by the coordinates, the last axis first.
    __device__ void slopes(const Problem& p, const T* plane, T (&totals)[3]) const {
        totals[0] = totals[1] = totals[2] = 0;
#pragma unroll 1
        for (int number = 0; number < TAPS; ++number) {
            int d;
            T weight, slope, of_plane[3] = {0, 0, 0};
            if (!depth(number, d, weight, slope)) continue;
#pragma unroll
            for (int h = 0; h < TAPS; ++h) {
                if (axes[1].index[h] < 0) continue;
                const T* line = plane + ((Count)d * p.input[1] + axes[1].index[h]) * p.input[2];
                T of_line = 0, slope_of_line = 0;
#pragma unroll
                for (int w = 0; w < TAPS; ++w) {
                    if (axes[2].index[w] < 0) continue;
                    const T x = line[axes[2].index[w]];
                    of_line += axes[2].weight[w] * x;
                    slope_of_line += axes[2].slope[w] * x;
                }
                of_plane[0] += axes[1].weight[h] * slope_of_line;
                of_plane[1] += axes[1].slope[h] * of_line;
                of_plane[2] += axes[1].weight[h] * of_line;
            }
            totals[0] += weight * of_plane[0];
            totals[1] += weight * of_plane[1];
            totals[2] += slope * of_plane[2];
        }
    }
};

// output[item][channel][sample]
template <typename T, int TAPS>
__device__ inline void grid_sample(const Problem& p, Count samples, const T* input, const T* places, T* output) {
    for (Count i = first_element(); i < p.batch * samples; i += element_step()) {
        const Count item = i / samples, sample = i % samples;
        const Sample<T, TAPS> taps(p, places + i * p.axes);
        for (int channel = 0; channel < p.channels; ++channel) {
            const Count row = item * p.channels + channel;
            output[row * samples + sample] = taps.of(p, input + row * p.plane_len());
        }
    }
}

template <typename T, int TAPS>
__device__ inline void grid_sample_places(const Problem& p, Count samples, const T* input, const T* places, const T* gradient,
                                          T* places_gradient) {
    for (Count i = first_element(); i < p.batch * samples; i += element_step()) {
        const Count item = i / samples, sample = i % samples;
        const Sample<T, TAPS> taps(p, places + i * p.axes);
        T totals[3] = {0, 0, 0};
        for (int channel = 0; channel < p.channels; ++channel) {
            const Count row = item * p.channels + channel;
            T slopes[3];
            taps.slopes(p, input + row * p.plane_len(), slopes);
            const T g = gradient[row * samples + sample];
#pragma unroll
            for (int axis = 0; axis < 3; ++axis) totals[axis] += g * slopes[axis];
        }
#pragma unroll
        for (int axis = 0; axis < 3; ++axis) {
            if (axis < p.axes) places_gradient[i * p.axes + axis] = totals[axis];
        }
    }
}

// reaches[group][axis][{first, last}] of the voxels that THREADS samples of an item use; none when last is below first.
template <typename T, int TAPS>
__device__ inline void grid_sample_reaches(const Problem& p, Count samples, const T* places, int* reaches) {
    __shared__ int shared[THREADS / WARP];
    const Count groups = (samples + THREADS - 1) / THREADS;
    for (Count group = blockIdx.x; group < p.batch * groups; group += gridDim.x) {
        const Count item = group / groups, sample = group % groups * THREADS + threadIdx.x;
        const bool real = sample < samples;
        const Sample<T, TAPS> taps(p, places + (item * samples + (real ? sample : 0)) * p.axes);
#pragma unroll
        for (int axis = 0; axis < 3; ++axis) {
            int least = -p.input[axis], most = -1;
#pragma unroll
            for (int tap = 0; tap < TAPS; ++tap) {
                const int index = taps.axes[axis].index[tap];
                if (!real || index < 0) continue;
                least = max(least, -index);
                most = max(most, index);
            }
            least = -team_max<THREADS>(least, shared);
            most = team_max<THREADS>(most, shared);
            if (threadIdx.x == 0) {
                reaches[6 * group + 2 * axis] = least;
                reaches[6 * group + 2 * axis + 1] = most;
            }
        }
    }
}

// Channels whose gradients a thread sums at a time.
#define CHANNELS 4

// Each thread has one voxel of a tile and looks for it among the taps of all samples that can reach the tile.
template <typename T, int TAPS>
__device__ inline void grid_sample_input(const Problem& p, Count samples, const T* places, const T* gradient, const int* reaches,
                                         T* input_gradient) {
    __shared__ int indices[3][TAPS][THREADS];
    __shared__ T weights[3][TAPS][THREADS], gradients[CHANNELS][THREADS];
    const Count groups = (samples + THREADS - 1) / THREADS;
    int tiles[3];
    for (int axis = 0; axis < 3; ++axis) tiles[axis] = (p.input[axis] + p.tile[axis] - 1) / p.tile[axis];
    const int chunks = (p.channels + CHANNELS - 1) / CHANNELS;
    const Count of_item = (Count)tiles[0] * tiles[1] * tiles[2] * chunks;
    const Place inside((Count)threadIdx.x, p.tile);
    for (Count piece = blockIdx.x; piece < p.batch * of_item; piece += gridDim.x) {
        const Count item = piece / of_item;
        const int channel = (int)(piece % chunks) * CHANNELS;
        const Place tile(piece % of_item / chunks, tiles);
        const int first[3] = {tile.d * p.tile[0], tile.h * p.tile[1], tile.w * p.tile[2]};
        const Place own(first[0] + inside.d, first[1] + inside.h, first[2] + inside.w);
        T sums[CHANNELS] = {};
        for (Count group = 0; group < groups; ++group) {
            const int* reach = reaches + 6 * (item * groups + group);
            bool meets = true;
            for (int axis = 0; axis < 3; ++axis) {
                meets = meets && reach[2 * axis] < first[axis] + p.tile[axis] && first[axis] <= reach[2 * axis + 1];
            }
            if (!meets) continue;
            const Count sample = group * THREADS + threadIdx.x;
            const int present = (int)min((Count)THREADS, samples - group * THREADS);
            __syncthreads();
            if (sample < samples) {
                const Sample<T, TAPS> taps(p, places + (item * samples + sample) * p.axes);
#pragma unroll
                for (int axis = 0; axis < 3; ++axis) {
#pragma unroll
                    for (int tap = 0; tap < TAPS; ++tap) {
                        indices[axis][tap][threadIdx.x] = taps.axes[axis].index[tap];
                        weights[axis][tap][threadIdx.x] = taps.axes[axis].weight[tap];
                    }
                }
#pragma unroll
                for (int c = 0; c < CHANNELS; ++c) {
                    const bool there = channel + c < p.channels;
                    gradients[c][threadIdx.x] = there ? gradient[(item * p.channels + channel + c) * samples + sample] : (T)0;
                }
            }
            __syncthreads();
            const int at[3] = {own.d, own.h, own.w};
            for (int s = 0; s < present; ++s) {
                T product = 1;
                bool used = true;
#pragma unroll
                for (int axis = 0; axis < 3; ++axis) {
                    T weight = 0;
                    bool hit = false;
#pragma unroll
                    for (int tap = 0; tap < TAPS; ++tap) {
                        if (indices[axis][tap][s] != at[axis]) continue;
                        weight += weights[axis][tap][s];
                        hit = true;
                    }
                    product *= weight;
                    used = used && hit;
                }
                if (!used) continue;
#pragma unroll
                for (int c = 0; c < CHANNELS; ++c) sums[c] += product * gradients[c][s];
            }
        }
        if (!own.inside(p.input)) continue;
#pragma unroll
        for (int c = 0; c < CHANNELS; ++c) {
            if (channel + c >= p.channels) continue;
            input_gradient[(item * p.channels + channel + c) * p.plane_len() + own.number(p.input)] = sums[c];
        }
    }
}

// places[item][point][axis] = map[item][axis] * (point, 1), the last axis first; `coordinates` are those of the grid, axis by axis.
struct Grid {
    int axes, extent[3];
};

__device__ inline void grid_point(const Grid& grid, const double* coordinates, Count index, double (&point)[4]) {
    int behind = 0;
#pragma unroll
    for (int axis = 0; axis < 3; ++axis) behind += grid.extent[axis];
#pragma unroll
    for (int axis = 2; axis >= 0; --axis) {
        behind -= grid.extent[axis];
        point[2 - axis] = coordinates[behind + index % grid.extent[axis]];
        index /= grid.extent[axis];
    }
    point[3] = 1;
}

template <typename T>
__device__ inline void affine_grid(const Grid& grid, Count batch, const double* coordinates, const T* maps, T* places) {
    const Count points = (Count)grid.extent[0] * grid.extent[1] * grid.extent[2];
    for (Count i = first_element(); i < batch * points; i += element_step()) {
        double point[4];
        grid_point(grid, coordinates, i % points, point);
        const T* map = maps + i / points * grid.axes * (grid.axes + 1);
        for (int row = 0; row < grid.axes; ++row) {
            double sum = 0;
#pragma unroll
            for (int column = 0; column < 3; ++column) {
                if (column < grid.axes) sum += (double)map[row * (grid.axes + 1) + column] * point[column];
            }
            places[i * grid.axes + row] = (T)(sum + (double)map[row * (grid.axes + 1) + grid.axes]);
        }
    }
}

// The gradient: a block for each row of each map.
template <typename T>
__device__ inline void affine_grid_back(const Grid& grid, Count batch, const double* coordinates, const T* gradient,
                                        T* maps_gradient) {
    __shared__ double shared[THREADS / WARP];
    const Count points = (Count)grid.extent[0] * grid.extent[1] * grid.extent[2];
    for (Count line = blockIdx.x; line < batch * grid.axes; line += gridDim.x) {
        const Count item = line / grid.axes, row = line % grid.axes;
        double sums[4] = {0, 0, 0, 0};
        for (Count i = threadIdx.x; i < points; i += THREADS) {
            double point[4];
            grid_point(grid, coordinates, i, point);
            const double g = (double)gradient[(item * points + i) * grid.axes + row];
#pragma unroll
            for (int column = 0; column < 4; ++column) sums[column] += g * point[column];
        }
#pragma unroll
        for (int column = 0; column < 4; ++column) {
            const double sum = team_sum<THREADS>(sums[column], shared);
            const int to = column == 3 ? grid.axes : column < grid.axes ? column : -1;
            if (threadIdx.x == 0 && to >= 0) maps_gradient[line * (grid.axes + 1) + to] = (T)sum;
        }
    }
}

#define DEFINE_FOR_TAPS(T, NAME, TAPS, TAPS_NAME)                                                                            \
    extern "C" __global__ void __launch_bounds__(THREADS, 1) grid_sample_##TAPS_NAME##_##NAME(                               \
        Problem problem, Count samples, const T* input, const T* places, T* output) {                                        \
        grid_sample<T, TAPS>(problem, samples, input, places, output);                                                       \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS, 1) grid_sample_places_##TAPS_NAME##_##NAME(                        \
        Problem problem, Count samples, const T* input, const T* places, const T* gradient, T* places_gradient) {            \
        grid_sample_places<T, TAPS>(problem, samples, input, places, gradient, places_gradient);                             \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS) grid_sample_reaches_##TAPS_NAME##_##NAME(                          \
        Problem problem, Count samples, const T* places, int* reaches) {                                                     \
        grid_sample_reaches<T, TAPS>(problem, samples, places, reaches);                                                     \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS, 1) grid_sample_input_##TAPS_NAME##_##NAME(                            \
        Problem problem, Count samples, const T* places, const T* gradient, const int* reaches, T* input_gradient) {         \
        grid_sample_input<T, TAPS>(problem, samples, places, gradient, reaches, input_gradient);                             \
    }

#define DEFINE(T, NAME)                                                                                                      \
    DEFINE_FOR_TAPS(T, NAME, 1, nearest)                                                                                     \
    DEFINE_FOR_TAPS(T, NAME, 2, linear)                                                                                      \
    DEFINE_FOR_TAPS(T, NAME, 4, cubic)                                                                                       \
    extern "C" __global__ void affine_grid_##NAME(Grid grid, Count batch, const double* coordinates, const T* maps,          \
                                                  T* places) {                                                               \
        affine_grid(grid, batch, coordinates, maps, places);                                                                 \
    }                                                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                                    \
        affine_grid_back_##NAME(Grid grid, Count batch, const double* coordinates, const T* gradient, T* maps_gradient) {    \
        affine_grid_back(grid, batch, coordinates, gradient, maps_gradient);                                                 \
    }
FOR_ELEMENTS(DEFINE)
