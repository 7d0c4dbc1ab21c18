// Scaled dot product attention and its gradients, a tile of queries against a tile of keys at a time (cpu/attention).
//
// Scores exist in shared memory alone: the forward pass keeps the largest score and the sum of each query as it goes over the
// keys (Dao et al. 2022, https://arxiv.org/abs/2205.14135), the backward pass computes scores again from the logarithms of
// these sums. Gradients of keys and values are gathered by blocks of their own, so that nothing is added atomically.
#include "teams.cuh"
#include "tile.cuh"

struct Sizes {
    int batch, heads, queries, keys, dim, value_dim, causal, masks, mask_rows;

    // A row of what there is one of for each query.
    __device__ Count line(int item, int head, int query) const { return ((Count)item * heads + head) * queries + query; }
};

// Element i of a token's vector lies at start + item * items + head * heads + token * tokens + i.
struct Vectors {
    Count start, items, heads, tokens;

    __device__ Count at(int item, int head, int token) const { return start + item * items + head * heads + token * tokens; }
};

struct Places {
    Vectors query, key, value, output;
};

// What every pass is given; `bias`, `mask` and `kept`, the factors of weights of which some are dropped, are optional.
template <typename T> struct Attention {
    Sizes sizes;
    Places places;
    T scale;
    const T *query, *key, *value, *bias, *mask, *kept;
};

// A tile of the scores of one head of one batch item, by its first query and key.
template <typename T> struct Scores {
    const Attention<T>& of;
    int item, head, query, key;

    __device__ bool has(int row, int column) const {
        int q = query + row, k = key + column;
        return q < of.sizes.queries && k < of.sizes.keys && !(of.sizes.causal && k > q);
    }
    // The score that a product of a query and a key makes, for a place that there is.
    __device__ T score(int row, int column, T product) const {
        const Sizes& s = of.sizes;
        T score = product * of.scale;
        if (of.bias) score += of.bias[((Count)head * s.queries + query + row) * s.keys + key + column];
        if (of.mask) {
            Count line = (Count)(item % s.masks) * s.mask_rows + (s.mask_rows == 1 ? 0 : query + row);
            score += of.mask[line * s.keys + key + column];
        }
        return score;
    }
    // What is left of a weight, or of its gradient.
    __device__ T kept(int row, int column, T weight) const {
        if (!of.kept || !has(row, column)) return weight;
        return weight * of.kept[of.sizes.line(item, head, query + row) * of.sizes.keys + key + column];
    }

    // The products of queries and keys.
    template <typename Core> __device__ void products(Core& core, Slices<Core>& slices) const {
        const Vectors &q = of.places.query, &k = of.places.key;
        const T *queries = of.query + q.at(item, head, query), *keys = of.key + k.at(item, head, key);
        const int rows = of.sizes.queries - query, columns = of.sizes.keys - key;
        core.clear();
        add_product<Core, true, true>(
            core, slices, 0, of.sizes.dim,
            [&](int row, Count term) { return row < rows ? queries[row * q.tokens + term] : (T)0; },
            [&](Count term, int column) { return column < columns ? keys[column * k.tokens + term] : (T)0; });
    }
};

// Of all keys those that the last query of a tile sees.
__device__ inline int seen_by(const Sizes& s, int query, int side) { return s.causal ? min(s.keys, query + side) : s.keys; }

__device__ inline int tiles(int count, int side) { return (count + side - 1) / side; }

// Runs `body(item, head, first of a tile of tokens, first of a chunk of a vector)` by one block each.
template <typename F> __device__ inline void each_tile(const Sizes& s, int tokens, int width, int side, F body) {
    const int token_tiles = tiles(tokens, side), chunks = tiles(width, side);
    const Count pieces = (Count)s.batch * s.heads * token_tiles * chunks;
    for (Count piece = blockIdx.x; piece < pieces; piece += gridDim.x) {
        Count rest = piece / chunks;
        int token = (int)(rest % token_tiles) * side;
        rest /= token_tiles;
        body((int)(rest / s.heads), (int)(rest % s.heads), token, (int)(piece % chunks) * side);
        __syncthreads();
    }
}

