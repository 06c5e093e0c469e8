// y = the largest under the window, NaN if there is one; padding counts as -infinity.

extern "C" __global__ void __launch_bounds__(THREADS) ENTRY(const T* __restrict__ x, T* __restrict__ y) {
    const long long e = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (e >= (long long)IMAGES * DOWN * ACROSS * CHANNELS) return;
    const Element of = element(e, DOWN, ACROSS);
    const T nothing = -T(1) / T(0);
    T best = nothing;
#pragma unroll
    for (int a = 0; a < SIZE_DOWN; ++a)
#pragma unroll
        for (int b = 0; b < SIZE_ACROSS; ++b) {
            const int h = of.row * MOVE_DOWN + a * APART_DOWN - TOP, v = of.column * MOVE_ACROSS + b * APART_ACROSS - LEFT;
            const T value = padded(x, of, h, v, nothing);
            best = best >= value || best != best ? best : value;
        }
    y[e] = best;
}
