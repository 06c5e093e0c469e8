// The threads of a block, one after another: each runs until it waits for the others or ends.
//
// Blocks run in order, and so do the warps of a block, each as far as it comes without the others, and the threads of a
// warp; or all of them backwards: results that depend on it show a race. A barrier that not all threads reach ends the
// kernel with a message.
#include <sys/mman.h>

#include <cstdio>
#include <cstring>

struct uint3 { unsigned x, y, z; };
extern "C" { uint3 threadIdx, blockIdx, blockDim, gridDim; }

namespace {
// Bytes; odd in lines of 64, so that the stacks of a block do not all want the same places of the cache.
const size_t STACK = 64 * 1024 + 5 * 64;
const unsigned MOST = 1024;
enum State { NEW, READY, AT_BARRIER, AT_WARP, ENDED };
struct Fiber { void* stack; unsigned number; State state; int line; };  // number: of the stack

Fiber fibers[MOST];
uint3 places[MOST];  // of the threads in their block
char* stacks;
unsigned unused[MOST];  // numbers of stacks; a thread that ends leaves its own, still in the cache, to the next
unsigned count_unused;
void* scheduler;
unsigned current;
unsigned long long lanes[MOST];
void (*kernel)(const void*);
const void* arguments;
char *shared, *shared_end;
char message[200];

#if defined(__x86_64__)
// Keeps the stack and what a called function must preserve, and goes on where the other stack was left: by a jump, as
// the processor takes a return to go back to the last call, and guesses wrong.
extern "C" void cuda_on_cpu_switch(void** from, void* to);
asm(R"(
.text
.hidden cuda_on_cpu_switch
.globl cuda_on_cpu_switch
cuda_on_cpu_switch:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    popq %rdx
    jmp *%rdx
)");
void begin();
void* fresh(char* stack) {
    void** top = (void**)(stack + STACK) - 1;
    *--top = (void*)begin;  // the jump goes there, with the stack as after a call: 8 beyond a multiple of 16
    return top - 6;
}
inline void go_on(unsigned i) { cuda_on_cpu_switch(&scheduler, fibers[i].stack); }
inline void leave() { cuda_on_cpu_switch(&fibers[current].stack, scheduler); }
#else
#include <ucontext.h>
ucontext_t contexts[MOST], outside;
void begin();
void* fresh(char* stack) {
    unsigned number = (stack - stacks) / STACK;
    getcontext(&contexts[number]);
    contexts[number].uc_stack.ss_sp = stack;
    contexts[number].uc_stack.ss_size = STACK;
    makecontext(&contexts[number], begin, 0);
    return nullptr;
}
inline void go_on(unsigned i) { swapcontext(&outside, &contexts[fibers[i].number]); }
inline void leave() { swapcontext(&contexts[fibers[current].number], &outside); }
#endif

void begin() {
    kernel(arguments);
    fibers[current].state = ENDED;
    unused[count_unused++] = fibers[current].number;
    leave();
}

// Ready again: all fibers from `first` to `end`, if all of them wait for one another in the same line.
bool released(unsigned first, unsigned end, State waiting) {
    for (unsigned i = first; i < end; ++i)
        if (fibers[i].state != waiting || fibers[i].line != fibers[first].line) return false;
    for (unsigned i = first; i < end; ++i) fibers[i].state = READY;
    return true;
}

void stuck(unsigned threads) {
    unsigned waiting = threads, other = 0;
    for (unsigned i = 0; i < threads; ++i) {
        if (fibers[i].state != ENDED && waiting == threads) waiting = i;
    }
    for (unsigned i = 0; i < threads; ++i)
        if (fibers[i].state != fibers[waiting].state || fibers[i].line != fibers[waiting].line) other = i;
    snprintf(message, sizeof message,
             "block (%u, %u, %u): thread %u waits in line %d of the text, thread %u %s %d", blockIdx.x, blockIdx.y,
             blockIdx.z, waiting, fibers[waiting].line, other,
             fibers[other].state == ENDED ? "ended without, having waited last in line" : "waits in line",
             fibers[other].line);
}

// Each thread of a warp that can go on, until it waits or ends; false where one failed.
bool warp(unsigned first, unsigned end, bool backwards) {
    for (unsigned k = first; k < end; ++k) {
        unsigned i = backwards ? end - 1 - (k - first) : k;
        if (fibers[i].state == NEW) {
            unsigned number = unused[--count_unused];
            fibers[i] = {fresh(stacks + number * STACK), number, READY, 0};
        }
        if (fibers[i].state != READY) continue;
        current = i;
        threadIdx = places[i];
        go_on(i);
        if (message[0]) return false;
    }
    return true;
}

bool block(unsigned threads, bool backwards) {
    if (shared) memset(shared, 0xff, shared_end - shared);
    for (unsigned i = 0; i < threads; ++i) fibers[i] = {nullptr, 0, NEW, 0};
    if (count_unused != MOST)  // the first block, or the last one failed
        for (count_unused = 0; count_unused < MOST; ++count_unused) unused[count_unused] = MOST - 1 - count_unused;
    const unsigned warps = (threads + 31) / 32;
    do {
        for (unsigned k = 0; k < warps; ++k) {
            unsigned first = 32 * (backwards ? warps - 1 - k : k), end = first + 32 < threads ? first + 32 : threads;
            do {
                if (!warp(first, end, backwards)) return false;
            } while (released(first, end, AT_WARP));
        }
        if (count_unused == MOST) return true;  // all have ended
    } while (released(0, threads, AT_BARRIER));
    stuck(threads);
    return false;
}
}  // namespace