// output: the weighted values; log_sums[item][head][query]: infinite for a query that sees no key.
template <typename Core, typename T>
__device__ inline void attention_forward(const Attention<T>& a, T* output, T* log_sums) {
    constexpr int SIDE = Core::ROWS, TEAM = THREADS / SIDE;
    __shared__ Slices<Core> slices;
    __shared__ T weights[SIDE][SIDE + 1], largest[SIDE], sums[SIDE], factors[SIDE];
    const Sizes& s = a.sizes;
    const int own = threadIdx.x / TEAM, lane = threadIdx.x % TEAM;
    each_tile(s, s.queries, s.value_dim, SIDE, [&](int item, int head, int query, int chunk) {
        Core out;
        out.clear();
        if (lane == 0) {
            largest[own] = -INFINITY;
            sums[own] = 0;
        }
        __syncthreads();
        const int seen = seen_by(s, query, SIDE);
        for (int key = 0; key < seen; key += SIDE) {
            const Scores<T> scores = {a, item, head, query, key};
            Core core;
            scores.products(core, slices);
            core.each([&](int row, int column, T product) {
                weights[row][column] = scores.has(row, column) ? scores.score(row, column, product) : -INFINITY;
            });
            __syncthreads();
            T before = largest[own], most = before;
            for (int c = lane; c < SIDE; c += TEAM) most = weights[own][c] > most ? weights[own][c] : most;
#pragma unroll
            for (int distance = TEAM / 2; distance > 0; distance /= 2) {
                T other = __shfl_xor_sync(FULL_WARP, most, distance);
                most = other > most ? other : most;
            }
            // With all keys excluded every score is minus infinity, from which only a number can be subtracted.
            const T centre = most == -INFINITY ? (T)0 : most;
            T sum = 0;
            for (int c = lane; c < SIDE; c += TEAM) {
                T weight = exponential(weights[own][c] - centre);
                sum += weight;
                weights[own][c] = scores.kept(own, c, weight);
            }
#pragma unroll
            for (int distance = TEAM / 2; distance > 0; distance /= 2) sum += __shfl_xor_sync(FULL_WARP, sum, distance);
            if (lane == 0) {
                T factor = before == most ? (T)1 : exponential(before - centre);
                largest[own] = most;
                sums[own] = sums[own] * factor + sum;
                factors[own] = factor;
            }
            __syncthreads();
            out.update([&](int row, int, T x) { return x * factors[row]; });
            const Vectors& v = a.places.value;
            const T* values = a.value + v.at(item, head, key) + chunk;
            add_product<Core, true, false>(
                out, slices, 0, min(SIDE, seen - key), [&](int row, Count term) { return weights[row][term]; },
                [&](Count term, int column) {
                    return chunk + column < s.value_dim ? values[term * v.tokens + column] : (T)0;
                });
        }
        out.each([&](int row, int column, T x) {
            if (query + row >= s.queries || chunk + column >= s.value_dim) return;
            T y = sums[row] == 0 ? (T)0 : x * ((T)1 / sums[row]);
            output[a.places.output.at(item, head, query + row) + chunk + column] = y;
        });
        if (chunk == 0 && lane == 0 && query + own < s.queries) {
            double log_sum = sums[own] == 0 ? (double)INFINITY : (double)largest[own] + log((double)sums[own]);
            log_sums[s.line(item, head, query + own)] = (T)log_sum;
        }
    });
}

// The product of each query's output and its gradient, by which the gradients of its scores are centred.
template <typename T>
__device__ inline void attention_means(const Sizes& s, const Vectors& places, const T* output, const T* gradient, T* means) {
    const Count lines = (Count)s.batch * s.heads * s.queries;
    const int lane = threadIdx.x % WARP;
    each_piece<WARP>(lines, [&](Count line) {
        const bool real = line < lines;
        Count rest = real ? line : 0;
        int query = (int)(rest % s.queries);
        rest /= s.queries;
        Count start = places.at((int)(rest / s.heads), (int)(rest % s.heads), query);
        T sum = 0;
        for (int i = lane; real && i < s.value_dim; i += WARP) sum += output[start + i] * gradient[start + i];
        sum = team_sum<WARP>(sum, (T*)nullptr);
        if (real && lane == 0) means[line] = sum;
    });
}

// What the backward pass is given besides.
template <typename T> struct Back {
    const T *log_sums, *means, *gradient;
};

