// What is elementary in generated kernels. It includes nothing: NVRTC has no headers. No function waits for another
// thread unless it says so.

typedef signed char int8;
typedef unsigned char uint8;
typedef short int16;
typedef unsigned short uint16;
typedef int int32;
typedef unsigned uint32;
typedef long long int64;
typedef unsigned long long uint64;

template <class T> struct Unsigned { typedef T type; };
template <> struct Unsigned<int8> { typedef uint8 type; };
template <> struct Unsigned<int16> { typedef uint16 type; };
template <> struct Unsigned<int> { typedef unsigned type; };
template <> struct Unsigned<int64> { typedef uint64 type; };

template <class T> __device__ inline T infinity();
template <> __device__ inline float infinity<float>() { return __int_as_float(0x7f800000); }
template <> __device__ inline double infinity<double>() { return __longlong_as_double(0x7ff0000000000000LL); }
template <class T> __device__ inline T not_a_number() { return infinity<T>() - infinity<T>(); }

// Whole numbers, modulo 2 to the number of their bits.
template <class T> __device__ inline T add(T a, T b) {
    return T(typename Unsigned<T>::type(uint64(a) + uint64(b)));
}
template <class T> __device__ inline T subtract(T a, T b) {
    return T(typename Unsigned<T>::type(uint64(a) - uint64(b)));
}
template <class T> __device__ inline T multiply(T a, T b) {
    return T(typename Unsigned<T>::type(uint64(a) * uint64(b)));
}
template <class T> __device__ inline T negative(T a) { return subtract(T(0), a); }
template <class T> __device__ inline T absolute(T a) { return a < T(0) ? negative(a) : a; }
// By as many bits as there are, or more, only the sign is left.
template <class T> __device__ inline T shifted_right(T a, T b) {
    return (uint64)(b) < 8 * sizeof(T) ? T(a >> b) : a < T(0) ? T(-1) : T(0);
}

// The row of a table that an index means: negative ones count from the end, and what lies outside comes round.
__device__ inline int64 row_of(int64 index, int64 rows) {
    if (index >= 0 && index < rows) return index;
    int64 rest = index % rows;
    return rest < 0 ? rest + rows : rest;
}

// What a reduction does with what came before and the next element; `first` is what it begins with.
struct Add {
    template <class T> static __device__ inline T first() { return T(0); }
    static __device__ inline double join(double a, double b) { return a + b; }
    template <class T> static __device__ inline T join(T a, T b) { return add(a, b); }
};
struct Multiply {
    template <class T> static __device__ inline T first() { return T(1); }
    static __device__ inline double join(double a, double b) { return a * b; }
    template <class T> static __device__ inline T join(T a, T b) { return multiply(a, b); }
};
struct And {
    template <class T> static __device__ inline T first() { return T(true); }
    template <class T> static __device__ inline T join(T a, T b) { return a && b; }
};
struct Or {
    template <class T> static __device__ inline T first() { return T(false); }
    template <class T> static __device__ inline T join(T a, T b) { return a || b; }
};
template <class T> struct Ends {
    static __device__ inline T least() { return T(1) < T(-1) ? T(0) : T(1ULL << (8 * sizeof(T) - 1)); }
    static __device__ inline T greatest() { return T(~(uint64)(least())); }
};
template <> struct Ends<bool> {
    static __device__ inline bool least() { return false; }
    static __device__ inline bool greatest() { return true; }
};
template <> struct Ends<float> {
    static __device__ inline float least() { return -infinity<float>(); }
    static __device__ inline float greatest() { return infinity<float>(); }
};
template <> struct Ends<double> {
    static __device__ inline double least() { return -infinity<double>(); }
    static __device__ inline double greatest() { return infinity<double>(); }
};
// What is not a number stays.
struct Maximum {
    template <class T> static __device__ inline T first() { return Ends<T>::least(); }
    template <class T> static __device__ inline T join(T a, T b) { return a >= b || a != a ? a : b; }
};
struct Minimum {
    template <class T> static __device__ inline T first() { return Ends<T>::greatest(); }
    template <class T> static __device__ inline T join(T a, T b) { return a <= b || a != a ? a : b; }
};

