// Work divided among teams of threads: a warp or a whole block for each piece.
#pragma once
#include "common.cuh"

// Which team of its grid a thread is in, and how many teams there are.
template <int TEAM> __device__ inline Count team_index() {
    return blockIdx.x * (Count)(THREADS / TEAM) + threadIdx.x / TEAM;
}
template <int TEAM> __device__ inline Count team_count() { return gridDim.x * (Count)(THREADS / TEAM); }

// Runs `body(piece)` by all threads of a team together, the same number of times in each: a `piece` that is not below
// `pieces` is there for staying in step alone.
template <int TEAM, typename F> __device__ inline void each_piece(Count pieces, F body) {
    Count rounds = (pieces + team_count<TEAM>() - 1) / team_count<TEAM>();
    for (Count round = 0; round < rounds; ++round) body(round * team_count<TEAM>() + team_index<TEAM>());
}