extern "C" void cuda_on_cpu_wait(int of_warp, int line) {
    fibers[current].state = of_warp ? AT_WARP : AT_BARRIER;
    fibers[current].line = line;
    leave();
}

extern "C" void cuda_on_cpu_fail(const char* why, int line) {
    snprintf(message, sizeof message, "line %d of the text: %s", line, why);
    leave();
}

extern "C" void* cuda_on_cpu_lane(unsigned lane) {
    unsigned i = current / 32 * 32 + lane;
    return i < blockDim.x * blockDim.y * blockDim.z ? &lanes[i] : nullptr;
}

// The kernel with `words` for all threads; null, or what was wrong.
extern "C" const char* cuda_on_cpu_launch(void (*thread)(const void*), const unsigned* shape, const void* words,
                                          int backwards, char* shared_memory, char* its_end) {
    message[0] = 0;
    shared = shared_memory;
    shared_end = its_end;
    kernel = thread;
    arguments = words;
    gridDim = {shape[0], shape[1], shape[2]};
    blockDim = {shape[3], shape[4], shape[5]};
    unsigned threads = 0;
    for (unsigned z = 0; z < blockDim.z; ++z)
        for (unsigned y = 0; y < blockDim.y; ++y)
            for (unsigned x = 0; x < blockDim.x; ++x) places[threads++] = {x, y, z};
    if (!stacks) {
        const int how = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
        void* mapped = mmap(nullptr, MOST * STACK, PROT_READ | PROT_WRITE, how, -1, 0);
        if (mapped == MAP_FAILED) return "no memory for the stacks of 1024 threads";
        stacks = (char*)mapped;
    }
    unsigned long long blocks = (unsigned long long)gridDim.x * gridDim.y * gridDim.z;
    for (unsigned long long k = 0; k < blocks; ++k) {
        unsigned long long b = backwards ? blocks - 1 - k : k;
        blockIdx = {(unsigned)(b % gridDim.x), (unsigned)(b / gridDim.x % gridDim.y),
                    (unsigned)(b / gridDim.x / gridDim.y)};
        if (!block(threads, backwards)) return message;
    }
    return nullptr;
}
