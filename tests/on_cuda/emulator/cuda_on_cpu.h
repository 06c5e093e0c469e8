// The part of CUDA C++ that this project's kernels use, on a CPU. It includes nothing, as NVRTC includes nothing.
//
// Shared memory lies in a section of its own, which is filled with NaN before each block: what a kernel reads there, it
// must have written. A kernel's arguments are words of 8 bytes: addresses, whole numbers, float64.
#pragma once

#define __global__
#define __device__
#define __host__
#define __constant__ static
#define __shared__ static __attribute__((section("cuda_shared")))
#define __launch_bounds__(...)
#define __forceinline__ inline __attribute__((always_inline))
#define __noinline__ __attribute__((noinline))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __syncthreads() cuda_on_cpu::wait(cuda_on_cpu::BLOCK, __LINE__)
#define __syncwarp(...) cuda_on_cpu::wait(cuda_on_cpu::WARP, __LINE__)
#define __shfl_sync(mask, value, ...) cuda_on_cpu::shuffled<0>(mask, value, __LINE__, __VA_ARGS__)
#define __shfl_up_sync(mask, value, ...) cuda_on_cpu::shuffled<1>(mask, value, __LINE__, __VA_ARGS__)
#define __shfl_down_sync(mask, value, ...) cuda_on_cpu::shuffled<2>(mask, value, __LINE__, __VA_ARGS__)
#define __shfl_xor_sync(mask, value, ...) cuda_on_cpu::shuffled<3>(mask, value, __LINE__, __VA_ARGS__)
// After the kernels' text, one for each of them: what Python calls.
#define KERNEL_ON_CPU(kernel) \
    static void kernel##_thread(const void* words) { cuda_on_cpu::call(kernel, (const char*)words); } \
    extern "C" const char* kernel##_parameters() { return cuda_on_cpu::kinds(kernel); } \
    extern "C" const char* kernel##_launch(const unsigned* shape, const void* words, int backwards) { \
        return cuda_on_cpu::cuda_on_cpu_launch(kernel##_thread, shape, words, backwards, __start_cuda_shared, \
                                               __stop_cuda_shared); \
    }

typedef __SIZE_TYPE__ size_t;
struct uint3 { unsigned x, y, z; };
typedef uint3 dim3;
struct alignas(8) float2 { float x, y; };
struct alignas(16) float4 { float x, y, z, w; };
struct alignas(16) double2 { double x, y; };
// Where shared memory lies, if a kernel has some.
extern "C" __attribute__((weak, visibility("hidden"))) char __start_cuda_shared[], __stop_cuda_shared[];
extern "C" uint3 threadIdx, blockIdx, blockDim, gridDim;
static const int warpSize = 32;

inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }
inline double2 make_double2(double x, double y) { return {x, y}; }

