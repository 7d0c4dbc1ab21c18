// The fibers that run as the threads of a block, one block after another.
#pragma once
#include <cstddef>
#include <cstdint>

namespace emulator {

struct Indices {
    unsigned x, y, z;
};

// Where a thread is in its grid.
struct Now {
    Indices thread, block, threads, blocks;
    int index;
};

constexpr size_t SLOT = 256;

const Now& now();
void wait_for_block();
void wait_for_warp();
int lane();
// Memory that the lanes of the running thread's warp share.
char* slot(int lane);

typedef void (*Call)(void** arguments);

// Says that a kernel exists; `call` runs it in the present thread with pointers to its arguments.
struct Registered {
    Registered(const char* name, Call call);
};

template <size_t... I> struct Places {};
template <size_t N, size_t... I> struct PlacesUpTo : PlacesUpTo<N - 1, N - 1, I...> {};
template <size_t... I> struct PlacesUpTo<0, I...> { typedef Places<I...> type; };

template <auto KERNEL, typename... A, size_t... I> void call_with(void (*)(A...), void** arguments, Places<I...>) {
    KERNEL(*static_cast<A*>(arguments[I])...);
}
template <auto KERNEL, typename... A> void call_of(void (*signature)(A...), void** arguments) {
    call_with<KERNEL>(signature, arguments, typename PlacesUpTo<sizeof...(A)>::type{});
}
template <auto KERNEL> void call(void** arguments) { call_of<KERNEL>(KERNEL, arguments); }

}  // namespace emulator

#define EMULATED(KERNEL) static emulator::Registered registered_##KERNEL(#KERNEL, emulator::call<KERNEL>);
