// Tensor core instructions, lane by lane.
#pragma once
#include "device.h"

static inline float rounded_to_tf32(float x) {
    unsigned bits = __float_as_uint(x);
    if ((bits & 0x7f800000u) == 0x7f800000u) return x;
    // To the nearest of 10 bits behind the point, ties away from zero.
    return __uint_as_float((bits + 0x1000u) & 0xffffe000u);
}

static inline void multiply_tf32(float (&sums)[4], const float (&a)[4], const float (&b)[2]) {
    float fragments[6] = {a[0], a[1], a[2], a[3], b[0], b[1]};
    memcpy(emulator::slot(emulator::lane()), fragments, sizeof fragments);
    emulator::wait_for_warp();
    const int quad = emulator::lane() / 4, in_quad = emulator::lane() % 4;
    for (int element = 0; element < 4; ++element) {
        int row = element / 2 ? quad + 8 : quad, column = 2 * in_quad + element % 2;
        float sum = sums[element];
        for (int k = 0; k < 8; ++k) {
            float left[6], right[6];
            memcpy(left, emulator::slot(row % 8 * 4 + k % 4), sizeof left);
            memcpy(right, emulator::slot(column * 4 + k % 4), sizeof right);
            sum += left[(row / 8) + 2 * (k / 4)] * right[4 + k / 4];
        }
        sums[element] = sum;
    }
    emulator::wait_for_warp();
}