// The weights of a tile, without dropping, and the gradients of its scores. Each thread writes and reads places of its own in
// `shared`.
template <typename Core, typename T, int SIDE, int WIDTH>
__device__ inline void weights_and_gradients(const Scores<T>& scores, const Back<T>& back, Slices<Core>& slices,
                                             T (&shared)[SIDE][WIDTH], Core& weights, Core& gradients) {
    const Attention<T>& a = scores.of;
    const Vectors &v = a.places.value, &o = a.places.output;
    scores.products(weights, slices);
    const T* outputs = back.gradient + o.at(scores.item, scores.head, scores.query);
    const T* values = a.value + v.at(scores.item, scores.head, scores.key);
    const int rows = a.sizes.queries - scores.query, columns = a.sizes.keys - scores.key;
    gradients.clear();
    add_product<Core, true, true>(
        gradients, slices, 0, a.sizes.value_dim,
        [&](int row, Count term) { return row < rows ? outputs[row * o.tokens + term] : (T)0; },
        [&](Count term, int column) { return column < columns ? values[column * v.tokens + term] : (T)0; });
    const Count first = a.sizes.line(scores.item, scores.head, scores.query);
    weights.update([&](int row, int column, T product) {
        if (!scores.has(row, column)) return (T)0;
        return exponential(scores.score(row, column, product) - back.log_sums[first + row]);
    });
    weights.each([&](int row, int column, T weight) { shared[row][column] = weight; });
    gradients.update([&](int row, int column, T gradient) {
        if (!scores.has(row, column)) return (T)0;
        return shared[row][column] * (scores.kept(row, column, gradient) - back.means[first + row]);
    });
}

template <typename Core, typename T>
__device__ inline void attention_query_gradient(const Attention<T>& a, const Back<T>& back, T* query_gradient) {
    constexpr int SIDE = Core::ROWS;
    __shared__ Slices<Core> slices;
    __shared__ T shared[SIDE][SIDE + 1];
    const Sizes& s = a.sizes;
    each_tile(s, s.queries, s.dim, SIDE, [&](int item, int head, int query, int chunk) {
        Core out;
        out.clear();
        const int seen = seen_by(s, query, SIDE);
        for (int key = 0; key < seen; key += SIDE) {
            const Scores<T> scores = {a, item, head, query, key};
            Core weights, gradients;
            weights_and_gradients(scores, back, slices, shared, weights, gradients);
            gradients.each([&](int row, int column, T gradient) { shared[row][column] = gradient; });
            __syncthreads();
            const Vectors& k = a.places.key;
            const T* keys = a.key + k.at(item, head, key) + chunk;
            add_product<Core, true, false>(
                out, slices, 0, min(SIDE, seen - key), [&](int row, Count term) { return shared[row][term]; },
                [&](Count term, int column) { return chunk + column < s.dim ? keys[term * k.tokens + column] : (T)0; });
        }
        out.each([&](int row, int column, T x) {
            if (query + row >= s.queries || chunk + column >= s.dim) return;
            query_gradient[a.places.query.at(item, head, query + row) + chunk + column] = a.scale * x;
        });
    });
}

template <typename Core, typename T>
__device__ inline void attention_key_gradient(const Attention<T>& a, const Back<T>& back, T* key_gradient, T* value_gradient) {
    constexpr int SIDE = Core::ROWS;
    __shared__ Slices<Core> slices;
    __shared__ T shared[SIDE][SIDE + 1];
    const Sizes& s = a.sizes;
    each_tile(s, s.keys, max(s.dim, s.value_dim), SIDE, [&](int item, int head, int key, int chunk) {
        Core of_keys, of_values;
        of_keys.clear();
        of_values.clear();
        // Tiles have as many queries as keys: those before this one see none of its keys.
        for (int query = s.causal ? key : 0; query < s.queries; query += SIDE) {
            const Scores<T> scores = {a, item, head, query, key};
            Core weights, gradients;
            weights_and_gradients(scores, back, slices, shared, weights, gradients);
            const Count terms = min(SIDE, s.queries - query);
            weights.each([&](int row, int column, T weight) { shared[row][column] = scores.kept(row, column, weight); });
            __syncthreads();
            const Vectors &o = a.places.output, &q = a.places.query;
            const T* outputs = back.gradient + o.at(item, head, query) + chunk;
            add_product<Core, false, false>(
                of_values, slices, 0, terms, [&](int row, Count term) { return shared[term][row]; },
                [&](Count term, int column) {
                    return chunk + column < s.value_dim ? outputs[term * o.tokens + column] : (T)0;
                });
            gradients.each([&](int row, int column, T gradient) { shared[row][column] = gradient; });
            __syncthreads();
            const T* queries = a.query + q.at(item, head, query) + chunk;
            add_product<Core, false, false>(
                of_keys, slices, 0, terms, [&](int row, Count term) { return shared[term][row]; },
                [&](Count term, int column) { return chunk + column < s.dim ? queries[term * q.tokens + column] : (T)0; });
        }
        of_keys.each([&](int row, int column, T x) {
            if (key + row >= s.keys || chunk + column >= s.dim) return;
            key_gradient[a.places.key.at(item, head, key + row) + chunk + column] = a.scale * x;
        });
        of_values.each([&](int row, int column, T x) {
            if (key + row >= s.keys || chunk + column >= s.value_dim) return;
            value_gradient[a.places.value.at(item, head, key + row) + chunk + column] = x;
        });
    });
}

