// Windows of tokens on a grid that is moved as a ring (cpu/windows.rs); 2D grids have depth 1.
#include "planes.cuh"

struct Windows {
    // Tokens of the grid, of a window, of the shift; windows of the grid.
    int size[3], window[3], shift[3], grid[3];

    __device__ int padded(int axis) const { return grid[axis] * window[axis]; }
    __device__ Count tokens() const { return (Count)window[0] * window[1] * window[2]; }
    __device__ Count count() const { return (Count)grid[0] * grid[1] * grid[2]; }
    __device__ Count item_len() const { return (Count)size[0] * size[1] * size[2]; }

    __device__ int moved(int axis, int place) const { return (place + padded(axis) - shift[axis]) % padded(axis); }
    __device__ int unmoved(int axis, int place) const { return (place + shift[axis]) % padded(axis); }
};

// The tokens of each window; zeros where a window reaches beyond the grid.
template <typename T>
__device__ inline void window_partition(const Windows& w, Count batch, int channels, const T* input, T* output) {
    const Count tokens = w.tokens(), of_item = w.count() * tokens;
    each_of_rows(batch * of_item, channels, [&](Count row, Count channel) {
        const Count item = row / of_item, rest = row % of_item;
        const Place corner(rest / tokens, w.grid), inside(rest % tokens, w.window);
        const Place from(w.unmoved(0, corner.d * w.window[0] + inside.d), w.unmoved(1, corner.h * w.window[1] + inside.h),
                         w.unmoved(2, corner.w * w.window[2] + inside.w));
        const Count place = item * w.item_len() + from.number(w.size);
        output[row * channels + channel] = from.inside(w.size) ? input[place * channels + channel] : (T)0;
    });
}

// The inverse.
template <typename T>
__device__ inline void window_reverse(const Windows& w, Count batch, int channels, const T* input, T* output) {
    const Count len = w.item_len();
    each_of_rows(batch * len, channels, [&](Count row, Count channel) {
        const Place place(row % len, w.size);
        const int d = w.moved(0, place.d), h = w.moved(1, place.h), x = w.moved(2, place.w);
        const Place corner(d / w.window[0], h / w.window[1], x / w.window[2]);
        const Place inside(d % w.window[0], h % w.window[1], x % w.window[2]);
        const Count window = row / len * w.count() + corner.number(w.grid);
        output[row * channels + channel] = input[(window * w.tokens() + inside.number(w.window)) * channels + channel];
    });
}

#define DEFINE(T, NAME)                                                                                                  \
    extern "C" __global__ void window_partition_##NAME(Windows windows, Count batch, int channels, const T* input,       \
                                                       T* output) {                                                      \
        window_partition(windows, batch, channels, input, output);                                                       \
    }                                                                                                                    \
    extern "C" __global__ void window_reverse_##NAME(Windows windows, Count batch, int channels, const T* input,         \
                                                     T* output) {                                                        \
        window_reverse(windows, batch, channels, input, output);                                                         \
    }
FOR_ELEMENTS(DEFINE)
