// dx = the sum of dy / n over the windows that the element lies under.

extern "C" __global__ void __launch_bounds__(THREADS) ENTRY(const T* __restrict__ dy, T* __restrict__ dx) {
    const long long e = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (e >= (long long)IMAGES * HEIGHT * WIDTH * CHANNELS) return;
    const Element of = element(e, HEIGHT, WIDTH);
    T sum = T(0);
#pragma unroll UNROLL_DOWN
    for (int a = 0; a < SIZE_DOWN; ++a)
#pragma unroll UNROLL_ACROSS
        for (int b = 0; b < SIZE_ACROSS; ++b) {
            const Place at = place_over(of, a, b);
            if (at.there) sum += dy[in_places(of, at.i, at.j)] * share(at.i, at.j);
        }
    dx[e] = sum;
}
