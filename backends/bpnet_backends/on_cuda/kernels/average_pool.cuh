// y = the mean of what lies under the window and inside the image.

extern "C" __global__ void __launch_bounds__(THREADS) ENTRY(const T* __restrict__ x, T* __restrict__ y) {
    const long long e = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (e >= (long long)IMAGES * DOWN * ACROSS * CHANNELS) return;
    const Element of = element(e, DOWN, ACROSS);
    T sum = T(0);
#pragma unroll UNROLL_DOWN
    for (int a = 0; a < SIZE_DOWN; ++a)
#pragma unroll UNROLL_ACROSS
        for (int b = 0; b < SIZE_ACROSS; ++b) sum += under(x, of, of.row, of.column, a, b, T(0));
    y[e] = sum * share(of.row, of.column);
}
