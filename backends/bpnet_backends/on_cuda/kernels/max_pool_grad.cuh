// dx = the sum of dy over the windows whose first largest element this is.

// Does an earlier tap of the window at a place, whose largest is `largest`, have that value?
__device__ __forceinline__ bool taken(const T* __restrict__ x, const Element& of, Place at, int tap, T largest) {
    bool found = false;
#pragma unroll UNROLL_EARLIER
    for (int t = 0; t < SIZE_DOWN * SIZE_ACROSS; ++t)
        if (t < tap && !found)
            found = under(x, of, at.i, at.j, t / SIZE_ACROSS, t % SIZE_ACROSS, -T(1) / T(0)) == largest;
    return found;
}

extern "C" __global__ void __launch_bounds__(THREADS) ENTRY(const T* __restrict__ x, const T* __restrict__ y,
                                                            const T* __restrict__ dy, T* __restrict__ dx) {
    const long long e = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (e >= (long long)IMAGES * HEIGHT * WIDTH * CHANNELS) return;
    const Element of = element(e, HEIGHT, WIDTH);
    const T own = x[e];
    T sum = T(0);
#pragma unroll UNROLL_DOWN
    for (int a = 0; a < SIZE_DOWN; ++a)
#pragma unroll UNROLL_ACROSS
        for (int b = 0; b < SIZE_ACROSS; ++b) {
            const Place at = place_over(of, a, b);
            if (!at.there || own != y[in_places(of, at.i, at.j)]) continue;
            if (!taken(x, of, at, a * SIZE_ACROSS + b, own)) sum += dy[in_places(of, at.i, at.j)];
        }
    dx[e] = sum;
}
