// What all kernels of pooling share. A thread has one element of what is made, the next thread the next channel.

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

// For an element of the image and a tap: the place whose window has the element under that tap, if there is one.
struct Place { int i, j; bool there; };
__device__ __forceinline__ Place place_over(const Element& of, int a, int b) {
    const int down = of.row + TOP - a * APART_DOWN, across = of.column + LEFT - b * APART_ACROSS;
    const int i = down / MOVE_DOWN, j = across / MOVE_ACROSS;
    const bool met = down >= 0 && across >= 0 && down % MOVE_DOWN == 0 && across % MOVE_ACROSS == 0;
    return {i, j, met && i < DOWN && j < ACROSS};
}

// The value under a tap of place (i, j), or what lies beyond the image.
__device__ __forceinline__ T under(const T* __restrict__ x, const Element& of, int i, int j, int a, int b, T beyond) {
    const int h = i * MOVE_DOWN + a * APART_DOWN - TOP, v = j * MOVE_ACROSS + b * APART_ACROSS - LEFT;
    return inside(h, v) ? x[in_image(of, h, v)] : beyond;
}

// 1 / the number of taps of a place that lie inside.
__device__ __forceinline__ T share(int i, int j) {
    int down = 0, across = 0;
#pragma unroll UNROLL_DOWN
    for (int a = 0; a < SIZE_DOWN; ++a) down += inside(i * MOVE_DOWN + a * APART_DOWN - TOP, 0);
#pragma unroll UNROLL_ACROSS
    for (int b = 0; b < SIZE_ACROSS; ++b) across += inside(0, j * MOVE_ACROSS + b * APART_ACROSS - LEFT);
    return T(1) / T(down * across);
}
