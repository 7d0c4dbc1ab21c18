// Runs grids: blocks one after another, the threads of a block as fibers that take turns at barriers.
#include "block.h"

#include <sys/mman.h>
#include <ucontext.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "grid.h"

namespace emulator {
namespace {

constexpr size_t STACK = 256 * 1024;
constexpr int MOST_THREADS = 1024;
constexpr int WARP = 32;

// Threads that wait for each other.
struct Barrier {
    int members = 0, waiting = 0;
    unsigned long passed = 0;

    void open_if_all_wait() {
        if (waiting > 0 && waiting == members) {
            waiting = 0;
            ++passed;
        }
    }
};

struct Fiber {
    ucontext_t context;
    char* stack = nullptr;
    Now now;
    bool done;
};

struct Block {
    Fiber fibers[MOST_THREADS];
    Barrier all, warps[MOST_THREADS / WARP];
    char slots[MOST_THREADS / WARP][WARP][SLOT];
    ucontext_t scheduler;
    Fiber* running = nullptr;
    Call call;
    void** arguments;
    // Changes whenever a thread gets anywhere.
    unsigned long progress = 0;
};

Block& the_block() {
    static Block* block = new Block;
    return *block;
}

std::map<std::string, Call>& kernels() {
    static auto* kernels = new std::map<std::string, Call>;
    return *kernels;
}

[[noreturn]] void fail(const char* what) {
    const Now& at = now();
    fprintf(stderr, "emulator: %s (block %u %u %u, thread %u %u)\n", what, at.block.x, at.block.y, at.block.z, at.thread.x,
            at.thread.y);
    abort();
}

void wait(Barrier& barrier) {
    Block& block = the_block();
    unsigned long before = barrier.passed;
    ++barrier.waiting;
    ++block.progress;
    barrier.open_if_all_wait();
    while (barrier.passed == before) swapcontext(&block.running->context, &block.scheduler);
}

void run_fiber() {
    Block& block = the_block();
    block.call(block.arguments);
    Fiber& fiber = *block.running;
    fiber.done = true;
    ++block.progress;
    for (Barrier* barrier : {&block.all, &block.warps[fiber.now.index / WARP]}) {
        --barrier->members;
        barrier->open_if_all_wait();
    }
    swapcontext(&fiber.context, &block.scheduler);
}

void run_block(int threads, bool backwards) {
    Block& block = the_block();
    block.all = Barrier{threads};
    for (int warp = 0; warp * WARP < threads; ++warp) {
        block.warps[warp] = Barrier{threads - warp * WARP < WARP ? threads - warp * WARP : WARP};
    }
    for (int t = 0; t < threads; ++t) {
        Fiber& fiber = block.fibers[t];
        if (!fiber.stack) {
            void* memory = mmap(nullptr, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            fiber.stack = static_cast<char*>(memory);
        }
        fiber.done = false;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = fiber.stack;
        fiber.context.uc_stack.ss_size = STACK;
        fiber.context.uc_link = nullptr;
        makecontext(&fiber.context, run_fiber, 0);
    }
    for (int left = threads; left > 0;) {
        unsigned long before = block.progress;
        left = 0;
        for (int turn = 0; turn < threads; ++turn) {
            Fiber& fiber = block.fibers[backwards ? threads - 1 - turn : turn];
            if (fiber.done) continue;
            block.running = &fiber;
            swapcontext(&block.scheduler, &fiber.context);
            left += !fiber.done;
        }
        if (left > 0 && block.progress == before) fail("threads wait for others that never come");
    }
}

}  // namespace

Registered::Registered(const char* name, Call call) { kernels()[name] = call; }

Call find_kernel(const char* name) {
    auto found = kernels().find(name);
    return found == kernels().end() ? nullptr : found->second;
}

const Now& now() { return the_block().running->now; }
int lane() { return now().index % WARP; }
char* slot(int lane) { return the_block().slots[now().index / WARP][lane]; }
void wait_for_block() { wait(the_block().all); }
void wait_for_warp() { wait(the_block().warps[now().index / WARP]); }

bool run_grid(Call call, void** arguments, Indices blocks, Indices threads) {
    static std::mutex one_at_a_time;
    std::lock_guard<std::mutex> lock(one_at_a_time);
    long long count = (long long)threads.x * threads.y * threads.z;
    if (count == 0 || count > MOST_THREADS || blocks.x == 0 || blocks.y == 0 || blocks.z == 0) return false;
    if (blocks.y > 65535 || blocks.z > 65535) return false;
    // Turning the order of blocks and threads round shows what depends on it.
    const char* order = getenv("MEDNN_EMULATOR_ORDER");
    bool backwards = order && !strcmp(order, "backwards");
    Block& block = the_block();
    block.call = call;
    block.arguments = arguments;
    for (int t = 0; t < count; ++t) {
        Now& now = block.fibers[t].now;
        now.index = t;
        now.thread = {t % threads.x, t / threads.x % threads.y, t / threads.x / threads.y};
        now.threads = threads;
        now.blocks = blocks;
    }
    long long all = (long long)blocks.x * blocks.y * blocks.z;
    for (long long turn = 0; turn < all; ++turn) {
        long long b = backwards ? all - 1 - turn : turn;
        Indices at = {(unsigned)(b % blocks.x), (unsigned)(b / blocks.x % blocks.y), (unsigned)(b / blocks.x / blocks.y)};
        for (int t = 0; t < count; ++t) block.fibers[t].now.block = at;
        run_block((int)count, backwards);
    }
    return true;
}

}  // namespace emulator
