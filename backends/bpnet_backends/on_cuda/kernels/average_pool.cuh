// y = the mean of what lies under the window and inside the image.

extern "C" __global__ void __launch_bounds__(THREADS) ENTRY(const T* __restrict__ x, T* __restrict__ y) {
    const long long e = (long long)blockIdx.x * THREADS + threadIdx.x;
    if (e >= (long long)IMAGES * DOWN * ACROSS * CHANNELS) return;
    const Element of = element(e, DOWN, ACROSS);
    T sum = T(0);
#pragma unroll
    for (int a = 0; a < SIZE_DOWN; ++a)
#pragma unroll
        for (int b = 0; b < SIZE_ACROSS; ++b)
            sum += padded(x, of, of.row * MOVE_DOWN + a * APART_DOWN - TOP, of.column * MOVE_ACROSS + b * APART_ACROSS - LEFT, T(0));
    y[e] = sum * share(of.row, of.column);
}
