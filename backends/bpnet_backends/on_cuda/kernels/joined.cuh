// dw and db: the sums of their PARTS parts, always in the same order. A warp's threads have 32 elements side by side.

extern "C" __global__ void __launch_bounds__(32 * ROWS) ENTRY(const T* __restrict__ part, T* __restrict__ dw OUTPUT_OF_BIAS) {
    __shared__ T kept[ROWS][32];
    const int e = blockIdx.x * 32 + threadIdx.x;
    T sum = T(0);
    if (e < TOTAL) {
#pragma unroll 8
        for (int k = threadIdx.y; k < PARTS; k += ROWS) sum += part[(long long)k * TOTAL + e];
    }
    kept[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y > 0 || e >= TOTAL) return;
    for (int k = 1; k < ROWS; ++k) sum += kept[k][threadIdx.x];
    if (e < WEIGHTS) dw[e] = sum;
    BIAS_GRADIENT
}
