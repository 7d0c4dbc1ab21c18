// Copies of a tensor with its axes in another order (cpu/rearrange.rs).
#include "common.cuh"

#define MOST_AXES 8
// The side of the squares that are turned in shared memory, and of them the lines that a block reads at once.
#define SIDE 32
#define LINES (THREADS / SIDE)

// Axes of the output, the last one innermost: lengths, and how far apart their elements lie in the input.
struct Axes {
    Count count, length[MOST_AXES], stride[MOST_AXES];

    __device__ Count number() const {
        Count number = 1;
        for (int axis = 0; axis < count; ++axis) number *= length[axis];
        return number;
    }
};

// Where an index of the output, counted in storage order, lies in the input.
template <typename Index> __device__ inline Count place(const Axes& axes, Index index) {
    Count place = 0;
    for (int axis = (int)axes.count - 1; axis >= 0; --axis) {
        Index length = (Index)axes.length[axis];
        place += (Count)(index % length) * axes.stride[axis];
        index /= length;
    }
    return place;
}

template <typename T> __device__ inline void rearrange(const Axes& axes, const T* input, T* output) {
    const Count count = axes.number();
    // Division by 64 bits costs several times as much.
    const bool narrow = count <= 0xffffffffLL;
    for (Count i = first_element(); i < count; i += element_step()) {
        output[i] = input[narrow ? place<unsigned>(axes, (unsigned)i) : place<Count>(axes, i)];
    }
}

// Two axes changing places inside others: `near` has neighbours in the input, `last` in the output.
struct Turned {
    Axes outer;
    Count outer_step[MOST_AXES];
    // Length, distance in the one tensor in which its elements are apart.
    Count near, near_step, last, last_step;
};

template <typename T> __device__ inline void rearrange_squares(const Turned& t, const T* input, T* output) {
    __shared__ T square[SIDE][SIDE + 1];
    const Count near_squares = (t.near + SIDE - 1) / SIDE, last_squares = (t.last + SIDE - 1) / SIDE;
    const Count squares = t.outer.number() * near_squares * last_squares;
    const int column = threadIdx.x % SIDE, line = threadIdx.x / SIDE;
    for (Count s = blockIdx.x; s < squares; s += gridDim.x) {
        const Count near = s % near_squares * SIDE, last = s / near_squares % last_squares * SIDE;
        Count rest = s / near_squares / last_squares, from = 0, to = 0;
        for (int axis = (int)t.outer.count - 1; axis >= 0; --axis) {
            Count index = rest % t.outer.length[axis];
            rest /= t.outer.length[axis];
            from += index * t.outer.stride[axis];
            to += index * t.outer_step[axis];
        }
        for (int i = line; i < SIDE; i += LINES) {
            if (near + column < t.near && last + i < t.last) {
                square[i][column] = input[from + (last + i) * t.last_step + near + column];
            }
        }
        __syncthreads();
        for (int i = line; i < SIDE; i += LINES) {
            if (near + i < t.near && last + column < t.last) {
                output[to + (near + i) * t.near_step + last + column] = square[column][i];
            }
        }
        __syncthreads();
    }
}

#define DEFINE(T, NAME)                                                                                                      \
    extern "C" __global__ void rearrange_##NAME(Axes axes, const T* input, T* output) { rearrange(axes, input, output); }   \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                                    \
        rearrange_squares_##NAME(Turned turned, const T* input, T* output) {                                                 \
        rearrange_squares(turned, input, output);                                                                            \
    }
FOR_ELEMENTS(DEFINE)
