// dx = the sum of dy over the windows whose first largest element this is.

// Does an earlier tap of the window at place (i, j), whose largest is `largest`, have that value?
__device__ __forceinline__ bool taken(const T* __restrict__ x, const Element& of, int i, int j, int tap, T largest) {
    const int top = i * MOVE_DOWN - TOP, left = j * MOVE_ACROSS - LEFT;
    bool found = false;
#pragma unroll
    for (int t = 0; t < SIZE_DOWN * SIZE_ACROSS; ++t)
        if (t < tap && !found)
            found = padded(x, of, top + t / SIZE_ACROSS * APART_DOWN, left + t % SIZE_ACROSS * APART_ACROSS, -T(1) / T(0)) == largest;
    return found;
}

extern "C" __global__ void __launch_bounds__(THREADS) ENTRY(const T* __restrict__ x, const T* __restrict__ y,
                                                            const T* __restrict__ dy, T* __restrict__ dx) {
    const long long e = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (e >= (long long)IMAGES * HEIGHT * WIDTH * CHANNELS) return;
    const Element of = element(e, HEIGHT, WIDTH);
    const T own = x[e];
    T sum = T(0);
#pragma unroll
    for (int a = 0; a < SIZE_DOWN; ++a)
#pragma unroll
        for (int b = 0; b < SIZE_ACROSS; ++b) {
            const int down = of.row + TOP - a * APART_DOWN, across = of.column + LEFT - b * APART_ACROSS;
            const int i = down / MOVE_DOWN, j = across / MOVE_ACROSS;
            if (down < 0 || down % MOVE_DOWN || i >= DOWN || across < 0 || across % MOVE_ACROSS || j >= ACROSS) continue;
            const long long at = in_places(of, i, j);
            if (own == y[at] && !taken(x, of, i, j, a * SIZE_ACROSS + b, own)) sum += dy[at];
        }
    dx[e] = sum;
}
