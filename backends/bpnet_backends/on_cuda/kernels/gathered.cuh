// Each place of an image is a sum over taps and channels of another image: z = x * w + b, or dx from dz and w.
//
//     y[n, place, g, o] = bias[g, o] + sum over taps (p, q) and i of x[n, MOVE place + offset(p, q), g, i] w(p, q, g, i, o)
//
// A block makes a tile of places, of one image or of several small ones, for some of the output channels. Its part of x
// and of w lie in shared memory; a pixel takes an odd number of words, so that neighbours lie in different banks. A
// thread has TOGETHER places times MANY channels in registers, and reads each weight once for all its places.
// Places of dx that lie apart by the strides are reached by the same taps: a `Phase` each. Forward has one phase.

__device__ __forceinline__ int least(int x, int y) { return x < y ? x : y; }

template <class Phase>
__device__ __forceinline__ void gathered(const T* __restrict__ x, const T* __restrict__ w, const T* bias,
                                         T* __restrict__ y, T* tile, T* kept) {
    const int thread = threadIdx.x, block = blockIdx.x, chunk = blockIdx.y / PHASES;
    const int row = block / TILES_ACROSS % TILES_DOWN * ROWS, column = block % TILES_ACROSS * COLUMNS;
    const int image = block / (TILES_ACROSS * TILES_DOWN) * TILE_IMAGES, group = chunk * SLICES / PER_GROUP;
    if (row >= Phase::DOWN || column >= Phase::ACROSS) return;  // the whole block: phases may differ by one place

    for (int e = thread; e < Phase::TAPS_DOWN * Phase::TAPS_ACROSS * IN * WIDE; e += THREADS) {
        const int slice = chunk * SLICES + e % WIDE / MANY, o = slice % PER_GROUP * MANY + e % MANY, i = e / WIDE % IN;
        const int a = Phase::FIRST_DOWN + e / (WIDE * IN * Phase::TAPS_ACROSS) * Phase::NEXT_DOWN;
        const int b = Phase::FIRST_ACROSS + e / (WIDE * IN) % Phase::TAPS_ACROSS * Phase::NEXT_ACROSS;
        const int g = slice / PER_GROUP, tap = a * SIZE_ACROSS + b;
        const int at = TRANSPOSED ? (tap * OUT + o) * (GROUPS * IN) + g * IN + i : (tap * IN + i) * (GROUPS * OUT) + g * OUT + o;
        kept[e] = g < GROUPS && o < OUT ? w[at] : T(0);
    }
    for (int e = thread; e < TILE_IMAGES * Phase::TILE_DOWN * Phase::TILE_ACROSS * CHANNELS; e += THREADS) {
        const int c = e % CHANNELS, pixel = e / CHANNELS, n = image + pixel / (Phase::TILE_DOWN * Phase::TILE_ACROSS);
        const int h = Phase::MOVE_DOWN * row + Phase::LOW_DOWN + pixel / Phase::TILE_ACROSS % Phase::TILE_DOWN;
        const int v = Phase::MOVE_ACROSS * column + Phase::LOW_ACROSS + pixel % Phase::TILE_ACROSS;
        const bool inside = n < IMAGES && h >= 0 && h < HEIGHT && v >= 0 && v < WIDTH && group * IN + c < GROUPS * IN;
        tile[pixel * PIXEL + c] = inside ? x[(((long long)n * HEIGHT + h) * WIDTH + v) * (GROUPS * IN) + group * IN + c] : T(0);
    }
    __syncthreads();

    const int own = SLICES_FIRST ? thread % SLICES : thread / PLACES, place = SLICES_FIRST ? thread / SLICES : thread % PLACES;
    const int slice = chunk * SLICES + own, g = slice / PER_GROUP, o = slice % PER_GROUP * MANY;
    int at[TOGETHER];
    T sum[TOGETHER][MANY];
#pragma unroll
    for (int k = 0; k < TOGETHER; ++k) {
        const int p = least(place + k * PLACES, TILE_IMAGES * ROWS * COLUMNS - 1), n = p / (ROWS * COLUMNS);
        const int i = p / COLUMNS % ROWS * Phase::MOVE_DOWN, j = p % COLUMNS * Phase::MOVE_ACROSS;
        at[k] = ((n * Phase::TILE_DOWN + i) * Phase::TILE_ACROSS + j) * PIXEL + (GROUPS == 1 ? 0 : (g - group) * IN);
#pragma unroll
        for (int m = 0; m < MANY; ++m) sum[k][m] = BIAS && g < GROUPS && o + m < OUT ? bias[g * OUT + o + m] : T(0);
    }
#pragma unroll UNROLL_DOWN
    for (int p = 0; p < Phase::TAPS_DOWN; ++p) {
#pragma unroll UNROLL_ACROSS
        for (int q = 0; q < Phase::TAPS_ACROSS; ++q) {
            const T* under = tile + ((Phase::SHIFT_DOWN + p * Phase::APART_DOWN) * Phase::TILE_ACROSS + Phase::SHIFT_ACROSS
                                     + q * Phase::APART_ACROSS) * PIXEL;
            const T* weights = kept + (p * Phase::TAPS_ACROSS + q) * IN * WIDE + own * MANY;
#pragma unroll UNROLL_CHANNELS
            for (int i = 0; i < IN; ++i) {
                T weight[MANY];
#pragma unroll
                for (int m = 0; m < MANY; ++m) weight[m] = weights[i * WIDE + m];
#pragma unroll
                for (int k = 0; k < TOGETHER; ++k) {
                    const T value = under[at[k] + i];
#pragma unroll
                    for (int m = 0; m < MANY; ++m) sum[k][m] = fma(value, weight[m], sum[k][m]);
                }
            }
        }
    }
#pragma unroll
    for (int k = 0; k < TOGETHER; ++k) {
        const int p = place + k * PLACES, n = image + p / (ROWS * COLUMNS);
        const int i = row + p / COLUMNS % ROWS, j = column + p % COLUMNS;
        if (p >= TILE_IMAGES * ROWS * COLUMNS || n >= IMAGES || i >= Phase::DOWN || j >= Phase::ACROSS || g >= GROUPS) continue;
        const long long pixel = ((long long)n * OUT_HEIGHT + Phase::FROM_DOWN + i * Phase::STEP_DOWN) * OUT_WIDTH
                                + Phase::FROM_ACROSS + j * Phase::STEP_ACROSS;
        T* to = y + pixel * (GROUPS * OUT) + g * OUT + o;
#pragma unroll
        for (int m = 0; m < MANY; ++m)
            if (o + m < OUT) to[m] = sum[k][m];
    }
}
