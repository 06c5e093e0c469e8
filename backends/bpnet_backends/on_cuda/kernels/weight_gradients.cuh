// A part of dw and db: sums over the places of every GRID-th tile. `joined` adds the parts up.
//
//     part[a, b, i, g, o] = sum over places of x[n, stride place + dilation (a, b) - before, g, i] dz[n, place, g, o]
//
// A unit is a row (a, b, i) of the weights, or the bias, whose x is 1, times a slice of MANY output channels. In a
// block some threads, each with its own places, sum up the same unit; they are added in the end, in order.

extern "C" __global__ void __launch_bounds__(THREADS, RESIDENT) ENTRY(const T* __restrict__ x, const T* __restrict__ dz,
                                                            T* __restrict__ part) {
    __shared__ __align__(16) T room[ROOM];
    T* const tile = room + ROWS * COLUMNS * WIDE;  // x; before it dz, whose size is a multiple of a slice
    const int thread = threadIdx.x, chunk = blockIdx.y, group = chunk * SLICES / PER_GROUP;
    const int unit = thread % UNITS, of = thread / UNITS, own = unit % SLICES, r = unit / SLICES;
    const int slice = chunk * SLICES + own, g = slice / PER_GROUP, o = slice % PER_GROUP * MANY;
    const bool is_bias = r == SIZE_DOWN * SIZE_ACROSS * IN;
    const int a = r / (IN * SIZE_ACROSS), b = r / IN % SIZE_ACROSS, i = r % IN;
    const int channel = (GROUPS == 1 ? 0 : (g - group) * IN) + i;
    const int under = is_bias ? 0 : (a * APART_DOWN * TILE_ACROSS + b * APART_ACROSS) * PIXEL + channel;
    T sum[MANY];
#pragma unroll
    for (int m = 0; m < MANY; ++m) sum[m] = T(0);

    for (int at = blockIdx.x; at < IMAGES * TILES_DOWN * TILES_ACROSS; at += GRID) {
        const int n = at / (TILES_DOWN * TILES_ACROSS);
        const int row = at / TILES_ACROSS % TILES_DOWN * ROWS, column = at % TILES_ACROSS * COLUMNS;
        __syncthreads();
        for (int e = thread; e < ROWS * COLUMNS * WIDE; e += THREADS) {
            const int s = chunk * SLICES + e % WIDE / MANY, in = s / PER_GROUP, f = s % PER_GROUP * MANY + e % MANY;
            const int h = row + e / (WIDE * COLUMNS), v = column + e / WIDE % COLUMNS;
            const long long pixel = ((long long)n * DOWN + h) * ACROSS + v;
            const bool inside = h < DOWN && v < ACROSS && in < GROUPS && f < OUT;
            room[e] = inside ? dz[pixel * (GROUPS * OUT) + in * OUT + f] : T(0);
        }
        for (int e = thread; e < TILE_DOWN * TILE_ACROSS * CHANNELS; e += THREADS) {
            const int c = group * IN + e % CHANNELS, to = e / CHANNELS;
            const int h = MOVE_DOWN * row - TOP + to / TILE_ACROSS, v = MOVE_ACROSS * column - LEFT + to % TILE_ACROSS;
            const long long pixel = ((long long)n * HEIGHT + h) * WIDTH + v;
            const bool inside = h >= 0 && h < HEIGHT && v >= 0 && v < WIDTH && c < GROUPS * IN;
            tile[to * PIXEL + e % CHANNELS] = inside ? x[pixel * (GROUPS * IN) + c] : T(0);
        }
        __syncthreads();
        for (int p = of / PARTS_ACROSS; p < ROWS; p += PARTS_DOWN) {
            const T* from = tile + under + p * MOVE_DOWN * TILE_ACROSS * PIXEL;
            const T* with = room + p * COLUMNS * WIDE + own * MANY;
#pragma unroll 4
            for (int q = of % PARTS_ACROSS; q < COLUMNS; q += PARTS_ACROSS) {
                const T value = is_bias ? T(1) : from[q * MOVE_ACROSS * PIXEL];
#pragma unroll
                for (int m = 0; m < MANY; ++m) sum[m] = fma(value, with[q * WIDE + m], sum[m]);
            }
        }
    }
    if (PARTS_DOWN * PARTS_ACROSS > 1) {
        __syncthreads();
        for (int m = 0; m < MANY; ++m) room[m * THREADS + thread] = sum[m];
        __syncthreads();
        if (of > 0) return;
        for (int m = 0; m < MANY; ++m)
            for (int k = 1; k < PARTS_DOWN * PARTS_ACROSS; ++k) sum[m] += room[m * THREADS + k * UNITS + unit];
    }
    if (g >= GROUPS) return;
    T* to = part + (long long)blockIdx.x * TOTAL + r * (GROUPS * OUT) + g * OUT + o;
    for (int m = 0; m < MANY; ++m)
        if (o + m < OUT) to[m] = sum[m];
}