// A value and where it stood; of equal ones, or of those that are not a number, the first.
template <class T> struct Placed {
    T value;
    int64 place;
    __device__ inline Placed() {}
    __device__ inline Placed(T value, int64 place) : value(value), place(place) {}
};
template <class T> __device__ inline bool precedes(bool better, Placed<T> a, Placed<T> b) {
    bool a_is_no = a.value != a.value, b_is_no = b.value != b.value;
    if (a_is_no != b_is_no) return a_is_no;
    if (!a_is_no && a.value != b.value) return better;
    return a.place <= b.place;
}
struct First_maximum {
    template <class P> static __device__ inline P join(P a, P b) { return precedes(a.value > b.value, a, b) ? a : b; }
};
struct First_minimum {
    template <class P> static __device__ inline P join(P a, P b) { return precedes(a.value < b.value, a, b) ? a : b; }
};

// What the thread has whose number differs in the bits of `mask`. All threads of the warp take part.
template <class T> __device__ inline T of_other(T x, int mask) { return __shfl_xor_sync(0xffffffffu, x, mask); }
template <> __device__ inline bool of_other(bool x, int mask) { return of_other(int(x), mask) != 0; }
template <> __device__ inline int8 of_other(int8 x, int mask) { return (int8)(of_other(int(x), mask)); }
template <> __device__ inline uint8 of_other(uint8 x, int mask) {
    return (uint8)(of_other(int(x), mask));
}
template <> __device__ inline short of_other(short x, int mask) { return short(of_other(int(x), mask)); }
template <> __device__ inline uint16 of_other(uint16 x, int mask) {
    return (uint16)(of_other(int(x), mask));
}
template <class T> __device__ inline Placed<T> of_other(Placed<T> x, int mask) {
    return Placed<T>(of_other(x.value, mask), of_other(x.place, mask));
}

// The values of a group of SIZE threads that follow one another, a power of two, joined in an order that depends on SIZE
// alone; each of them gets the result. All threads of the block, a multiple of 32, have to come here, and wait for one
// another. `shared` has room for 32 values.
template <class Join, int SIZE, class T> __device__ inline T over_group(T x, T* shared) {
    const int thread = threadIdx.y * blockDim.x + threadIdx.x;
    #pragma unroll
    for (int half = 1; half < SIZE && half < 32; half *= 2) {
        const T other = of_other(x, half);
        x = thread & half ? Join::join(other, x) : Join::join(x, other);
    }
    if (SIZE > 32) {
        if (thread % 32 == 0) shared[thread / 32] = x;
        __syncthreads();
        const int first = thread / SIZE * (SIZE / 32);
        x = shared[first];
        for (int warp = 1; warp < SIZE / 32; ++warp) x = Join::join(x, shared[first + warp]);
        __syncthreads();
    }
    return x;
}

// The values of the threads of a column, which are COLUMNS apart, joined in a fixed order; the first ROWS = a power of two
// of them take part, and row 0 gets the result. All threads of the block wait for one another. `shared` has room for a
// value of each.
template <class Join, int COLUMNS, int ROWS, class T> __device__ inline T down_block(T x, T* shared) {
    const int thread = threadIdx.y * blockDim.x + threadIdx.x, row = thread / COLUMNS;
    shared[thread] = x;
    __syncthreads();
    #pragma unroll
    for (int half = ROWS / 2; half > 0; half /= 2) {
        if (row < half) shared[thread] = Join::join(shared[thread], shared[thread + half * COLUMNS]);
        __syncthreads();
    }
    x = shared[thread];
    __syncthreads();
    return x;
}