#define ONE(name) \
    extern "C" double name(double); \
    extern "C" float name##f(float); \
    inline float name(float x) { return name##f(x); }
#define TWO(name) \
    extern "C" double name(double, double); \
    extern "C" float name##f(float, float); \
    inline float name(float x, float y) { return name##f(x, y); }
ONE(exp) ONE(exp2) ONE(expm1) ONE(log) ONE(log2) ONE(log10) ONE(log1p) ONE(sqrt) ONE(cbrt) ONE(sin) ONE(cos) ONE(tan)
ONE(asin) ONE(acos) ONE(atan) ONE(sinh) ONE(cosh) ONE(tanh) ONE(asinh) ONE(acosh) ONE(atanh) ONE(erf) ONE(erfc)
ONE(fabs) ONE(floor) ONE(ceil) ONE(trunc) ONE(rint) ONE(round)
TWO(pow) TWO(fmod) TWO(remainder) TWO(atan2) TWO(hypot) TWO(copysign) TWO(nextafter) TWO(fmin) TWO(fmax)
#undef ONE
#undef TWO
extern "C" double fma(double, double, double);
extern "C" float fmaf(float, float, float);
extern "C" int abs(int);
inline float fma(float x, float y, float z) { return fmaf(x, y, z); }
inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline double rsqrt(double x) { return 1.0 / sqrt(x); }
inline float abs(float x) { return fabsf(x); }
inline double abs(double x) { return fabs(x); }
inline long long llabs(long long x) { return x < 0 ? -x : x; }
template <class T> inline bool isnan(T x) { return x != x; }
template <class T> inline bool isinf(T x) { return __builtin_isinf(x); }
template <class T> inline bool isfinite(T x) { return __builtin_isfinite(x); }
template <class T> inline bool signbit(T x) { return __builtin_signbit(x); }
template <class T> inline T min(T x, T y) { return y < x ? y : x; }
template <class T> inline T max(T x, T y) { return x < y ? y : x; }
inline float min(float x, float y) { return fminf(x, y); }
inline float max(float x, float y) { return fmaxf(x, y); }
inline double min(double x, double y) { return fmin(x, y); }
inline double max(double x, double y) { return fmax(x, y); }

namespace cuda_on_cpu {
enum Kind { BLOCK, WARP };
extern "C" void cuda_on_cpu_wait(int kind, int line);
extern "C" void cuda_on_cpu_fail(const char* why, int line);
extern "C" void* cuda_on_cpu_lane(unsigned lane);  // 8 bytes for each thread of this warp; null where there is none
extern "C" const char* cuda_on_cpu_launch(void (*)(const void*), const unsigned*, const void*, int, char*, char*);
inline void wait(Kind kind, int line) { cuda_on_cpu_wait(kind, line); }

template <class To, class From> inline To same_bits(From x) {
    static_assert(sizeof(To) == sizeof(From), "of the same size");
    To y;
    __builtin_memcpy(&y, &x, sizeof y);
    return y;
}

template <int HOW, class T> T shuffled(unsigned mask, T value, int line, int other, int width = 32) {
    static_assert(sizeof(T) <= 8, "a word at most");
    if (mask != 0xffffffffu) cuda_on_cpu_fail("a shuffle of a part of a warp is not emulated", line);
    unsigned thread = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
    int lane = thread % 32, in = lane % width, first = lane - in;
    __builtin_memcpy(cuda_on_cpu_lane(lane), &value, sizeof value);
    cuda_on_cpu_wait(WARP, line);
    int from = HOW == 0 ? (other % width + width) % width : HOW == 1 ? in - other : HOW == 2 ? in + other : in ^ other;
    void* there = from < 0 || from >= width ? nullptr : cuda_on_cpu_lane(first + from);
    T found = value;
    if (there) __builtin_memcpy(&found, there, sizeof found);
    cuda_on_cpu_wait(WARP, line);
    return found;
}

// What a kernel takes: p an address, i a whole number, d a float64.
template <class T> struct kind_of;
template <class T> struct kind_of<T*> { static const char value = 'p'; };
template <> struct kind_of<long long> { static const char value = 'i'; };
template <> struct kind_of<unsigned long long> { static const char value = 'i'; };
template <> struct kind_of<long> { static const char value = 'i'; };
template <> struct kind_of<unsigned long> { static const char value = 'i'; };
template <> struct kind_of<int> { static const char value = 'i'; };
template <> struct kind_of<unsigned> { static const char value = 'i'; };
template <> struct kind_of<double> { static const char value = 'd'; };
template <class T> struct kind_of<const T> : kind_of<T> {};
template <class... P> inline const char* kinds(void (*)(P...)) {
    static const char all[] = {kind_of<P>::value..., 0};
    return all;
}
template <class T> inline T word(const char* words, int at) {
    T value;
    __builtin_memcpy(&value, words + 8 * at, sizeof value);
    return value;
}
template <int... I> struct Places {};
template <int N, int... I> struct Counted : Counted<N - 1, N - 1, I...> {};
template <int... I> struct Counted<0, I...> { typedef Places<I...> type; };
template <class... P, int... I> inline void call(void (*kernel)(P...), const char* words, Places<I...>) {
    kernel(word<P>(words, I)...);
}
template <class... P> inline void call(void (*kernel)(P...), const char* words) {
    call(kernel, words, typename Counted<sizeof...(P)>::type());
}
}  // namespace cuda_on_cpu

template <class T> inline T __ldg(const T* x) { return *x; }
inline int __float_as_int(float x) { return cuda_on_cpu::same_bits<int>(x); }
inline unsigned __float_as_uint(float x) { return cuda_on_cpu::same_bits<unsigned>(x); }
inline float __int_as_float(int x) { return cuda_on_cpu::same_bits<float>(x); }
inline float __uint_as_float(unsigned x) { return cuda_on_cpu::same_bits<float>(x); }
inline long long __double_as_longlong(double x) { return cuda_on_cpu::same_bits<long long>(x); }
inline double __longlong_as_double(long long x) { return cuda_on_cpu::same_bits<double>(x); }
inline void __threadfence() {}
template <class T, class U> inline T atomicAdd(T* to, U x) { T old = *to; *to = old + x; return old; }
