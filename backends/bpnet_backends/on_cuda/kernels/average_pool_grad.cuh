// dx = the sum of dy / n over the windows that the element lies under.

extern "C" __global__ void __launch_bounds__(THREADS) ENTRY(const T* __restrict__ dy, T* __restrict__ dx) {
    const long long e = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (e >= (long long)IMAGES * HEIGHT * WIDTH * CHANNELS) return;
    const Element of = element(e, HEIGHT, WIDTH);
    T sum = T(0);
#pragma unroll
    for (int a = 0; a < SIZE_DOWN; ++a)
#pragma unroll
        for (int b = 0; b < SIZE_ACROSS; ++b) {
            const int down = of.row + TOP - a * APART_DOWN, across = of.column + LEFT - b * APART_ACROSS;
            const int i = down / MOVE_DOWN, j = across / MOVE_ACROSS;
            if (down < 0 || down % MOVE_DOWN || i >= DOWN || across < 0 || across % MOVE_ACROSS || j >= ACROSS) continue;
            sum += dy[in_places(of, i, j)] * share(i, j);
        }
    dx[e] = sum;
}