// parts[split][head][query][key]: the batch is divided into `splits` parts.
template <typename Core, typename T>
__device__ inline void attention_bias_gradient(const Attention<T>& a, const Back<T>& back, int splits, T* parts) {
    constexpr int SIDE = Core::ROWS;
    __shared__ Slices<Core> slices;
    __shared__ T shared[SIDE][SIDE + 1];
    const Sizes& s = a.sizes;
    const int query_tiles = tiles(s.queries, SIDE), key_tiles = tiles(s.keys, SIDE);
    const Count pieces = (Count)splits * s.heads * query_tiles * key_tiles;
    for (Count piece = blockIdx.x; piece < pieces; piece += gridDim.x) {
        const int key = (int)(piece % key_tiles) * SIDE, query = (int)(piece / key_tiles % query_tiles) * SIDE;
        const Count part = piece / key_tiles / query_tiles;
        const int head = (int)(part % s.heads), split = (int)(part / s.heads);
        const int first = (int)((Count)s.batch * split / splits), end = (int)((Count)s.batch * (split + 1) / splits);
        Core sums;
        sums.clear();
        for (int item = first; item < end; ++item) {
            const Scores<T> scores = {a, item, head, query, key};
            Core weights, gradients;
            weights_and_gradients(scores, back, slices, shared, weights, gradients);
            gradients.each([&](int row, int column, T gradient) { shared[row][column] = gradient; });
            sums.update([&](int row, int column, T sum) { return sum + shared[row][column]; });
        }
        sums.each([&](int row, int column, T sum) {
            if (query + row >= s.queries || key + column >= s.keys) return;
            parts[(part * s.queries + query + row) * s.keys + key + column] = sum;
        });
    }
}

#define GIVEN(T)                                                                                                             \
    Sizes sizes, Places places, double scale, const T *query, const T *key, const T *value, const T *bias, const T *mask,    \
        const T *kept
#define ATTENTION(T) \
    Attention<T> { sizes, places, (T)scale, query, key, value, bias, mask, kept }
#define BACK(T) const T *log_sums, const T *means, const T *gradient

// One block a multiprocessor is enough: with more, the tiles that the backward pass holds would not all stay in registers.
#define BACKWARD __launch_bounds__(THREADS, 1)

#define DEFINE_FOR_CORE(T, NAME, ...)                                                                                        \
    extern "C" __global__ void __launch_bounds__(THREADS) attention_forward_##NAME(GIVEN(T), T* output, T* sums) {           \
        attention_forward<__VA_ARGS__>(ATTENTION(T), output, sums);                                                          \
    }                                                                                                                        \
    extern "C" __global__ void BACKWARD attention_query_gradient_##NAME(GIVEN(T), BACK(T), T* to) {                          \
        attention_query_gradient<__VA_ARGS__>(ATTENTION(T), Back<T>{log_sums, means, gradient}, to);                         \
    }                                                                                                                        \
    extern "C" __global__ void BACKWARD attention_key_gradient_##NAME(GIVEN(T), BACK(T), T* to_keys, T* to_values) {         \
        attention_key_gradient<__VA_ARGS__>(ATTENTION(T), Back<T>{log_sums, means, gradient}, to_keys, to_values);           \
    }                                                                                                                        \
    extern "C" __global__ void BACKWARD attention_bias_gradient_##NAME(GIVEN(T), BACK(T), int splits, T* parts) {            \
        attention_bias_gradient<__VA_ARGS__>(ATTENTION(T), Back<T>{log_sums, means, gradient}, splits, parts);               \
    }
typedef Exact<float, 64, 64, 4, 4> SquareF32;
typedef Tf32<64, 64, 32, 16> SquareTf32;
typedef Exact<double, 32, 32, 2, 2> SquareF64;
DEFINE_FOR_CORE(float, f32, SquareF32)
DEFINE_FOR_CORE(float, tf32, SquareTf32)
DEFINE_FOR_CORE(double, f64, SquareF64)

#define DEFINE(T, NAME)                                                                                                      \
    extern "C" __global__ void __launch_bounds__(THREADS)                                                                    \
        attention_means_##NAME(Sizes sizes, Vectors places, const T* output, const T* gradient, T* means) {                  \
        attention_means(sizes, places, output, gradient, means);                                                             \
    }
FOR_ELEMENTS(DEFINE)
