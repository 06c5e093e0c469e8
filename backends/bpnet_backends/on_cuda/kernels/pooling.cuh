// What all kernels of pooling share: a thread has one element of what is made, and neighbours have neighbouring channels.

struct Element { int c, column, row; long long image; };

__device__ __forceinline__ Element element(long long e, int rows, int columns) {
    const int pixel = (int)(e / CHANNELS % ((long long)rows * columns));
    return {(int)(e % CHANNELS), pixel % columns, pixel / columns, e / CHANNELS / ((long long)rows * columns)};
}

// Where element (h, v) of an image, or place (i, j), lies.
__device__ __forceinline__ long long in_image(const Element& of, int h, int v) {
    return ((of.image * HEIGHT + h) * WIDTH + v) * CHANNELS + of.c;
}
__device__ __forceinline__ long long in_places(const Element& of, int i, int j) {
    return ((of.image * DOWN + i) * ACROSS + j) * CHANNELS + of.c;
}
__device__ __forceinline__ bool inside(int h, int v) { return h >= 0 && h < HEIGHT && v >= 0 && v < WIDTH; }

// The value of an element of the padded image.
__device__ __forceinline__ T padded(const T* __restrict__ x, const Element& of, int h, int v, T beyond) {
    return inside(h, v) ? x[in_image(of, h, v)] : beyond;
}

// 1 / the number of taps of a place that lie inside.
__device__ __forceinline__ T share(int i, int j) {
    int down = 0, across = 0;
#pragma unroll
    for (int a = 0; a < SIZE_DOWN; ++a) down += inside(i * MOVE_DOWN + a * APART_DOWN - TOP, 0);
#pragma unroll
    for (int b = 0; b < SIZE_ACROSS; ++b) across += inside(0, j * MOVE_ACROSS + b * APART_ACROSS - LEFT);
    return T(1) / T(down * across);
}
